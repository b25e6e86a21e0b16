from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Protocol

import dj_database_url
import pytest
from django import db
from django.db import utils
from django.db.backends.base import base as backend
from pytest_django import DjangoDbBlocker

from etl.postgres.embedded import programs, server
from tests import conftest, shared
from tests.faults import forks, proxy, sftp_servers, snapshot, workload


DISK = 160  # MiB: room for a server, but not for very many readings


@pytest.fixture(scope="session")
def short_folder() -> Iterator[pathlib.Path]:
    """Make a folder whose path leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="d0010-", dir="/tmp") as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="session")
def between(
    django_db_setup: None,  # noqa: ARG001 - makes the database
    django_db_blocker: DjangoDbBlocker,
    short_folder: pathlib.Path,
) -> Iterator[proxy.Proxy]:
    """Stand a proxy before the database of the tests."""
    with django_db_blocker.unblock():
        db.connection.ensure_connection()
        parameters = db.connection.get_connection_params()
    host, port = str(parameters.get("host", "")), int(parameters.get("port", 5432))
    is_socket = not host or host.startswith("/")
    socket_path = f"{host or '/var/run/postgresql'}/.s.PGSQL.{port}"
    one = proxy.Proxy(
        folder=short_folder, server=socket_path if is_socket else (host, port), port=port
    )
    yield one
    one.close()


@pytest.fixture(scope="session")
def launcher(
    between: proxy.Proxy,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[forks.Launcher]:
    """Start commands that speak to the database of the tests by way of the proxy."""
    with django_db_blocker.unblock():
        parameters = db.connection.get_connection_params()
    user, password = (
        urllib.parse.quote(str(parameters.get(name) or "")) for name in ("user", "password")
    )
    place = urllib.parse.urlencode(
        {"host": between.folder, "port": parameters.get("port", 5432), "sslmode": "disable"}
    )
    who = f"{user}:{password}@" if password else f"{user}@"
    one = forks.Launcher(
        url=f"postgresql://{who}/{parameters['dbname']}?{place}",
        folder=tmp_path_factory.mktemp("commands"),
    )
    yield one
    one.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Sequence[object]:
    """Write the files that are loaded again and again."""
    return workload.write(tmp_path_factory.mktemp("workload"))


class Undisturbed:
    """What a load gives that nothing disturbs."""

    def __init__(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        arguments: Sequence[object],
        *,
        bytes_a_chunk: int | None,
    ) -> None:
        assert launcher.run(*arguments, "--stage-only").code == 1
        self.staged = snapshot.take()
        snapshot.empty()
        between.disarm()
        started = time.monotonic()
        ended = launcher.run(*arguments, bytes_a_chunk=bytes_a_chunk)
        assert ended.code == 1  # for the files that are not good
        self.seconds = time.monotonic() - started
        self.messages = between.messages
        self.sent = list(between.sent)
        self.done = snapshot.take()
        assert self.done.shared["register"]  # it did not fail alike each time
        snapshot.assert_reconciled()
        snapshot.empty()


class Undisturb(Protocol):
    def __call__(
        self, arguments: Sequence[object], *, bytes_a_chunk: int | None = None
    ) -> Undisturbed: ...


@pytest.fixture(scope="session")
def undisturbed(launcher: forks.Launcher, between: proxy.Proxy) -> Undisturb:
    """Find out, once for each way to load, what a load gives that nothing disturbs."""
    known: dict[tuple[object, ...], Undisturbed] = {}

    def find_out(arguments: Sequence[object], *, bytes_a_chunk: int | None = None) -> Undisturbed:
        way = (*arguments, bytes_a_chunk)
        if way not in known:
            known[way] = Undisturbed(launcher, between, arguments, bytes_a_chunk=bytes_a_chunk)
        return known[way]

    return find_out


class OwnServer:
    """A server that the tests may harm, with the project's tables in it."""

    def __init__(self, home: pathlib.Path) -> None:
        self._server = server.at(str(home))
        self.address = self._server.ensure_running(database="d0010")
        self.data = self._server.data

    def __enter__(self) -> OwnServer:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self._server.release()

    def url(self, *, user: str = "postgres", password: str = "", database: str = "d0010") -> str:
        place = urllib.parse.urlencode({"host": self.address.host, "port": self.address.port})
        return f"postgresql://{user}:{password}@/{database}?{place}"

    def connection(
        self, *, user: str = "postgres", database: str = "d0010"
    ) -> backend.BaseDatabaseWrapper:
        """Return a connection that is none of Django's own."""
        parsed = dj_database_url.parse(self.url(user=user, database=database))
        return utils.ConnectionHandler({"default": parsed})["default"]

    def control(self, *arguments: str) -> None:
        """Run `pg_ctl` as the account that the server runs as."""
        owner = pwd.getpwuid(self.data.stat().st_uid) if os.geteuid() == 0 else None
        found = programs.find().for_account(account=owner, shelf=pathlib.Path("/var/lib/d0010"))
        assert found.run(
            "pg_ctl",
            "--pgdata=.",
            "--wait",
            *arguments,
            account=owner,
            folder=self.data,
            output=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def own_server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    folder = shared.make_folder("d0010-own-")
    try:
        shared.copy_home(request.config, folder / "home")
        with OwnServer(folder / "home") as one:
            yield one
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def small_disk() -> Iterator[pathlib.Path]:
    """Mount a small disk in memory."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="d0010-disk-", dir="/tmp"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=755", "d0010", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        folder.rmdir()
        if os.environ.get("D0010_REQUIRE_DISK") == "1":
            raise
        pytest.skip("needs the right to mount a small disk in memory")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "server"
    folder.mkdir()
    return folder


@pytest.fixture
def sshd(home: pathlib.Path) -> Iterator[sftp_servers.OpenSsh]:
    with sftp_servers.open_ssh(home) as one:
        yield one


@pytest.fixture
def place(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "inbox"


@pytest.fixture
def collect(run: conftest.Run, place: pathlib.Path) -> sftp_servers.Collect:
    def collect(server: sftp_servers.Server, *arguments: object) -> conftest.Ended:
        options = ["--settle", "0.001s", "--inbox", place, *arguments]
        return run("collect", server.source, *server.login, *options)

    return collect
