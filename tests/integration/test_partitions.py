"""The tables of readings, spread by `mpan_core`: on one machine, in partitions of PostgreSQL's."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django import db
from psycopg import sql as composed

import sql
from tests import conftest
from tests.integration import contents


SPREAD = ("staged_text", "meter_point", "meter", "register", "reading", "site_visit")
BESIDE = ("flow_file", "delivery", "line_issue")
PARTITIONS = 4
# What a key or an index is, whatever its name: columns and expressions, and what it is for.
INDEXES = """
    SELECT
        array(
            SELECT pg_get_indexdef(indexrelid, place, FALSE)
            FROM generate_series(1, indnatts) AS place
        ),
        indisprimary, indisunique, pg_get_expr(indpred, indrelid)
    FROM pg_index
    WHERE indrelid = %s::regclass
    ORDER BY 1, 2, 3
"""
CHECKS = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s::regclass AND contype <> 'p' ORDER BY 1
"""


def execute(statement: str, *tables: str) -> None:
    names = map(composed.Identifier, tables)
    with db.connection.cursor() as cursor:
        cursor.execute(composed.SQL(statement).format(*names))


def rows(query: str | composed.Composed, *parameters: Any) -> Sequence[Any]:
    with db.connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


@pytest.fixture
def spread() -> Iterator[None]:
    """Make a twin of each table of readings, with all that it has, in a schema of their own."""
    execute("CREATE SCHEMA spread")
    try:
        for table in SPREAD:
            execute(
                "CREATE TABLE spread.{} (LIKE public.{} INCLUDING ALL)"
                " PARTITION BY HASH (mpan_core)",
                *(table, table),
            )
            for number in range(PARTITIONS):
                execute(
                    "CREATE TABLE spread.{} PARTITION OF spread.{} FOR VALUES"
                    f" WITH (MODULUS {PARTITIONS}, REMAINDER {number})",
                    *(f"{table}_{number}", table),
                )
        yield
    finally:
        execute("RESET search_path")
        execute("DROP SCHEMA spread CASCADE")


def enter_spread() -> None:
    """Have the twins stand for the tables, in views as well."""
    execute("SET search_path = spread, public")
    for name in ("staged_line", "reading_standing", "reading_listing"):
        execute(sql.statement("views", name))


def stored() -> dict[str, Sequence[Any]]:
    """Return all rows of tables and views, as text and without the times of the clock."""
    # On the coordinator of a cluster: its workers know no rows of a view.
    query = composed.SQL(
        "SELECT (to_jsonb(stored) - %s::text[])::text"
        " FROM (SELECT * FROM {} OFFSET 0) AS stored ORDER BY 1"
    )
    # A digest is of times, too.
    clock = ["staged_at", "transformed_at", "delivered_at", "purged_at", "digest"]
    names = (*SPREAD, *BESIDE, "staged_line", "reading_standing", "reading_listing")
    return {name: rows(query.format(composed.Identifier(name)), clock) for name in names}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("spread")
class TestPartitions:
    def test_have_the_keys_of_their_table(self) -> None:
        for table in SPREAD:
            for query in (INDEXES, CHECKS):
                assert rows(query, f"spread.{table}") == rows(query, f"public.{table}"), table

    def test_take_no_key_without_the_meter_point(self) -> None:
        for table in SPREAD:
            column = "line_id" if table == "meter_point" else "id"

            with pytest.raises(db.NotSupportedError, match='lacks column "mpan_core"'):
                execute(f"ALTER TABLE spread.{{}} ADD UNIQUE ({column})", table)

    @pytest.mark.thorough
    def test_hold_the_same_rows(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        paths = [
            write(contents.stored_file(), "stored.uff"),
            write(contents.next_file(), "next.uff"),
            conftest.SAMPLE,
        ]

        def load() -> dict[str, Any]:
            for path in paths:
                run("load_d0010", path)
            run("export_readings", "--output", tmp_path / "readings.csv")
            return {**stored(), "export": (tmp_path / "readings.csv").read_text()}

        # So that both begin with the same ids.
        execute(f"TRUNCATE {', '.join((*SPREAD, *BESIDE))} RESTART IDENTITY")
        plain = load()
        execute(f"TRUNCATE {', '.join((*SPREAD, *BESIDE))} RESTART IDENTITY")
        enter_spread()
        spread = load()

        for name in plain:
            assert plain[name]
            assert spread[name] == plain[name], name
        assert rows("SELECT count(DISTINCT tableoid) FROM reading") == [(PARTITIONS,)]
        assert run("reconcile").code == 0
