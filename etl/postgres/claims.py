"""What one process works at and no other shall, until it is done or gone."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from django import db


# The server ends a transaction that only waits, if it is told to; this one does nothing else.
_UNLIMITED = """
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""


@contextlib.contextmanager
def claimed(keys: Collection[str]) -> Iterator[Collection[str]]:
    """
    Yield those of the keys, 64 hexadecimal digits each, that nobody else holds, and hold them.

    They are locks of a transaction on a connection of its own: free when its process is killed,
    and tied to one session also behind a pooler.
    """
    connection = db.connection.copy()
    try:
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute(_UNLIMITED)
            cursor.execute(
                "SELECT key FROM unnest(%s::text[]) AS key"
                " WHERE pg_try_advisory_xact_lock(('x' || left(key, 16))::bit(64)::bigint)",
                [list(keys)],
            )
            mine = {key for (key,) in cursor.fetchall()}
        yield mine
        with contextlib.suppress(db.Error):  # which has freed them as well
            connection.rollback()
    finally:
        connection.close()
