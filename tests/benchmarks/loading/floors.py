"""
What the job costs the server when nothing has to be worked out.

Both floors send prepared bytes by COPY, to a database of the same template as the contenders':
so the tables are theirs, with the same keys, constraints and indexes, and the same rows in them.
"""

from __future__ import annotations

import pathlib
import time

import psycopg
from psycopg import sql

from tests.benchmarks.loading import bench, processes


_BLOCK = 2**20
# The tables in an order that foreign keys allow, and which rows came with files after a given one.
_NEW_ROWS = {
    "flow_file": "id > %s",
    "delivery": "flow_file_id > %s",
    "staged_text": "id >> 32 > %s",
    "meter_point": "line_id >> 32 > %s",
    "meter": "id >> 32 > %s",
    "register": "id >> 32 > %s",
    "reading": "id >> 32 > %s",
    "site_visit": "id >> 32 > %s",
    "line_issue": "flow_file_id > %s",
}


def copy_raw(laboratory: bench.Bench, database: str, flow_file: pathlib.Path) -> processes.Run:
    """F1: COPY the bytes of a file into a bare table of one column."""
    with laboratory.connect(database) as connection:
        connection.execute("CREATE TABLE raw_line (payload text)")
        started = time.perf_counter()
        _send(connection, sql.SQL("COPY raw_line FROM STDIN"), flow_file)
        return processes.Run(seconds=time.perf_counter() - started)


def keep_finished(
    laboratory: bench.Bench, database: str, folder: pathlib.Path, *, after: int
) -> None:
    """Keep the rows that the product made of the files with ids above `after`, as for COPY."""
    folder.mkdir()
    with laboratory.connect(database) as connection:
        for table, condition in _NEW_ROWS.items():
            statement = sql.SQL(
                "COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT binary)"
            ).format(_columns(connection, table), sql.Identifier(table), sql.SQL(condition))
            with (
                (folder / table).open("wb") as file,
                connection.cursor() as cursor,
                cursor.copy(statement, [after]) as stream,
            ):
                for block in stream:
                    file.write(block)


def copy_finished(laboratory: bench.Bench, database: str, folder: pathlib.Path) -> processes.Run:
    """F2: COPY finished rows into all tables, in one transaction, with the raw lines."""
    with laboratory.connect(database, autocommit=False) as connection:
        columns = {table: _columns(connection, table) for table in _NEW_ROWS}
        connection.commit()
        started = time.perf_counter()
        for table in _NEW_ROWS:
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
                sql.Identifier(table), columns[table]
            )
            _send(connection, statement, folder / table)
        connection.commit()
        return processes.Run(seconds=time.perf_counter() - started)


def _columns(connection: psycopg.Connection[tuple[str]], table: str) -> sql.Composed:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [table],
    )
    return sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)


def _send(
    connection: psycopg.Connection[tuple[str]],
    statement: sql.SQL | sql.Composed,
    path: pathlib.Path,
) -> None:
    with (
        path.open("rb") as file,
        connection.cursor() as cursor,
        cursor.copy(statement) as stream,
    ):
        while block := file.read(_BLOCK):
            stream.write(block)
