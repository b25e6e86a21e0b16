"""Whether the database has the tables that this version of the code needs."""

from __future__ import annotations

import pathlib

from django import apps, db
from django.core import management
from django.db.migrations import recorder


EMBEDDED_ENGINE = "etl.postgres.embedded"
OLDEST_SERVER = 150_000  # PostgreSQL 15
_MIGRATION_LOCK = 10


class SchemaError(Exception):
    """The database is not fit; the message says what to do."""


def prepare() -> None:
    """
    Migrate the embedded database if it needs it; a server of one's own is only looked at.

    :raises SchemaError: if the server is older than PostgreSQL 15, or lacks migrations that
        nobody but its owner should apply
    :raises django.db.OperationalError: if there is no connection
    """
    db.connection.ensure_connection()
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::integer")
        (version,) = cursor.fetchone()
    if version < OLDEST_SERVER:
        raise SchemaError(f"the server runs PostgreSQL {version // 10_000}: expected 15 or later")
    missing = missing_migrations()
    if not missing:
        return
    if db.connection.settings_dict["ENGINE"] != EMBEDDED_ENGINE:
        raise SchemaError(
            f"the database lacks migrations ({len(missing)}, such as {missing[0]}):"
            " run `manage.py migrate` first"
        )
    with db.connection.cursor() as cursor:
        # Two first commands at once must not both create the tables.
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            if missing_migrations():
                management.call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def missing_migrations() -> list[str]:
    """Return what is on disk and not applied; looks at names alone, which is quick."""
    applied = recorder.MigrationRecorder(db.connection).applied_migrations()
    return sorted(
        f"{config.label}.{path.stem}"
        for config in apps.apps.get_app_configs()
        for path in pathlib.Path(config.path, "migrations").glob("[0-9]*.py")
        if (config.label, path.stem) not in applied
    )
