"""Many rows of models at once: next to no cost a row, where Django builds SQL of each value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django import db
from django.db import models
from django.db.backends.base import base
from psycopg import sql


def insert(rows: Sequence[models.Model]) -> None:
    """
    Insert new rows of one model, in the order given; those without an id get one.

    :raises django.db.Error: if the server refuses a row; psycopg's own errors are converted
    """
    if not rows:
        return
    model = type(rows[0])
    table = model._meta.db_table  # noqa: SLF001 - documented, in spite of its name
    columns = {
        field.attname: field.column
        for field in model._meta.concrete_fields  # noqa: SLF001 - the same
        if field.column and not field.generated
    }
    ids = _new_ids(table, sum(row.pk is None for row in rows))
    for row in rows:
        if row.pk is None:
            row.pk = ids.pop()
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(column) for column in columns.values()),
    )
    with (
        db.connection.wrap_database_errors,
        db.connection.cursor() as cursor,
        cursor.copy(statement) as stream,
    ):
        for row in rows:
            stream.write_row([getattr(row, name) for name in columns])
        # Those in memory are now those of the table.
        for row in rows:
            row._state.adding = False  # noqa: SLF001 - what bulk_create does as well
            row._state.db = db.connection.alias  # noqa: SLF001


def among(name: str, values: Collection[Any]) -> models.Lookup[Any]:
    """Return the condition that this field is one of the values, sent as one array."""
    return _Among(models.F(name), [*values])


class _Among(models.Lookup):
    prepare_rhs = False

    def as_sql(
        self, compiler: Any, connection: base.BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        field, parameters = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s)", (*parameters, _array(self.rhs))


def _array(values: Collection[Any]) -> str:
    """Return an array as PostgreSQL reads it; psycopg takes eight times as long for a list."""
    quoted = (str(value).replace("\\", r"\\").replace('"', r"\"") for value in values)
    return "{" + ",".join([f'"{value}"' for value in quoted]) + "}"


def _new_ids(table: str, count: int) -> list[int]:
    if not count:
        return []
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        # The smallest comes last, since they are taken from the end.
        return sorted((number for (number,) in cursor.fetchall()), reverse=True)
