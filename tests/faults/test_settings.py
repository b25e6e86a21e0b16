"""Settings of the server, the database or the role: they change no outcome, and leak nowhere."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from django import db
from pytest_django import DjangoDbBlocker

from etl.postgres import session
from tests import builder, depth
from tests import conftest as tests_conftest
from tests.faults import conftest, forks, snapshot


# Each may change what a statement means, what comes back, or in which order it comes.
HOSTILE = {
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Pacific/Apia",
    "array_nulls": "off",
    "backslash_quote": "off",
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "enable_hashjoin": "off",
    "extra_float_digits": "-15",
    "join_collapse_limit": "1",
    "lock_timeout": "1ms",
    "plan_cache_mode": "force_generic_plan",
    "quote_all_identifiers": "on",
    "search_path": "public, pg_catalog",
    "standard_conforming_strings": "off",
    "synchronous_commit": "off",
    "timezone_abbreviations": "India",
    "transform_null_equals": "on",
    "work_mem": "64kB",
    "xmloption": "document",
}
OTHER_DATE_STYLES = ("SQL, DMY", "SQL, MDY", "Postgres, DMY", "ISO, DMY")
ALONE = [*HOSTILE.items(), *(("DateStyle", style) for style in OTHER_DATE_STYLES)]

pytestmark = pytest.mark.django_db(transaction=True)


class Hostile:
    """A database, and a role that may do everything in it, to be set as somebody pleases."""

    def __init__(self, own_server: conftest.OwnServer, launcher: forks.Launcher) -> None:
        self.own_server, self.launcher = own_server, launcher
        self.execute("CREATE ROLE hostile SUPERUSER LOGIN")
        self.execute("CREATE DATABASE hostile TEMPLATE d0010")

    def execute(self, *statements: str) -> None:
        url = self.own_server.url(database="postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    @contextlib.contextmanager
    def set(self, whose: str, settings: Sequence[tuple[str, str]]) -> Iterator[None]:
        self.execute(*(f"ALTER {whose} hostile SET {n} = {quoted(n, v)}" for n, v in settings))
        yield
        self.execute(f"ALTER {whose} hostile RESET ALL")

    def run(self, *arguments: object) -> forks.Ended:
        url = self.own_server.url(user="hostile", database="hostile")
        return self.launcher.run(*arguments, url=url)

    def outcome(self, files: Sequence[object]) -> tuple[object, ...]:
        """Load files, and return what the commands say and the tables hold."""
        loaded = self.run("load_d0010", "--batch", *files)
        exported = self.run("export_readings")
        reconciled = self.run("reconcile")
        connection = self.own_server.connection(database="hostile")
        taken = snapshot.take(connection)
        snapshot.empty(connection)
        connection.close()
        assert taken.shared["register"]  # it did not fail alike each time
        return loaded, exported, reconciled.code, reconciled.err, taken


def quoted(name: str, value: str) -> str:
    return value if name in {"search_path", "DateStyle"} else f"'{value}'"


@pytest.fixture(scope="module")
def hostile(own_server: conftest.OwnServer, launcher: forks.Launcher) -> Iterator[Hostile]:
    one = Hostile(own_server, launcher)
    yield one
    one.execute("DROP DATABASE hostile WITH (FORCE)", "DROP ROLE hostile")


@pytest.fixture(scope="module")
def outcome(
    hostile: Hostile, files: Sequence[object], django_db_blocker: DjangoDbBlocker
) -> tuple[object, ...]:
    """Find out what becomes of the files where nothing is set."""
    with django_db_blocker.unblock():
        return hostile.outcome(files)


@pytest.mark.parametrize("whose", depth.some(["ROLE", "DATABASE"], one_of=2))
class TestSettings:
    def test_all_at_once_change_no_outcome(
        self, hostile: Hostile, files: Sequence[object], outcome: tuple[object, ...], whose: str
    ) -> None:
        with hostile.set(whose, [*HOSTILE.items()]):
            found = hostile.outcome(files)

        assert found == outcome

    @pytest.mark.thorough
    @pytest.mark.parametrize("setting", ALONE, ids=" = ".join)
    def test_each_alone_changes_no_outcome(
        self,
        hostile: Hostile,
        files: Sequence[object],
        outcome: tuple[object, ...],
        whose: str,
        setting: tuple[str, str],
    ) -> None:
        with hostile.set(whose, [setting]):
            found = hostile.outcome(files)

        assert found == outcome

    def test_do_not_change_what_a_page_reads_outside_a_transaction(
        self, hostile: Hostile, whose: str
    ) -> None:
        with hostile.set(whose, [*HOSTILE.items()]):
            connection = hostile.own_server.connection(user="hostile", database="hostile")
            with connection.cursor() as cursor:
                cursor.execute(r"SELECT '2026-01-02 03:04:05+00'::timestamptz, '\s'")
                row = cursor.fetchone()
            connection.close()

        at = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        assert row == (at, r"\s")


@pytest.mark.thorough
def test_tables_made_under_hostile_settings_judge_the_same(
    hostile: Hostile, files: Sequence[object], outcome: tuple[object, ...]
) -> None:
    hostile.execute("DROP DATABASE hostile", "CREATE DATABASE hostile TEMPLATE template0")
    with hostile.set("DATABASE", [*HOSTILE.items()]):
        migrated = hostile.run("migrate")
        found = hostile.outcome(files)

    assert (migrated.code, migrated.err) == (0, "")
    assert found == outcome


# A pooler such as pgbouncer gives each client its own of these, since the server reports them.
RESTORED_BY_POOLERS = {"DateStyle", "TimeZone", "standard_conforming_strings"}


def set_for_session() -> dict[str, str]:
    with db.connection.cursor() as cursor:
        # What is called after a transaction is gone with it, whatever it gives as its source.
        cursor.execute(
            "SELECT name, setting FROM pg_settings"
            " WHERE source = 'session' AND NOT starts_with(name, 'transaction_')"
        )
        return dict(cursor.fetchall())


class TestSession:
    """Behind a pooler the next client has the same session."""

    @pytest.mark.parametrize(
        "command",
        [
            ["load_d0010", "--batch"],
            ["load_d0010"],
            ["load_d0010", "--dry-run"],
            ["transform_pending"],
            ["reconcile"],
            ["purge_staged_lines", "--older-than", "0d"],
        ],
        ids=" ".join,
    )
    def test_is_left_as_it_was_by_a_command(
        self, run: tests_conftest.Run, write: tests_conftest.Write, command: list[str]
    ) -> None:
        paths: list[pathlib.Path] = []
        if command[0] == "load_d0010":
            paths = [
                write(builder.simple(file_id=f"000000000{number}"), f"{number}.uff")
                for number in range(2)
            ]
        before = set_for_session()

        ended = run(*command, *paths)

        assert (ended.code, ended.err) == (0, "")
        assert set_for_session() == before
        assert {*before} <= RESTORED_BY_POOLERS

    def test_sets_for_itself_no_more_than_a_pooler_restores(self) -> None:
        assert {*session._OF_SESSION} <= RESTORED_BY_POOLERS  # noqa: SLF001 - it is promised
