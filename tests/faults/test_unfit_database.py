"""A database that can't be used: every command says so in one sentence that says what to do."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import psycopg
import pytest
from django import db
from django.db.backends.base import base as django_base
from django.db.backends.postgresql import features

from etl.postgres import advice
from etl.usecases import schema
from tests import conftest as tests_conftest
from tests import depth
from tests.faults import conftest, forks


READING = {
    "reconcile": ["reconcile"],
    "export_readings": ["export_readings"],
    "runserver": ["runserver", "--noreload", "127.0.0.1:0"],
}
WRITING = {
    "load_d0010": ["load_d0010", str(tests_conftest.SAMPLE)],
    "transform_pending": ["transform_pending"],
    "purge_staged_lines": ["purge_staged_lines", "--older-than", "90d"],
    "createsuperuser": ["createsuperuser", "--noinput", "--username=a", "--email=a@example.com"],
    "migrate": ["migrate"],
}
COMMANDS = READING | WRITING
SOME = depth.some([*COMMANDS], one_of=8, first=3)  # load_d0010 in a quick run
SEE = f"{advice.SEE}.\n"

pytestmark = pytest.mark.django_db


def assert_said(ended: forks.Ended, *, cause: str, advice: str) -> None:
    assert ended.code == 1
    assert ended.err.startswith("CommandError: "), ended.err
    assert cause in ended.err
    assert ended.err.endswith(advice), ended.err
    assert ended.err.count("\n") == 1, ended.err


@contextlib.contextmanager
def on(own_server: conftest.OwnServer, set_up: str, *, clean_up: str) -> Iterator[None]:
    """Change the server, and change it back."""
    connection = own_server.connection()
    with connection.cursor() as cursor:
        cursor.execute(set_up)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for statement in clean_up.split(";"):
                cursor.execute(statement)
        connection.close()


@pytest.fixture(scope="module")
def latin1(own_server: conftest.OwnServer) -> Iterator[str]:
    with psycopg.connect(own_server.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin1 ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
        yield own_server.url(database="latin1")
        connection.execute("DROP DATABASE latin1 WITH (FORCE)")


@pytest.mark.parametrize("name", SOME)
class TestCommand:
    def test_says_that_no_server_answers(
        self, launcher: forks.Launcher, tmp_path: pathlib.Path, name: str
    ) -> None:
        ended = launcher.run(*COMMANDS[name], url=f"postgresql:///d0010?host={tmp_path}")

        assert_said(ended, cause="No such file or directory", advice=SEE)

    def test_says_that_the_password_is_wrong(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer, name: str
    ) -> None:
        access = own_server.data / "pg_hba.conf"
        before = access.read_text(encoding="utf-8")
        access.write_text(f"local all locked_out scram-sha-256\n{before}", encoding="utf-8")
        own_server.control("reload")
        with on(
            own_server,
            "CREATE ROLE locked_out LOGIN PASSWORD 'right'",
            clean_up="DROP ROLE locked_out",
        ):
            url = own_server.url(user="locked_out", password="wrong")  # noqa: S106 - wrong
            ended = launcher.run(*COMMANDS[name], url=url)
            access.write_text(before, encoding="utf-8")
            own_server.control("reload")

        assert_said(ended, cause="password authentication failed", advice=SEE)
        assert "wrong" not in ended.err

    def test_says_that_the_database_is_missing(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer, name: str
    ) -> None:
        ended = launcher.run(*COMMANDS[name], url=own_server.url(database="nowhere"))

        assert_said(ended, cause='database "nowhere" does not exist', advice=SEE)

    def test_says_that_the_role_lacks_rights(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer, name: str
    ) -> None:
        with on(own_server, "CREATE ROLE nobody LOGIN", clean_up="DROP ROLE nobody"):
            ended = launcher.run(*COMMANDS[name], url=own_server.url(user="nobody"))

        assert_said(
            ended,
            cause="permission denied",
            advice="grant the role what docker-free-setup.md lists under Roles, or name another"
            " one in DATABASE_URL.\n",
        )

    def test_says_that_the_database_is_not_utf8(
        self, launcher: forks.Launcher, latin1: str, name: str
    ) -> None:
        ended = launcher.run(*COMMANDS[name], url=latin1)

        assert_said(
            ended,
            cause="the database holds text as LATIN1, expected UTF8: create another with"
            f" `CREATE DATABASE d0010 {schema.CREATED_AS}`",
            advice="and name it in DATABASE_URL.\n",
        )

    def test_says_that_the_server_is_too_old(
        self, run: tests_conftest.Run, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        with db.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::integer / 10000")
            (major,) = cursor.fetchone()
        monkeypatch.setattr(schema, "OLDEST_SERVER", (major + 1) * 10_000)

        ended = run(*COMMANDS[name])

        assert ended.code == 1
        assert ended.err == (
            f"the server runs PostgreSQL {major}, expected {major + 1} or later: upgrade it, or"
            " name another in DATABASE_URL."
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", SOME)
def test_says_that_the_server_is_too_old_for_django_itself(
    run: tests_conftest.Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    major = db.connection.cursor().connection.info.server_version // 10_000
    # Django looks once a process, at a connection that is new.
    monkeypatch.setattr(django_base, "RAN_DB_VERSION_CHECK", set())
    monkeypatch.setattr(features.DatabaseFeatures, "minimum_database_version", (major + 1,))
    db.connection.close()

    ended = run(*COMMANDS[name])
    db.connection.close()

    assert ended.code == 1
    assert ended.err == (
        f"the server runs PostgreSQL {major}, expected {major + 1} or later: upgrade it, or"
        " name another in DATABASE_URL."
    )


@pytest.mark.parametrize("name", sorted({*SOME} - {"migrate"}))
def test_says_that_migrations_are_missing(
    launcher: forks.Launcher, unmigrated_database_url: str, name: str
) -> None:
    ended = launcher.run(*COMMANDS[name], url=unmigrated_database_url)

    assert_said(
        ended, cause="the database lacks migrations", advice="run `manage.py migrate` first.\n"
    )


def test_says_that_foreign_keys_are_not_checked(
    launcher: forks.Launcher, own_server: conftest.OwnServer
) -> None:
    with on(
        own_server,
        "CREATE ROLE copier SUPERUSER LOGIN;"
        "ALTER ROLE copier SET session_replication_role = replica",
        clean_up="DROP ROLE copier",
    ):
        ended = launcher.run(*WRITING["load_d0010"], url=own_server.url(user="copier"))

    assert_said(
        ended,
        cause="session_replication_role is 'replica', so foreign keys are not checked",
        advice="(ALTER ROLE … RESET session_replication_role).\n",
    )


def test_is_documented_how_to_make_one_that_is_utf8() -> None:
    text = (tests_conftest.ROOT / "docker-free-setup.md").read_text(encoding="utf-8")

    assert f"CREATE DATABASE d0010 OWNER d0010 {schema.CREATED_AS};" in text


def test_says_that_the_server_has_no_connection_left(
    launcher: forks.Launcher, own_server: conftest.OwnServer
) -> None:
    with on(
        own_server,
        "CREATE ROLE crowd LOGIN",
        clean_up="DROP ROLE crowd",
    ):
        url = own_server.url(user="crowd")
        with contextlib.ExitStack() as others:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    others.enter_context(contextlib.closing(psycopg.connect(url)))
            ended = launcher.run(*COMMANDS["load_d0010"], url=url)

    assert_said(
        ended,
        cause="connection slots",
        advice="end some, or raise max_connections; what was reported as done is stored: run the"
        " same command again for the rest.\n",
    )


class TestReadOnly:
    @pytest.fixture
    def url(self, own_server: conftest.OwnServer) -> Iterator[str]:
        with on(
            own_server,
            "CREATE ROLE replica SUPERUSER LOGIN;"
            "ALTER ROLE replica SET default_transaction_read_only = on",
            clean_up="DROP ROLE replica",
        ):
            yield own_server.url(user="replica")

    @pytest.mark.parametrize("name", depth.some([*WRITING], one_of=2))
    def test_database_is_refused_by_a_command_that_writes(
        self, launcher: forks.Launcher, url: str, name: str
    ) -> None:
        ended = launcher.run(*WRITING[name], url=url)

        assert_said(
            ended,
            cause="the database is read-only, as a replica is",
            advice="name the primary in DATABASE_URL.\n",
        )

    @pytest.mark.parametrize("name", depth.some(["reconcile", "export_readings"], one_of=2))
    def test_database_will_do_for_a_command_that_reads(
        self, launcher: forks.Launcher, url: str, name: str
    ) -> None:
        ended = launcher.run(*READING[name], url=url)

        assert (ended.code, ended.err) == (0, "")
