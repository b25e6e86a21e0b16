"""A store of hundreds of files, made by SQL as if they had been loaded one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import db
from psycopg import sql


# What makes a row of a copy another one than that of the file it is a copy of.
_OF_A_FILE = {
    "id": "id + number",
    "sha256": "encode(sha256(concat(sha256, number)::bytea), 'hex')",
    "file_identifier": "concat('C', number)",
}
_OF_A_LINE = {
    "id": "id + (number << 32)",
    "parent_id": "parent_id + (number << 32)",
    "line_id": "line_id + (number << 32)",
    "reading_id": "reading_id + (number << 32)",
    # The numbers of the meter points are small, so that there is room for that of the copy.
    "mpan_core": "overlay(mpan_core PLACING lpad(number::text, 4, '0') FROM 3)",
}
_OF_AN_ISSUE = {
    "id": "nextval(pg_get_serial_sequence('line_issue', 'id'))",
    "flow_file_id": "flow_file_id + number",
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "flow_file": _OF_A_FILE,
    "staged_text": _OF_A_LINE,
    "meter_point": _OF_A_LINE,
    "meter": _OF_A_LINE,
    "register": _OF_A_LINE,
    "reading": _OF_A_LINE,
    "site_visit": _OF_A_LINE,
    "line_issue": _OF_AN_ISSUE,
}


def repeat(*, copies: int) -> None:
    """Repeat the one file that is stored, each time with meter points of its own."""
    with db.connection.cursor() as cursor:
        for table, changes in TABLES.items():
            columns = _columns(table)
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {table} ({columns}) SELECT {values} FROM {table},"
                    " generate_series(1::bigint, {copies}) AS number ORDER BY number"
                ).format(
                    table=sql.Identifier(table),
                    columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                    values=sql.SQL(", ").join(
                        sql.SQL(changes[name]) if name in changes else sql.Identifier(name)
                        for name in columns
                    ),
                    copies=sql.Literal(copies),
                )
            )
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('flow_file', 'id'), max(id)) FROM flow_file"
        )


def keep_statistics(*, as_they_are: bool) -> None:
    """Let autovacuum leave these tables alone, or let it have them again."""
    change = "SET (autovacuum_enabled = off)" if as_they_are else "RESET (autovacuum_enabled)"
    with db.connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(table), sql.SQL(change))
            )


def analyze() -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


def forget_statistics() -> None:
    """Leave the planner as it is before the first ANALYZE."""
    with db.connection.cursor() as cursor:
        tables = list(TABLES)
        cursor.execute(
            "DELETE FROM pg_statistic WHERE starelid = any(%s::regclass[]::oid[])", [tables]
        )
        cursor.execute(
            "UPDATE pg_class SET reltuples = -1, relpages = 0"
            " WHERE oid = any(%s::regclass[]::oid[])",
            [tables],
        )


def believe_empty() -> None:
    """Leave the planner with what VACUUM finds in emptied tables that kept their pages."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_class SET reltuples = 0, relpages = pg_relation_size(oid) / 8192"
            " WHERE oid = any(%s::regclass[]::oid[])",
            [list(TABLES)],
        )


def _columns(table: str) -> Sequence[str]:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table],
        )
        return [name for (name,) in cursor.fetchall()]
