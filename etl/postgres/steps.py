"""The one runner of the SQL in `sql/`: one statement a file, in the order of names."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django import db
from django.db.backends import utils

import sql


logger = logging.getLogger(__name__)


LEDGER, *COMPARISONS = sql.names("reconcile")


def run_transform(parameters: Mapping[str, Any]) -> None:
    """
    Run every step of the transform in the transaction of the caller.

    The settings hold for that transaction: compiling such short statements costs more than it
    saves, hashes over a file's lines should stay in memory, indexes of large tables are in memory
    or on disks that don't seek, and rows of large files are best worked out by several processes,
    whatever handing them over costs.

    :raises django.db.Error: if the server refuses a statement
    """
    _set_for_sets()
    for name in sql.names("transform"):
        with db.connection.cursor() as cursor:
            _execute(cursor, "transform", name, parameters)


def run_reconcile(name: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """
    Run one of the queries in `sql/reconcile` and return its rows, by column name.

    :raises django.db.Error: if the server refuses the statement
    """
    _set_for_sets()
    with db.connection.cursor() as cursor:
        _execute(cursor, "reconcile", name, parameters)
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _set_for_sets() -> None:
    with db.connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute("SET LOCAL random_page_cost = 1.1")
        cursor.execute("SET LOCAL parallel_tuple_cost = 0.001")


def _execute(
    cursor: utils.CursorWrapper, folder: str, name: str, parameters: Mapping[str, Any]
) -> None:
    started = time.perf_counter()
    # The tag tells the statement in pg_stat_activity and in the server's log.
    cursor.execute(f"/* {name} */ {sql.statement(folder, name)}", parameters)
    seconds = time.perf_counter() - started
    # -1 rows where a statement writes none.
    facts = {"step": name, "rows": cursor.rowcount, "seconds": round(seconds, 3)}
    logger.info("%s: %d rows, %.3f s", *facts.values(), extra={"facts": facts})
