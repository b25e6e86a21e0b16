"""Whether the database has the tables that this version of the code needs."""

from __future__ import annotations

import contextlib
import functools
import pathlib
from collections.abc import Set as AbstractSet

from django import apps, db
from django.core import management
from django.db.migrations import recorder

from etl.postgres import transactions


EMBEDDED_ENGINE = "etl.postgres.embedded"
OLDEST_SERVER = 150_000  # PostgreSQL 15
CREATED_AS = "ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
_MIGRATION_LOCK = 10
_OWN_APPS = ("etl", "warehouse")
_READ = ("flow_file", "staged_text", "line_issue", "meter", "register", "reading", "site_visit")


class SchemaError(Exception):
    """The database is not fit; the message says what to do."""


def prepare(*, is_writing: bool) -> None:
    """
    Migrate the embedded database if it needs it; a server of one's own is only looked at.

    :raises SchemaError: if the server is older than PostgreSQL 15, takes no changes though some
        are meant, holds the tables of another version, or lacks migrations that nobody but its
        owner should apply
    :raises django.db.Error: if there is no connection, or no right to look
    """
    check_server(is_writing=is_writing)
    applied = _applied_migrations()
    _refuse_other_schema(applied)
    missing = _migrations_on_disk() - applied
    if not missing:
        if not is_writing:
            transactions.wait_for(*_READ)
        return
    if db.connection.settings_dict["ENGINE"] != EMBEDDED_ENGINE:
        raise SchemaError(
            f"the database lacks migrations ({len(missing)}, such as {min(missing)}):"
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


def check_server(*, is_writing: bool) -> None:
    """
    Connect, and see that the server and the database are such as to work with.

    :raises SchemaError: if it is older than PostgreSQL 15, holds text in another encoding than
        UTF8, checks no foreign keys, or takes no changes though some are meant
    :raises django.db.Error: if there is no connection
    """
    # Django's own limit is refused here in our words; the connection stands all the same.
    with contextlib.suppress(db.NotSupportedError):
        db.connection.ensure_connection()
    (oldest_major, *_) = db.connection.features.minimum_database_version or (0,)
    oldest = max(OLDEST_SERVER, 10_000 * oldest_major)
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::integer,"
            " current_setting('transaction_read_only')::boolean,"
            " current_setting('server_encoding'), current_setting('session_replication_role')"
        )
        version, is_read_only, encoding, replication_role = cursor.fetchone()
    if version < oldest:
        raise SchemaError(
            f"the server runs PostgreSQL {version // 10_000}, expected"
            f" {oldest // 10_000} or later: upgrade it, or name another in DATABASE_URL"
        )
    if encoding != "UTF8":
        raise SchemaError(
            f"the database holds text as {encoding}, expected UTF8: create another with"
            f" `CREATE DATABASE d0010 {CREATED_AS}`, and name it in DATABASE_URL"
        )
    if is_writing and replication_role == "replica":
        raise SchemaError(
            "session_replication_role is 'replica', so foreign keys are not checked:"
            " reset it for the role and the database (ALTER ROLE … RESET session_replication_role)"
        )
    if is_writing and is_read_only:
        raise SchemaError(
            "the database is read-only, as a replica is: name the primary in DATABASE_URL"
        )


def _refuse_other_schema(applied: AbstractSet[str]) -> None:
    """
    See that no migration was applied that this version does not have.

    :raises SchemaError: if one was, by version 0.1 or by a later one than this
    """
    others = [
        name for name in applied - _migrations_on_disk() if name.partition(".")[0] in _OWN_APPS
    ]
    if others:
        raise SchemaError(
            "the database holds the tables of another version"
            f" (it has the migration {min(others)}):"
            " name a new folder in D0010_DATA_DIR, or a new database in DATABASE_URL, and load"
            " the files again"
        )


def missing_migrations() -> AbstractSet[str]:
    """Return what is on disk and not applied; looks at names alone, which is quick."""
    return _migrations_on_disk() - _applied_migrations()


def _applied_migrations() -> AbstractSet[str]:
    found = recorder.MigrationRecorder(db.connection).applied_migrations()
    return {f"{label}.{name}" for label, name in found}


@functools.cache
def _migrations_on_disk() -> AbstractSet[str]:
    return {
        f"{config.label}.{path.stem}"
        for config in apps.apps.get_app_configs()
        for path in pathlib.Path(config.path, "migrations").glob("[0-9]*.py")
    }
