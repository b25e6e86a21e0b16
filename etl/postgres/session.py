"""
What a statement means, whatever the database, the role or the server has been set to.

There are two ways, since behind a pooler such as pgbouncer a session is shared: what is set for it
is met by other clients, unless the server reports it and the pooler so restores it for each.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.base import base


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


def pin(*, connection: base.BaseDatabaseWrapper, **_: Any) -> None:
    """Have a new connection read and write as this project does; for Django's signal."""
    server = connection.connection
    # psycopg says so as it begins each transaction.
    server.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    other = {
        name: value
        for name, value in _OF_SESSION.items()
        if server.info.parameter_status(name) != value
    }
    if other:
        with connection.cursor() as cursor:
            cursor.execute("; ".join(f"SET {name} = '{value}'" for name, value in other.items()))
