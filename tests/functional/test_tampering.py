"""
Whatever is changed in a store behind the project's back, `reconcile` tells of it.

The columns come from the models, so one that is new is tampered with as well, and what can't be
proved is listed with the reason.
"""

# ruff: noqa: S608, SLF001 - names of tables and columns, from the models; _meta is documented

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import pytest
from django import db
from django.db import models as fields
from django.db import transaction

from etl.models import StagedText
from tests import builder, conftest, depth
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)

TABLES: Mapping[str, type[fields.Model]] = {
    model._meta.db_table: model
    for model in (
        models.FlowFile,
        StagedText,
        models.LineIssue,
        models.MeterPoint,
        models.Meter,
        models.Register,
        models.Reading,
        models.SiteVisit,
    )
}
# What of a file whose raw lines are kept can't be proved, and why.
UNPROVED = {
    "flow_file.transformed_at": "a time of the server's own; that there is one is checked",
    "flow_file.size": "blank lines and line ends are not kept; it can't be less than the lines",
    "flow_file.is_strict": "a strict file that is loaded whole is as any other",
    "line_issue.id": "a number that says nothing",
}
DIGITS = "translate({}, '0123456789', '1234567890')"
# How a copy of a row differs, so that keys take it.
ADDED = {
    "flow_file": {"id": "id + 1000", "sha256": "reverse(sha256)"},
    "staged_text": {"id": "id + 1000"},
    "line_issue": {"id": "id + 1000"},
    "meter_point": {"mpan_core": DIGITS.format("mpan_core")},
    "meter": {"serial_key": "reverse(serial_key)"},
    "register": {"identifier": "'?'"},
    "reading": {"id": "id + 1000"},
    "site_visit": {"id": "id + 1000"},
}

LOADED = builder.flow_file(
    builder.meter_point(
        builder.MPAN,
        builder.line("027|20|nobody thère|"),
        builder.meter(
            "A1",
            builder.line("029|15||"),
            builder.reading(flag="F", below=["032|03|F|", "033|07|stopped|"]),
            builder.reading("02", md_reset_at="20240110120000", md_resets="007"),
            # In the hour that clocks skip, and in that which they repeat.
            builder.reading("03", read_at="20240331013000"),
            builder.reading("04", read_at="20241027013000", md_reset_at="20241027013000"),
        ),
    ),
    # A warning of the header's.
    header="ZHV|1|D0010002|DD|UDMS|X|MRCY|20240201120000|SEND|RECV|B|OPER|",
    trailer="ZPT|1|10||1|20240201121500|",
)
REJECTING = builder.flow_file(
    builder.meter_point(builder.OTHER_MPAN, builder.meter("B2", builder.reading(value="x"))),
    file_id="2",
)


def execute(statement: str, *parameters: str) -> int:
    with db.connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def tampered(field: fields.Field[object, object]) -> str:
    """Return an expression for another value than a column has."""
    name = field.attname
    if name == "mpan_core":
        return f"CASE WHEN {name} = '' THEN '?' ELSE {DIGITS.format(name)} END"
    if name == "status":
        return "CASE status WHEN 'LOADED' THEN 'LOADED_WITH_REJECTIONS' ELSE 'LOADED' END"
    if isinstance(field, fields.DateTimeField):
        return f"coalesce({name} + interval '1 s', '2024-01-01')"
    if isinstance(field, fields.BooleanField):
        return f"NOT {name}"
    if isinstance(field, (fields.CharField, fields.TextField)):
        return f"CASE WHEN {name} = '' THEN '?' ELSE overlay({name} PLACING '?' FROM 1 FOR 1) END"
    return f"coalesce({name} + {1000 if field.primary_key else 1}, 1)"


def tamperings(table: str) -> Iterator[tuple[str, str]]:
    """Yield a name and a statement for each way to tamper with a row, which `ctid` chooses."""
    columns = [field.attname for field in TABLES[table]._meta.concrete_fields]
    for field in TABLES[table]._meta.concrete_fields:
        name = field.attname
        yield f"{table}.{name}", f"UPDATE {table} SET {name} = {tampered(field)} WHERE ctid = %s"
    yield f"{table}, a row less", f"DELETE FROM {table} WHERE ctid = %s"
    values = ", ".join(ADDED[table].get(name, name) for name in columns)
    yield (
        f"{table}, a row more",
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE ctid = %s",
    )


@contextlib.contextmanager
def undone(table: str) -> Iterator[None]:
    """Have a table as it was afterwards."""
    execute(f"CREATE TEMPORARY TABLE kept AS SELECT * FROM {table}")
    yield
    with transaction.atomic():
        execute(f"DELETE FROM {table}")
        execute(f"INSERT INTO {table} SELECT * FROM kept")
    execute("DROP TABLE kept")


def rows_of(table: str) -> Sequence[str]:
    """Return where the rows of a table are, or in a quick run one of them."""
    with db.connection.cursor() as cursor:
        cursor.execute(f"SELECT ctid::text FROM {table} ORDER BY {table}")
        rows = [place for (place,) in cursor.fetchall()]
    return rows if depth.is_thorough() else [rows[len(rows) // 3]]


def unseen(
    run: conftest.Run, tried: Sequence[tuple[str, str]], table: str, *options: str
) -> set[str]:
    """Return the tamperings of which `reconcile` tells nothing."""
    found = set()
    for name, statement in tried:
        for number in range(len(rows_of(table))):
            with undone(table):
                place = rows_of(table)[number]
                try:
                    assert execute(statement, place) == 1
                except db.IntegrityError:
                    continue  # the server knows better
                if run("reconcile", *options).code != 1:
                    found.add(name)
    return found


class TestReconcile:
    @pytest.mark.parametrize("table", depth.some([*TABLES], one_of=2))
    def test_sees_what_was_done_to_any_column_of_a_file(
        self, run: conftest.Run, write: conftest.Write, table: str
    ) -> None:
        assert run("load_d0010", write(LOADED)).code == 0
        run("load_d0010", write(REJECTING, "rejecting.uff"))
        assert run("reconcile", "--deep").code == 0

        # test_reconcile.py has one of each kind, in every run.
        tried = depth.some([*tamperings(table)], one_of=4, first=1)
        found = unseen(run, tried, table, *(["--deep"] if table == "line_issue" else []))

        assert found == UNPROVED.keys() & dict(tried).keys()

    @pytest.mark.parametrize(
        "table", depth.some([table for table in TABLES if table != "staged_text"], one_of=3)
    )
    def test_sees_what_was_done_after_the_raw_lines_were_dropped(
        self, run: conftest.Run, write: conftest.Write, table: str
    ) -> None:
        assert run("load_d0010", write(LOADED)).code == 0
        run("purge_staged_lines", "--older-than", "0d")
        assert run("reconcile").code == 0

        tried = depth.some([*tamperings(table)], one_of=8, first=2)
        assert unseen(run, tried, table) == {"line_issue.id"} & dict(tried).keys()
