"""What a role may not do, or not for long: said as that, and never as the fault of a file."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from etl.postgres import advice
from tests import depth
from tests.benchmarks import generate
from tests.faults import conftest, forks, snapshot, workload


TABLES = ("flow_file", "delivery", "staged_text", "line_issue", "meter_point", "reading")

pytestmark = pytest.mark.django_db(transaction=True)


class Limited:
    """A role that may load, but for what a test takes from it."""

    def __init__(self, own_server: conftest.OwnServer, launcher: forks.Launcher) -> None:
        self._owner, self._launcher = own_server, launcher
        self.url = own_server.url(user="limited")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._owner.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def load(self, files: Sequence[object]) -> forks.Ended:
        return self._launcher.run(
            "load_d0010", "--batch", *files, url=self.url, bytes_a_chunk=workload.BYTES_A_CHUNK
        )

    def assert_loads_all(self, files: Sequence[object]) -> None:
        """Given what it needs, the same command finishes, as if nothing had been."""
        assert self.load(files).err == ""
        connection = self._owner.connection()
        found = snapshot.take(connection)
        snapshot.empty(connection)
        self.load(files)
        assert snapshot.take(connection) == found
        connection.close()

    def assert_no_file_is_blamed(self) -> None:
        with psycopg.connect(self._owner.url()) as connection:
            failed = connection.execute(
                "SELECT file_name, reason FROM flow_file WHERE status = 'FAILED'"
            )
            assert failed.fetchall() == []


@pytest.fixture
def limited(own_server: conftest.OwnServer, launcher: forks.Launcher) -> Iterator[Limited]:
    one = Limited(own_server, launcher)
    one.execute(
        "CREATE ROLE limited LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO limited;"
        " GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO limited"
    )
    yield one
    connection = own_server.connection()
    snapshot.empty(connection)
    connection.close()
    one.execute("DROP OWNED BY limited; DROP ROLE limited")


def assert_said(ended: forks.Ended, *, cause: str, what_to_do: str) -> None:
    assert ended.code == 1
    assert ": failed (" not in ended.out
    assert ended.err.startswith("CommandError: The database can't be used: "), ended.err
    assert cause in ended.err
    assert what_to_do in ended.err
    assert ended.err.count("\n") == 1, ended.err


class TestConnections:
    WHAT_TO_DO = (
        "end some, or raise the role's limit, of which a load takes two (ALTER ROLE … CONNECTION"
        f" LIMIT); {advice.AGAIN}."
    )

    def test_of_a_role_being_too_many_is_said_at_the_first(
        self, limited: Limited, files: Sequence[object]
    ) -> None:
        limited.execute("ALTER ROLE limited CONNECTION LIMIT 1")
        with contextlib.closing(psycopg.connect(limited.url)):
            ended = limited.load(files)

        assert_said(ended, cause="too many connections for role", what_to_do=self.WHAT_TO_DO)

    @pytest.mark.thorough
    def test_of_a_role_being_too_many_is_said_at_the_second(
        self, limited: Limited, files: Sequence[object]
    ) -> None:
        limited.execute("ALTER ROLE limited CONNECTION LIMIT 1")

        ended = limited.load(files)

        assert_said(ended, cause="too many connections for role", what_to_do=self.WHAT_TO_DO)
        limited.assert_no_file_is_blamed()
        limited.execute("ALTER ROLE limited CONNECTION LIMIT 2")
        limited.assert_loads_all(files)


class TestTimeout:
    @pytest.mark.thorough
    def test_of_the_role_is_said_and_blames_no_file(
        self, limited: Limited, launcher: forks.Launcher, tmp_path: pathlib.Path
    ) -> None:
        # A dry run is one transaction, which pauses while a file is read.
        path = tmp_path / "large.uff"
        generate.write_flow_file(path, readings=8_000)
        name = "idle_in_transaction_session_timeout"
        limited.execute(f"ALTER ROLE limited SET {name} = '1ms'")

        # The server's last words are lost where this side speaks at the same moment.
        for _ in range(20):
            ended = launcher.run("load_d0010", "--dry-run", path, url=limited.url)
            if "timeout" in ended.err:
                break
        limited.execute(f"ALTER ROLE limited RESET {name}")
        again = launcher.run("load_d0010", "--dry-run", path, url=limited.url)

        assert_said(ended, cause="timeout", what_to_do=f"raise {name} for the role (ALTER ROLE")
        assert ended.err.endswith(f"; {advice.AGAIN}.\n")
        assert (again.code, again.err) == (0, "")


class TestPolicy:
    @pytest.mark.parametrize("table", depth.some(TABLES, one_of=3))
    def test_that_may_hide_rows_is_said_and_blames_no_file(
        self,
        limited: Limited,
        launcher: forks.Launcher,
        files: Sequence[object],
        table: str,
    ) -> None:
        limited.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        try:
            ended = limited.load(files)
            read = launcher.run("reconcile", url=limited.url)
        finally:
            limited.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

        for one in (ended, read) if table != "delivery" else (ended,):
            assert_said(
                one,
                cause=f'row-level security policy for table "{table}"',
                what_to_do="let the role pass by them (ALTER ROLE … BYPASSRLS), or name the owner",
            )
        limited.assert_no_file_is_blamed()
