"""Runs one step of the transform, as its runner does, over a few rows that a test puts there."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pytest
from django import db

import sql
from etl.usecases import transform
from tests import builder
from warehouse import codes


NOON = datetime.datetime(2024, 2, 2, 12, tzinfo=datetime.timezone.utc)
FILE = 2_000_000
REFUSED = FILE + 9  # a file that is refused, for the steps that take up none of its lines
NO_BREAK = "\N{NO-BREAK SPACE}"
Verdict = tuple[str, str]  # rejections, warnings

# A line of each kind with which nothing is wrong, and the step and the table in which it ends.
LINES = {
    "meter_point": (f"026|{builder.MPAN}|V|", "10_judge_meter_points", "judged_meter_point"),
    "meter": ("028|A1|R|", "20_judge_meters", "judged_meter"),
    "reading": (builder.reading()[0], "30_judge_readings", "judged_reading"),
    "result": ("032|01|T|", "40_judge_results", "judged_result"),
    "visit_at_meter": ("029|01||", "50_judge_other_lines", "judged_other_line"),
}


def run(
    name: str, *, files: Sequence[int] = (FILE,), flow: str = "D0010002", **told: Any
) -> Sequence[tuple[Any, ...]]:
    """Run a step over these files, told what steps before it would give, and return its rows."""
    flow_files = [
        transform.StagedFile(
            id=pk,
            status=codes.FlowFileStatus.STAGED,
            flow=flow,
            file_created_at=made_at(pk),
            line_count=9,
            blank_line_count=0,
            meter_point_line_count=0,
            meter_line_count=0,
            reading_count=0,
        )
        for pk in files
    ]
    given = {
        "has_rejected_meter_points": False,
        "has_rejected_meters": False,
        "refused_file_ids": [REFUSED],
        **transform.parameters(flow_files, NOON),
        **told,
    }
    return query(sql.statement("transform", name), given)


def query(statement: str, parameters: Any = None) -> Sequence[tuple[Any, ...]]:
    with db.connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def made_at(flow_file_id: int) -> datetime.datetime:
    return NOON - datetime.timedelta(days=1 + flow_file_id - FILE)


def make_empty() -> None:
    """Make the tables of what is judged, with nothing in them."""
    for _, step, _ in LINES.values():
        run(step)


def judge(kind: str, **told: Any) -> None:
    """Judge the staged lines of a kind, in place of what `make_empty` has made."""
    _, step, table = LINES[kind]
    query(f"DROP TABLE {table}")
    run(step, **told)


def line(number: int, flow_file_id: int = FILE) -> int:
    """Return the id of a line."""
    return flow_file_id << 32 | number


def insert(table: str, **values: Any) -> None:
    columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
    query(f"INSERT INTO {table} ({columns}) VALUES ({places})", [*values.values()])  # noqa: S608 - names of the test


def stage(kind: str, payload: str, **place: Any) -> None:
    """Stage a line 7 under a line 6; `place` is what else it takes from the lines above it."""
    usual = {
        "id": line(7),
        "parent_id": line(6),
        "mpan_core": builder.MPAN,
        "serial_key": "A1",
        "reading_type": "R",
        "validation_status": "V",
    }
    insert("staged_text", kind=kind, payload=payload, **{**usual, **place})


def put(table: str, line_id: int, /, **values: Any) -> None:
    """Put a line there as a step before would have judged it: sound, if nothing else is said."""
    usual = {"mpan_core": builder.MPAN, "rejections": "", "warnings": ""}
    insert(table, line_id=line_id, **{**usual, **values})


def found(table: str, *columns: str, order_by: str = "1") -> Sequence[tuple[Any, ...]]:
    return query(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order_by}")  # noqa: S608 - names of the test


def cases(**found: tuple[str, str, str]) -> pytest.MarkDecorator:
    """Return lines with the rejections and the warnings that they get, named for what they are."""
    return pytest.mark.parametrize(
        ("payload", "verdict"),
        [
            pytest.param(payload, verdict, id=name.replace("_", " "))
            for name, (payload, *verdict) in found.items()
        ],
    )


def judged(kind: str, payload: str, *columns: str, **place: Any) -> Sequence[tuple[Any, ...]]:
    """Return what the step of this kind finds of one line."""
    stage(kind, payload, **place)
    judge(kind)
    return found(LINES[kind][2], *columns)
