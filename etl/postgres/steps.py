"""The one runner of the SQL in `sql/transform`: one statement a file, in the order of names."""

from __future__ import annotations

import dataclasses
import functools
import logging
import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django import db


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
    saves, and hashes over a file's lines should stay in memory.

    :raises django.db.Error: if the server refuses a statement
    """
    with db.connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        cursor.execute("SET LOCAL work_mem = '128MB'")
    return [_run(name, parameters) for name in STEPS]


def _run(name: str, parameters: Mapping[str, Any]) -> StepReport:
    started = time.perf_counter()
    with db.connection.cursor() as cursor:
        # The tag tells the statement in pg_stat_activity and in the server's log.
        cursor.execute(f"/* {name} */ {_statement(name)}", parameters)
        report = StepReport(
            name=name, row_count=cursor.rowcount, seconds=time.perf_counter() - started
        )
    logger.info("%s: %d rows, %.3f s", report.name, report.row_count, report.seconds)
    return report


@functools.cache
def _statement(name: str) -> str:
    return (SQL_FOLDER / "transform" / f"{name}.sql").read_text(encoding="utf-8")
