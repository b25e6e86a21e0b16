"""Store what years of files would have left, by SQL on the server."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import psycopg
from psycopg import sql

from tests.benchmarks.loading import bench


logger = logging.getLogger(__name__)

# Columns that hold a line's id, or the id of a file: a copy is moved by as many files.
_LINE_IDS = {"staged_line": {"id", "parent_id"}, "reading": {"id"}}


def repeat_stored(laboratory: bench.Bench, database: str, *, readings: int, lines: int) -> None:
    """
    Repeat the one file that is stored, as if it had come day after day before.

    The readings are those of the same registers on earlier days; the lines are copied as they
    are. Foreign keys are not checked again for rows that repeat those that hold. Some ten
    minutes for 20,000,000 readings and 50,000,000 lines.
    """
    with laboratory.connect(database) as connection:
        file_id, reading_count, line_count = _row(
            connection, "SELECT id, reading_count, line_count FROM flow_file"
        )
        copies = {
            "flow_file": math.ceil(max(readings / reading_count, lines / line_count)) - 1,
            "reading": math.ceil(readings / reading_count) - 1,
            "staged_line": math.ceil(lines / line_count) - 1,
        }
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET work_mem = '128MB'")
        for table, count in copies.items():
            started = time.perf_counter()
            for number in range(1, count + 1):
                connection.execute(
                    _repeat(connection, table), {"number": number, "file_id": file_id}
                )
            seconds = time.perf_counter() - started
            logger.info("%s: repeated %d times, %.0f s", table, count, seconds)
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('flow_file', 'id'), max(id)) FROM flow_file"
        )
        connection.execute("VACUUM (ANALYZE)")


def _repeat(connection: psycopg.Connection[Any], table: str) -> sql.Composed:
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            [table],
        )
    ]
    order = "mpan_core, id" if table == "reading" else "id"
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {} ORDER BY {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(_moved(table, column) for column in columns),
        sql.Identifier(table),
        sql.SQL(
            "id = %(file_id)s"
            if table == "flow_file"
            else "id BETWEEN %(file_id)s::bigint << 32 AND (%(file_id)s::bigint + 1 << 32) - 1"
        ),
        sql.SQL(order),
    )


def _moved(table: str, column: str) -> sql.Composable:
    name = sql.Identifier(column)
    if column in _LINE_IDS.get(table, ()):
        return sql.SQL("{} + (%(number)s::bigint << 32)").format(name)
    if (table, column) in {("flow_file", "id"), ("reading", "flow_file_id")}:
        return sql.SQL("{} + %(number)s").format(name)
    if column == "read_at":
        return sql.SQL("{} - %(number)s * interval '1 day'").format(name)
    if column == "sha256":
        return sql.SQL("encode(sha256(%(number)s::text::bytea), 'hex')")
    if column == "file_identifier":
        return sql.SQL("'F' || %(number)s")
    return name


def _row(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    assert row is not None
    return row
