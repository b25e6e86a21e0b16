"""The one runner of the SQL in `sql/`: one statement a file, in the order of names."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django import db
from django.db import transaction
from django.db.backends import utils

import sql
from etl.postgres import ways


logger = logging.getLogger(__name__)


LEDGER, *COMPARISONS = sql.names("reconcile")

# Below this each line's keys are looked up in an index, whatever the planner believes, and the
# lines are not analyzed, which takes longer than loading a small file.
LINES_WORTH_A_SCAN = 100_000

# Judging so many is worth sharing among processes. The planner, which takes a file for far fewer
# lines where many are stored, would not; now it does if it takes it for some dozens, as it does
# where lines were analyzed.
LINES_WORTH_SHARING = 10_000

_FOR_SETS = (
    "jit = off",
    "work_mem = '128MB'",
    "random_page_cost = 1.1",
    "parallel_tuple_cost = 0.001",
)
_FOR_FEW_LINES = ("enable_hashjoin = off", "enable_mergejoin = off")
_FOR_ONE_PROCESS = ("max_parallel_workers_per_gather = 0",)
_FOR_SHARING = (
    "parallel_setup_cost = 0",
    "min_parallel_table_scan_size = 0",
    "min_parallel_index_scan_size = 0",
)

_JOINED = (
    *("flow_file", "line_issue", "meter", "meter_point", "reading", "register", "site_visit"),
    "staged_text",
)
# A table that holds so many rows and is believed to hold a tenth of them misleads.
_MANY_ROWS = 1_000


def run_transform(
    parameters: Mapping[str, Any], *, line_count: int, judge_only: bool = False
) -> None:
    """
    Run the steps of the transform in the transaction of the caller, over so many lines.

    Or those alone that judge, up to the one that records what was found.

    The settings hold for that transaction: compiling such short statements costs more than it
    saves, hashes over a file's lines should stay in memory, indexes of large tables are in memory
    or on disks that don't seek, and rows of large files are best worked out by several processes,
    whatever handing them over costs. Where lines are few, the planner is not let guess that they
    are many, as it does for a file that was analyzed between two large ones.

    :raises django.db.Error: if the server refuses a statement
    """
    way = ways.fitting(line_count=line_count, is_large=line_count >= LINES_WORTH_A_SCAN)
    is_worth_sharing = line_count >= LINES_WORTH_SHARING
    _set(
        *_FOR_SETS,
        *(way.joins or _how_to_join(line_count)),
        *(_FOR_SHARING if is_worth_sharing else _FOR_ONE_PROCESS),
        *way.settings,
    )
    names = sql.names("transform")
    if judge_only:
        names = names[: names.index(ways.LAST_JUDGEMENT) + 1]
    given = {**parameters}
    with db.connection.cursor() as cursor:
        for name, statement in way.transform(names, given):
            _execute(cursor, name, statement, given)
            # What a step gives is told to those that follow.
            for row in _rows(cursor):
                given |= row


def run_reconcile(
    name: str, parameters: Mapping[str, Any], *, is_of_all: bool = False
) -> Sequence[Mapping[str, Any]]:
    """
    Run one of the queries in `sql/reconcile` and return its rows, by column name.

    Where it is of all files, keys are not looked up one by one, as for a file beside many others.

    :raises django.db.Error: if the server refuses the statement
    """
    way = ways.fitting()
    joins = ways.FOR_WHOLE_TABLES if is_of_all else _how_to_join(LINES_WORTH_A_SCAN)
    _set(*_FOR_SETS, *joins, *way.settings)
    filling, text = way.comparison(name)
    with transaction.atomic(), db.connection.cursor() as cursor:
        if filling:
            _execute(cursor, name, filling, parameters)
        _execute(cursor, name, text, parameters)
        found = _rows(cursor)
        # What was filled is gone, and locks nobody out, as it would if it were deleted.
        transaction.set_rollback(bool(filling))
    return found


def digests(flow_file_ids: Sequence[int], parameters: Mapping[str, Any]) -> Mapping[int, str]:
    """
    Return what stands for all rows that came from these files, by the ids of the files.

    :raises django.db.Error: if the server refuses the statement
    """
    asked = {**parameters, "flow_file_ids": list(flow_file_ids)}
    rows = _query("digest", "10_digest_files", asked)
    return {row["flow_file_id"]: row["digest"] for row in rows}


def compare_issues(
    parameters: Mapping[str, Any], *, line_count: int
) -> Sequence[Mapping[str, Any]]:
    """
    Judge the lines once more, in the transaction of the caller, and compare with what was found.

    All that is written is temporary: `line_issue` is one, too, until it is renamed.

    :raises django.db.Error: if the server refuses a statement
    """
    with db.connection.cursor() as cursor:
        _execute_file(cursor, "deep", "10_take_the_place_of_issues", {})
    run_transform(parameters, line_count=line_count, judge_only=True)
    with db.connection.cursor() as cursor:
        _execute_file(cursor, "deep", "20_give_the_place_back", {})
    return _query("deep", "30_compare_issues", parameters)


def run_citus(name: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """
    Run one of the statements in `sql/citus` and return its rows, if it gives any.

    :raises django.db.Error: if the server refuses the statement
    """
    with db.connection.cursor() as cursor:
        _execute_file(cursor, "citus", name, parameters)
        return _rows(cursor)


def _query(folder: str, name: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    _set(*_FOR_SETS, *_how_to_join(LINES_WORTH_A_SCAN))
    with db.connection.cursor() as cursor:
        _execute_file(cursor, folder, name, parameters)
        return _rows(cursor)


def _rows(cursor: utils.CursorWrapper) -> Sequence[Mapping[str, Any]]:
    if not cursor.description:
        return []
    columns = [column.name for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _how_to_join(line_count: int) -> Sequence[str]:
    if _is_planner_misled():
        return ways.FOR_WHOLE_TABLES
    return _FOR_FEW_LINES if line_count < LINES_WORTH_A_SCAN else ()


def _is_planner_misled() -> bool:
    """
    Tell whether the planner takes a table for nearly empty that is not.

    VACUUM of an emptied table, as after a load that was rolled back, may leave its pages and the
    belief that there are no rows to a page. What comes later is then taken for a row or two, and
    joined by going through all of it for each line, until the table is analyzed.
    """
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regclass::text,"
            " reltuples / relpages * pg_relation_size(oid)"
            " / current_setting('block_size')::integer"
            " FROM pg_class WHERE oid = any(%s::regclass[]) AND relpages > 0"
            " AND reltuples BETWEEN 0 AND relpages",
            [list(_JOINED)],
        )
        for table, believed in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {_MANY_ROWS}) AS few")  # noqa: S608 - named above
            if cursor.fetchone()[0] == _MANY_ROWS > 10 * believed:
                return True
    return False


def _set(*settings: str) -> None:
    """Have these settings hold for the transaction of the caller."""
    with db.connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {setting}" for setting in settings))


def _execute_file(
    cursor: utils.CursorWrapper, folder: str, name: str, parameters: Mapping[str, Any]
) -> None:
    _execute(cursor, name, sql.statement(folder, name), parameters)


def _execute(
    cursor: utils.CursorWrapper, name: str, statement: str, parameters: Mapping[str, Any]
) -> None:
    started = time.perf_counter()
    # The tag tells the statement in pg_stat_activity and in the server's log.
    cursor.execute(f"/* {name} */ {statement}", parameters)
    seconds = time.perf_counter() - started
    # -1 rows where a statement writes none.
    facts = {"step": name, "rows": cursor.rowcount, "seconds": round(seconds, 3)}
    logger.info("%s: %d rows, %.3f s", *facts.values(), extra={"facts": facts})
