"""What the database holds, in terms that do not depend on when and in which order it came."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

from django import db
from django.db.backends.base import base as backend

from etl.usecases import reconcile
from warehouse import models


# A file's rows, each as JSON, with lines named by their number and others by what identifies
# them. Ids and the times of loading are left out; the content's hash stands for the file.
_OF_FILES = {
    "flow_file": """
        SELECT
            sha256,
            to_jsonb(flow_file) - '{id,staged_at,transformed_at,purged_at,digest}'::text[]
        FROM flow_file
    """,
    "staged_line": """
        SELECT sha256, jsonb_build_array(
            line.id & 4294967295, line.parent_id & 4294967295, kind, mpan_core, serial_key,
            reading_type, validation_status, payload
        )
        FROM staged_line AS line INNER JOIN flow_file ON flow_file.id = line.id >> 32
    """,
    "line_issue": """
        SELECT sha256, to_jsonb(line_issue) - '{id,flow_file_id}'::text[]
        FROM line_issue INNER JOIN flow_file ON flow_file.id = line_issue.flow_file_id
    """,
    "reading": """
        SELECT sha256, to_jsonb(reading) - '{id}'::text[]
            || jsonb_build_object('line', reading.id & 4294967295)
        FROM reading
        INNER JOIN flow_file ON flow_file.id = reading.id >> 32
        INNER JOIN register USING (mpan_core, serial_key, identifier)
        INNER JOIN meter USING (mpan_core, serial_key)
    """,
    "site_visit": """
        SELECT sha256, to_jsonb(visit) - '{id,reading_id}'::text[]
            || jsonb_build_object(
                'line', visit.id & 4294967295, 'reading', reading_id & 4294967295
            )
        FROM site_visit AS visit
        INNER JOIN flow_file ON flow_file.id = visit.id >> 32
    """,
}
_SHARED = {
    "meter_point": "SELECT mpan_core FROM meter_point",
    # As first sent, it depends on the order.
    "meter": "SELECT mpan_core, serial_key FROM meter",
    "register": "SELECT mpan_core, serial_key, identifier FROM register",
    "delivery": """
        SELECT sha256, delivery.file_name, path, origin, brought_by
        FROM delivery INNER JOIN flow_file ON flow_file.id = flow_file_id
    """,
}
Connection = backend.BaseDatabaseWrapper
_TABLES = ("staged_text", *({*_OF_FILES, *_SHARED} - {"staged_line"}))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Snapshot:
    """
    All tables. Deliveries are told apart by content, name and path, and not counted.

    `files` has by SHA-256 and table the rows of each file.
    """

    files: Mapping[str, Mapping[str, list[str]]]
    shared: Mapping[str, set[tuple[str, ...]]]


def take(connection: Connection = db.connection) -> Snapshot:
    """Wait until nobody else is connected, and read everything."""
    wait_until_alone(connection)
    files: dict[str, dict[str, list[str]]] = {}
    shared: dict[str, set[tuple[str, ...]]] = {}
    with connection.cursor() as cursor:
        for table, statement in _OF_FILES.items():
            cursor.execute(statement)
            for sha256, row in cursor.fetchall():  # as text, which is the same for the same row
                files.setdefault(sha256, {}).setdefault(table, []).append(row)
        for table, statement in _SHARED.items():
            cursor.execute(statement)
            rows = cursor.fetchall()
            shared[table] = set(rows)
            assert table == "delivery" or len(rows) == len(shared[table])
    for rows_of in files.values():
        for rows in rows_of.values():
            rows.sort()
    # No row is beyond the reach of the joins above.
    for table in _OF_FILES:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name from above
            seen = sum(len(rows_of.get(table, ())) for rows_of in files.values())
            assert cursor.fetchone()[0] == seen, table
    return Snapshot(files=files, shared=shared)


def wait_until_alone(connection: Connection = db.connection) -> None:
    """Wait until the server has noticed that its clients are gone, and has rolled back."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid, application_name, state, backend_start, query FROM pg_stat_activity"
                " WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            others = cursor.fetchall()
            if not others:
                return
        time.sleep(0.002)
    raise AssertionError(f"somebody else stayed connected: {others}")


def assert_nothing_half(now: Snapshot, *, staged: Snapshot, done: Snapshot) -> None:
    """Each file is as it is when staged, or as it is in the end, and no row is of neither."""
    for sha256, rows_of in now.files.items():
        assert rows_of in (staged.files[sha256], done.files[sha256])
    for table, rows in now.shared.items():
        assert rows <= done.shared[table], table


def assert_reconciled() -> None:
    """`reconcile` accounts for every line and finds no difference."""
    result = reconcile.reconcile()
    assert [account for account in result.accounts if account.unaccounted_line_count] == []
    assert result.differences == []


def empty(connection: Connection = db.connection) -> None:
    """Begin anew; rows that Django itself keeps stay."""
    wait_until_alone(connection)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(_TABLES)}")


def loaded_count() -> int:
    return models.FlowFile.objects.filter(status__startswith="LOADED").count()
