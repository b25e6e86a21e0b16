"""Many rows of models at once: next to no cost a row, where Django makes an object of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from django import db
from django.db import models
from django.db.backends.base import base
from psycopg import sql


N = TypeVar("N", bound=NamedTuple)


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """
    Insert new rows of a model, in the order given: of each its values, by the names of fields.

    What is not named gets the field's default; an id, where the first row has none, the server's.

    :raises django.db.Error: if the server refuses a row; psycopg's own errors are converted
    """
    if not rows:
        return
    fields = [
        field
        for field in model._meta.concrete_fields  # noqa: SLF001 - documented, in spite of its name
        if not field.generated and (not field.primary_key or field.attname in rows[0])
    ]
    defaults = {field.attname: field.get_default() for field in fields}
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table),  # noqa: SLF001 - the same
        sql.SQL(", ").join(sql.Identifier(str(field.column)) for field in fields),
    )
    with (
        db.connection.wrap_database_errors,
        db.connection.cursor() as cursor,
        cursor.copy(statement) as stream,
    ):
        for row in rows:
            stream.write_row([*{**defaults, **row}.values()])


def new_ids(model: type[models.Model], count: int) -> Sequence[int]:
    """Return so many ids for new rows of a model, ascending."""
    if not count:
        return []
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],  # noqa: SLF001 - as above
        )
        return sorted(number for (number,) in cursor.fetchall())


def select(kind: type[N], query: models.QuerySet[Any]) -> list[N]:
    """Return what a query finds, as this named tuple of some fields."""
    return [*map(kind._make, query.values_list(*kind._fields))]


def among(name: str, values: Collection[Any]) -> models.Lookup[Any]:
    """Return the condition that this field is one of the values, sent as one array."""
    return _Among(models.F(name), [*values])


class _Among(models.Lookup):
    prepare_rhs = False

    def as_sql(
        self, compiler: Any, connection: base.BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        field, parameters = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s)", (*parameters, array(self.rhs))


def array(values: Collection[Any]) -> str:
    """Return an array as PostgreSQL reads it; psycopg takes eight times as long for a list."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: Any) -> str:
    text = str(value).replace("\\", r"\\").replace('"', r"\"")
    return f'"{text}"'
