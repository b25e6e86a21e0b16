"""
What a statement means, whatever the database, the role or the server has been set to.

There are two ways, since behind a pooler such as pgbouncer a session is shared: what is set for it
is met by other clients, unless the server reports it and the pooler so restores it for each.
"""

from __future__ import annotations

import datetime
from typing import Any

import psycopg
from django.db.backends.base import base
from psycopg.types import datetime as moments


# Reported by the server, so these may be set for the session: a page reads outside transactions.
# Django adds TimeZone and client_encoding, which are of that kind as well.
_OF_SESSION = {
    "DateStyle": "ISO, MDY",  # as it is unless somebody sets it, so that nothing is sent
    "standard_conforming_strings": "on",
}
# Set for each transaction of a command.
OF_TRANSACTION = {
    **_OF_SESSION,
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "array_nulls": "on",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    # What a policy would hide is an error: nothing is judged, or proved, by a part of the rows.
    "row_security": "off",
    "transform_null_equals": "off",
}


class _MomentLoader(moments.TimestamptzLoader):
    """Reads moments in UTC as Django does, in a fifth of the time; a page has thousands."""

    timezone = datetime.timezone.utc  # by which Django knows that it need not set its own

    def load(self, data: Any) -> datetime.datetime:
        text = bytes(data).decode()
        if text.endswith("+00"):
            try:
                return datetime.datetime.fromisoformat(text[:-3]).replace(tzinfo=self.timezone)
            except ValueError:
                pass  # some fractions of a second, before Python 3.11
        return super().load(data).replace(tzinfo=self.timezone)


def pin(*, connection: base.BaseDatabaseWrapper, **_: Any) -> None:
    """Have a new connection read and write as this project does; for Django's signal."""
    server = connection.connection
    # psycopg says so as it begins each transaction.
    server.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    server.adapters.register_loader("timestamptz", _MomentLoader)
    other = {
        name: value
        for name, value in _OF_SESSION.items()
        if server.info.parameter_status(name) != value
    }
    if other:
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in other.items()))
