"""The one runner of the SQL in `sql/`: one statement a file, in the order of names."""

from __future__ import annotations

import dataclasses
import functools
import logging
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import db
from django.db.backends import utils


logger = logging.getLogger(__name__)

SQL_FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sql"

STEPS = (
    "10_judge_meter_points",
    "11_analyze_meter_points",
    "20_judge_meters",
    "21_analyze_meters",
    "30_judge_validation_results",
    "31_analyze_validation_results",
    "40_judge_readings",
    "41_analyze_readings",
    "50_judge_other_lines",
    "51_judge_suspect_readings",
    "52_find_lines_under_rejected_lines",
    "53_judge_lines_under_rejected_lines",
    "60_record_line_issues",
    "61_refuse_strict_files",
    "70_insert_meter_points",
    "71_insert_meters",
    "72_insert_registers",
    "80_insert_readings_of_known_registers",
    "81_insert_readings_of_new_registers",
    "82_insert_site_visits",
    "90_mark_files_transformed",
)


LEDGER = "10_account_for_lines"
COMPARISONS = (
    "20_compare_counts",
    "30_compare_readings",
    "40_compare_other_lines",
    "50_check_references",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepReport:
    """What one statement did: the rows it wrote (-1 where it writes none) and how long it took."""

    name: str
    row_count: int
    seconds: float


def run_transform(parameters: Mapping[str, Any]) -> Sequence[StepReport]:
    """
    Run every step of the transform in the transaction of the caller.

    The settings hold for that transaction: compiling such short statements costs more than it
    saves, hashes over a file's lines should stay in memory, indexes of large tables are in memory
    or on disks that don't seek, and rows of large files are best worked out by several processes,
    whatever handing them over costs.

    :raises django.db.Error: if the server refuses a statement
    """
    _set_for_sets()
    reports = []
    for name in STEPS:
        with db.connection.cursor() as cursor:
            reports.append(_execute(cursor, "transform", name, parameters))
    return reports


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


def export_readings(parameters: Mapping[str, Any], *, time_zone: str) -> Iterator[bytes]:
    """
    Yield CSV with a header line, as the server sends it.

    :raises django.db.Error: if the server refuses the statement
    """
    statement = _statement("export", "readings")
    with db.connection.wrap_database_errors, db.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, TRUE)", [time_zone])
        # psycopg's own cursor: the one that Django wraps it in under DEBUG takes no parameters.
        with cursor.cursor.copy(
            f"/* readings */ COPY ({statement}) TO STDOUT WITH (FORMAT csv, HEADER)", parameters
        ) as stream:
            for block in stream:
                yield bytes(block)


def _set_for_sets() -> None:
    with db.connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute("SET LOCAL random_page_cost = 1.1")
        cursor.execute("SET LOCAL parallel_tuple_cost = 0.001")


def _execute(
    cursor: utils.CursorWrapper, folder: str, name: str, parameters: Mapping[str, Any]
) -> StepReport:
    started = time.perf_counter()
    # The tag tells the statement in pg_stat_activity and in the server's log.
    cursor.execute(f"/* {name} */ {_statement(folder, name)}", parameters)
    seconds = time.perf_counter() - started
    report = StepReport(name=name, row_count=cursor.rowcount, seconds=seconds)
    facts = {"step": report.name, "rows": report.row_count, "seconds": round(report.seconds, 3)}
    logger.info("%s: %d rows, %.3f s", *dataclasses.astuple(report), extra={"facts": facts})
    return report


@functools.cache
def _statement(folder: str, name: str) -> str:
    return (SQL_FOLDER / folder / f"{name}.sql").read_text(encoding="utf-8")
