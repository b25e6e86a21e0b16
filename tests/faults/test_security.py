"""Keys, roles and settings: what nobody should be able to see or do."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest
from django import db

from etl.config import secret_key
from tests import conftest as tests_conftest
from tests.faults import conftest, forks, snapshot


PRODUCTION = {
    "DATABASE_URL": "postgresql://d0010@db.example/d0010",
    "SECRET_KEY": "".join(chr(48 + number % 75) for number in range(64)),
    "ALLOWED_HOSTS": "d0010.example",
    "D0010_BEHIND_TLS_PROXY": "1",
}
LASTING = (
    "DATABASE_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "DJANGO_DEBUG",
    "DJANGO_ALLOW_ASYNC_UNSAFE",  # of the tests with a browser
    "D0010_DATA_DIR",
    "D0010_LOCK_TIMEOUT",
    "D0010_LOG_LEVEL",
)


def run_python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project, with these settings and no others."""
    kept = {name: value for name, value in os.environ.items() if name not in LASTING}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=forks.ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "etl.config.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=forks.TIMEOUT,
    )


def setting(name: str, **variables: str) -> str:
    ended = run_python(
        "-c", f"from django.conf import settings; print(settings.{name})", **variables
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


class TestSettings:
    @pytest.mark.thorough
    def test_of_production_leave_nothing_to_warn_of(self) -> None:
        ended = run_python("manage.py", "check", "--deploy", "--fail-level=WARNING", **PRODUCTION)

        assert (ended.returncode, ended.stderr) == (0, "")
        assert "no issues" in ended.stdout

    @pytest.mark.thorough
    def test_turn_debug_off_unless_it_is_embedded_or_asked_for(self) -> None:
        assert setting("DEBUG") == "True"
        assert setting("DEBUG", **PRODUCTION) == "False"
        assert setting("DEBUG", **PRODUCTION, DJANGO_DEBUG="1") == "True"

    @pytest.mark.thorough
    def test_take_the_key_from_the_environment(self) -> None:
        assert setting("SECRET_KEY", **PRODUCTION) == PRODUCTION["SECRET_KEY"]

    @pytest.mark.thorough
    def test_keep_a_private_key_beside_the_embedded_data(self) -> None:
        with tempfile.TemporaryDirectory(prefix="d0010-", dir="/tmp") as folder:
            pathlib.Path(folder).chmod(0o755)
            home = pathlib.Path(folder, "home")
            other = pathlib.Path(folder, "other")

            setting("DEBUG", D0010_DATA_DIR=str(home))
            is_made_unasked = home.exists()
            keys = [setting("SECRET_KEY", D0010_DATA_DIR=str(home)) for _ in range(2)]
            key_of_another = setting("SECRET_KEY", D0010_DATA_DIR=str(other))

            assert not is_made_unasked
            assert keys[0] == keys[1] != key_of_another


class TestKey:
    def test_is_private_and_stays(self, tmp_path: pathlib.Path) -> None:
        key = secret_key.kept_in(tmp_path)

        assert secret_key.kept_in(tmp_path) == key
        assert len(key) >= 50
        assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


class TestMistake:
    """What is set wrongly ends a command in one sentence, which does not show a password."""

    @pytest.mark.parametrize(
        ("variables", "message"),
        [
            (
                {"DATABASE_URL": "secret@localhost:5432/x"},
                "DATABASE_URL can't be read: expected postgresql://USER:PASSWORD@HOST:PORT/NAME",
            ),
            pytest.param(
                {"DATABASE_URL": "postgresql://me:secret@host:port/x"},
                "DATABASE_URL can't be read: expected postgresql://USER:PASSWORD@HOST:PORT/NAME",
                marks=pytest.mark.thorough,
            ),
            pytest.param(
                {"DATABASE_URL": "mysql://me:secret@host/x"},
                "DATABASE_URL can't be read: expected postgresql://USER:PASSWORD@HOST:PORT/NAME",
                marks=pytest.mark.thorough,
            ),
            (
                {"D0010_LOCK_TIMEOUT": "10m"},
                "D0010_LOCK_TIMEOUT is '10m': expected seconds, from 1 to 2,000,000",
            ),
            pytest.param(
                {"D0010_LOCK_TIMEOUT": "0"},
                "D0010_LOCK_TIMEOUT is '0': expected seconds, from 1 to 2,000,000",
                marks=pytest.mark.thorough,
            ),
            pytest.param(
                {"D0010_LOG_LEVEL": "loud\x1b"},
                "D0010_LOG_LEVEL is 'loud\\x1b': expected DEBUG, INFO, WARNING, ERROR or CRITICAL",
                marks=pytest.mark.thorough,
            ),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_in_a_setting_is_said(self, variables: dict[str, str], message: str) -> None:
        ended = run_python("manage.py", "load_d0010", str(tests_conftest.SAMPLE), **variables)

        assert (ended.returncode, ended.stderr) == (2, f"CommandError: {message}.\n")

    @pytest.mark.thorough
    def test_in_the_name_of_the_folder_is_said_by_what_needs_it_alone(self) -> None:
        wrong = {"D0010_DATA_DIR": "~nosuchuser/x"}

        helped = run_python("manage.py", "load_d0010", "--help", **wrong)
        loaded = run_python("manage.py", "load_d0010", str(tests_conftest.SAMPLE), **wrong)

        assert (helped.returncode, helped.stderr) == (0, "")
        assert loaded.returncode == 1
        assert loaded.stderr.startswith("CommandError: There is no place for the embedded")
        assert loaded.stderr.endswith("in D0010_DATA_DIR.\n")
        assert loaded.stderr.count("\n") == 1

    @pytest.mark.thorough
    def test_in_the_case_of_a_level_is_none(self) -> None:
        level = "LOGGING['loggers']['etl']['level']"

        assert setting(level, D0010_LOG_LEVEL="info") == "INFO"

    @pytest.mark.thorough
    @pytest.mark.parametrize("command", [["axes_reset_username", "x"], ["flush", "--noinput"]])
    def test_is_said_by_commands_that_are_not_the_projects_own(self, command: list[str]) -> None:
        nowhere = {"DATABASE_URL": "postgresql:///d0010?host=/nowhere"}

        ended = run_python("manage.py", *command, **nowhere)

        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        assert ended.stderr.startswith("CommandError: ")

    @pytest.mark.thorough
    def test_is_said_by_the_shell_of_the_database(self) -> None:
        # Not pytest's own private folder, in place of which root would have another.
        with tempfile.NamedTemporaryFile(prefix="d0010-", dir="/tmp") as file:
            ended = run_python("manage.py", "dbshell", D0010_DATA_DIR=file.name)

        assert ended.returncode == 1
        assert ended.stderr.startswith("CommandError: The embedded PostgreSQL cannot be used: ")
        assert ended.stderr.count("\n") == 1

    @pytest.mark.thorough
    @pytest.mark.django_db
    def test_of_a_missing_key_is_said_before_the_site_is_served(
        self, launcher: forks.Launcher
    ) -> None:
        ended = launcher.run("runserver", "127.0.0.1:0")

        assert ended.code == 1
        assert ended.err.startswith("CommandError: SECRET_KEY is not set: each process")
        assert ended.err.count("\n") == 1


class TestWsgi:
    SERVE = "from etl.config import wsgi; print(wsgi.application.__class__.__name__)"

    def test_application_is_there_with_the_settings_of_production(self) -> None:
        ended = run_python("-c", self.SERVE, **PRODUCTION)

        assert (ended.stdout, ended.stderr) == ("WSGIHandler\n", "")

    def test_application_refuses_a_key_that_does_not_last(self) -> None:
        ended = run_python("-c", self.SERVE, **{**PRODUCTION, "SECRET_KEY": ""})

        assert ended.returncode == 1
        assert "SECRET_KEY is not set" in ended.stderr


def documented_statements(version: int) -> str:
    """Return the SQL of docker-free-setup.md that makes the roles."""
    text = (forks.ROOT / "docker-free-setup.md").read_text(encoding="utf-8")
    section = text.partition("### Roles\n")[2].partition("\n### ")[0]
    for_all, from_17 = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    return str(for_all + from_17 * (version >= 170_000))


@pytest.mark.django_db
class TestRole:
    @pytest.fixture(autouse=True)
    def _roles(self, own_server: conftest.OwnServer) -> Iterator[None]:
        connection = own_server.connection()
        snapshot.empty(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::integer")
            cursor.execute(documented_statements(cursor.fetchone()[0]))
        yield
        with connection.cursor() as cursor:
            for role in ("d0010_loader", "d0010_reader"):
                cursor.execute(f"DROP OWNED BY {role}")
                cursor.execute(f"DROP ROLE {role}")
        snapshot.empty(connection)
        connection.close()

    def refused(self, own_server: conftest.OwnServer, role: str, statement: str) -> bool:
        connection = own_server.connection(user=role)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        except db.ProgrammingError as error:
            return "permission denied" in str(error)
        finally:
            connection.close()
        return False

    @pytest.mark.thorough
    def test_of_a_loader_loads_and_sees_nothing_of_the_admin(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer, tmp_path: pathlib.Path
    ) -> None:
        url = own_server.url(user="d0010_loader")
        rejected = tmp_path / "rejected.uff"
        rejected.write_bytes(b"hello\n")
        sent, inbox = tmp_path / "sent", tmp_path / "inbox"
        sent.mkdir()
        shutil.copy(tests_conftest.SAMPLE, sent)

        ended = [
            launcher.run("load_d0010", "--stage-only", tests_conftest.SAMPLE, rejected, url=url),
            launcher.run("transform_pending", url=url),
            launcher.run("load_d0010", tests_conftest.SAMPLE, rejected, url=url),
            launcher.run("reconcile", url=url),
            launcher.run("purge_staged_lines", "--older-than", "0d", url=url),
            launcher.run("collect", sent, "--settle", "0.01s", "--inbox", inbox, url=url),
        ]

        assert [(one.code, one.err) for one in ended] == [
            (1, ""),  # for the rejected file
            (0, ""),
            (1, ""),
            (0, ""),
            (0, ""),
            (0, ""),
        ]
        for statement in (
            "SELECT password FROM auth_user",
            "SELECT session_data FROM django_session",
            "SELECT FROM look_up",
            "SELECT FROM issue_mark",
            "DELETE FROM reading",
            "UPDATE reading SET value = 0",
            "DELETE FROM flow_file",
            "TRUNCATE staged_text",
            "CREATE TABLE mine (id integer)",
        ):
            assert self.refused(own_server, "d0010_loader", statement), statement

    def test_of_a_reader_reads_and_writes_nothing(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer
    ) -> None:
        url = own_server.url(user="d0010_reader")
        assert launcher.run("load_d0010", tests_conftest.SAMPLE, url=own_server.url()).code == 0

        exported = launcher.run("export_readings", url=url)
        reconciled = launcher.run("reconcile", url=url)
        watched = launcher.run("metrics", url=url)
        refused = launcher.run("load_d0010", tests_conftest.SAMPLE, url=url)

        assert (exported.code, exported.out.count("\n")) == (0, 14)
        assert (reconciled.code, reconciled.err) == (0, "")
        assert (watched.code, watched.err) == (0, "")
        assert (refused.code, refused.err.count("\n")) == (1, 1)
        assert "permission denied for " in refused.err
        for table in ("flow_file", "delivery", "staged_text", "line_issue", "reading", "meter"):
            for statement in (f"TRUNCATE {table}", f"INSERT INTO {table} DEFAULT VALUES"):
                assert self.refused(own_server, "d0010_reader", statement), statement
        assert self.refused(own_server, "d0010_reader", "SELECT password FROM auth_user")
