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

_LINE_IDS = {"id", "parent_id"}  # the id of the file in their high half


def repeat_stored(laboratory: bench.Bench, database: str, *, readings: int, lines: int) -> None:
    """
    Repeat the first file until so many are stored, as if it had come day after day before.

    The readings are those of the same registers on earlier days; all else is copied as it is,
    whatever columns the tables have. Foreign keys are not checked again for rows that repeat
    those that hold. Some ten minutes for 20,000,000 readings and 50,000,000 lines.
    """
    with laboratory.connect(database) as connection:
        file_id, reading_count, line_count = _row(
            connection, "SELECT id, reading_count, line_count FROM flow_file ORDER BY id LIMIT 1"
        )
        (stored,) = _row(connection, "SELECT count(*) FROM flow_file")
        copies = {
            "flow_file": math.ceil(max(readings / reading_count, lines / line_count)) - stored,
            "reading": math.ceil(readings / reading_count) - stored,
            raw_lines(connection): math.ceil(lines / line_count) - stored,
        }
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET work_mem = '128MB'")
        for table, count in copies.items():
            started = time.perf_counter()
            _take_out(connection, table, file_id)
            repeat = _repeat(_columns(connection, table), table)
            for number in range(stored, stored + count):
                connection.execute(repeat, {"number": number})
            connection.execute("DROP TABLE one_file")
            seconds = time.perf_counter() - started
            logger.info("%s: repeated %d times, %.0f s", table, count, seconds)
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('flow_file', 'id'), max(id)) FROM flow_file"
        )
        connection.execute("VACUUM (ANALYZE)")


def raw_lines(connection: psycopg.Connection[Any]) -> str:
    """Return the table of raw lines; older versions have a row a line, by another name."""
    (name,) = _row(connection, "SELECT coalesce(to_regclass('staged_text'), 'staged_line')")
    return str(name)


def _take_out(connection: psycopg.Connection[Any], table: str, file_id: int) -> None:
    # Beside the table, since not each has an index by which a file is found among many.
    order = "mpan_core, id" if table == "reading" else "id"
    first, last = (
        (file_id, file_id) if table == "flow_file" else (file_id << 32, (file_id + 1 << 32) - 1)
    )
    connection.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE one_file AS"
            " SELECT * FROM {} WHERE id BETWEEN {} AND {} ORDER BY {}"
        ).format(sql.Identifier(table), first, last, sql.SQL(order))
    )


def _columns(connection: psycopg.Connection[Any], table: str) -> list[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [table],
    )
    return [name for (name,) in rows]


def _repeat(columns: list[str], table: str) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM one_file").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(_moved(table, column) for column in columns),
    )


def _moved(table: str, column: str) -> sql.Composable:
    name = sql.Identifier(column)
    if column == "flow_file_id" or (table, column) == ("flow_file", "id"):
        return sql.SQL("{} + %(number)s").format(name)
    if column in _LINE_IDS:
        return sql.SQL("{} + (%(number)s::bigint << 32)").format(name)
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
