"""The database that `D0010_CITUS_URL` names, in place of the one that tests use."""

from __future__ import annotations

import os
from typing import Any

import dj_database_url
from django import db
from django.core import management

from etl.postgres import work_tables
from tests import conftest
from tests.integration import test_partitions


URL = os.environ.get("D0010_CITUS_URL", "")


def enter() -> Any:
    """Let all tests of this process use it, with no table spread; return what they used."""
    name = dj_database_url.parse(URL)["NAME"]
    if not name.startswith("test_"):
        raise RuntimeError(
            f"D0010_CITUS_URL names {name}: expected test_…, for it will be emptied"
        )
    before = db.connections.settings["default"]
    db.connections.close_all()
    database = db.connections.configure_settings({"default": dict(dj_database_url.parse(URL))})
    leave(database["default"])
    management.call_command("migrate", verbosity=0, interactive=False)
    conftest.empty_tables()
    for table in work_tables.names():
        test_partitions.execute(f"DROP TABLE IF EXISTS {table}")
    test_partitions.rows(
        "SELECT undistribute_table(table_name) FROM citus_tables"
        " WHERE table_name::text = any(%s) AND citus_table_type = 'distributed'",
        [*test_partitions.SPREAD],
    )
    return before


def leave(before: Any) -> None:
    db.connections.close_all()
    db.connections.settings["default"] = before
    del db.connections["default"]
