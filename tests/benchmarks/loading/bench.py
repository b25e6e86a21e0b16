"""A server of the benchmark's own: its databases, its files, and the processes it measures."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import pathlib
import shutil
import signal
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from etl.postgres.embedded import server
from tests.benchmarks.loading import processes


MIB = 2**20
_TIMED = pathlib.Path(__file__).with_name("timed.py")
_REAPED = 0.2  # seconds in which the server notices that a backend has ended
# Beyond this a new database is copied as files rather than page by page through the log.
_COPIED_AS_FILES = 256 * MIB

# Order of the rows does not matter, so that contenders may store them as they like.
_STORED_READINGS = """
    SELECT
        count(*),
        coalesce(sum(hashtextextended(concat_ws(
            '|', mpan_core, meter.serial_number, identifier,
            extract(epoch FROM reading.read_at)::bigint, reading.value
        ), 0)::numeric), 0)
    FROM reading
    INNER JOIN register USING (mpan_core, serial_key, identifier)
    INNER JOIN meter USING (mpan_core, serial_key)
"""

logger = logging.getLogger(__name__)


_Entered = TypeVar("_Entered", bound="_Server")


class _Server:
    """An embedded server in a temporary folder, both of which go when the `with` block ends."""

    # Processes that wanted the CPU in the minute before, on the average.
    load_before: float | None = None

    def __enter__(self: _Entered) -> _Entered:  # noqa: PYI019 - typing.Self is newer than Python 3.10
        # So that the cleaning up below runs for these signals too.
        self._handlers = {
            number: signal.signal(number, _exit) for number in (signal.SIGTERM, signal.SIGHUP)
        }
        if hasattr(os, "getloadavg"):
            self.load_before = os.getloadavg()[0]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="d0010-loading-"))
        # Where root runs this, PostgreSQL runs as another account, which has to come by.
        self.folder.chmod(0o711)
        self._server = server.at(str(self.folder / "server"))
        self._templates: set[str] = set()
        self._cells = 0
        try:
            self._address = self._server.ensure_running(database="postgres")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with processes.uninterrupted():
            self._server.release()
            shutil.rmtree(self.folder, ignore_errors=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def connect(self, database: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self._address.host,
            port=self._address.port,
            user=self._address.user,
            dbname=database,
            autocommit=autocommit,
        )

    def url(self, database: str) -> str:
        query = urllib.parse.urlencode({"host": self._address.host, "port": self._address.port})
        return f"postgresql://{self._address.user}@/{database}?{query}"

    def template(self, name: str, *, base: str, make: Callable[[str], object]) -> str:
        """Return a database that is only copied: made once from `base`, then filled by `make`."""
        if name not in self._templates:
            logger.info("preparing the database %s", name)
            self._create(name, base)
            make(name)
            with self.connect(name) as connection:
                # As autovacuum leaves it sooner or later; in a run it would come by chance.
                connection.execute("VACUUM (ANALYZE)")
            self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS FALSE", name)
            self._templates.add(name)
        return name

    @contextlib.contextmanager
    def fresh(self, template: str) -> Iterator[str]:
        """Make a database like the template, and drop it afterwards."""
        name = self.copy(template)
        yield name
        self.drop(name)

    def copy(self, template: str) -> str:
        """Make a database like the template, which stays until it is dropped."""
        self._cells += 1
        name = f"cell_{self._cells}"
        self._create(name, template)
        # The first session of a database is slower, since it makes what the others read.
        self.connect(name).close()
        return name

    def drop(self, database: str) -> None:
        self._execute("DROP DATABASE {} WITH (FORCE)", database)

    def stored_readings(self, database: str) -> tuple[int, int]:
        """Return the number of readings and a checksum over what they say."""
        with self.connect(database) as connection:
            row = connection.execute(_STORED_READINGS).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def size(self, database: str) -> int:
        """Return the bytes that a database takes on disk, with its indexes."""
        with self.connect("postgres") as connection:
            row = connection.execute("SELECT pg_database_size(%s)", [database]).fetchone()
        assert row is not None
        return int(row[0])

    def server_settings(self) -> Mapping[str, str]:
        names = ("server_version", "shared_buffers", "max_wal_size", "wal_level", "fsync")
        with self.connect("postgres") as connection:
            rows = connection.execute(
                "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
                [[*names, "synchronous_commit", "data_checksums", "jit"]],
            ).fetchall()
        return dict(rows)

    def _create(self, name: str, template: str) -> None:
        strategy = "FILE_COPY" if self.size(template) > _COPIED_AS_FILES else "WAL_LOG"
        self._execute(f"CREATE DATABASE {{}} TEMPLATE {{}} STRATEGY {strategy}", name, template)

    def _execute(self, statement: Any, *names: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class Bench(_Server):
    """
    A server on which contenders run, and what they spend.

    A measured run gets a fresh database, made from a template by CREATE DATABASE, so that all
    contenders begin from the same state.
    """

    @functools.cached_property
    def empty(self) -> str:
        """The template that has the tables and nothing in them."""
        return self.template("empty", base="template1", make=self._migrate)

    def _migrate(self, database: str) -> None:
        self.run_product(database, "migrate", "--verbosity=0")

    def measure(self, contender: Callable[[str], processes.Run], database: str) -> processes.Run:
        """Run a contender from a settled state on, and add what the server spent on it."""
        with self.connect("postgres") as connection:
            connection.execute("CHECKPOINT")
        before = self._cpu_seconds_of_backends()
        run = contender(database)
        if before is None:
            return dataclasses.replace(run, cpu_seconds=None, cpu_inside=None)
        time.sleep(_REAPED)
        spent = (self._cpu_seconds_of_backends() or 0) - before
        return dataclasses.replace(
            run,
            cpu_seconds=(run.cpu_seconds or 0) + spent,
            cpu_inside=None if run.cpu_inside is None else run.cpu_inside + spent,
        )

    def _cpu_seconds_of_backends(self) -> float | None:
        """Return the CPU time of all backends that have ended; only Linux tells."""
        if not pathlib.Path("/proc/self/stat").exists():
            return None
        postmaster = (self._server.data / "postmaster.pid").read_text().split()[0]
        text = pathlib.Path("/proc", postmaster, "stat").read_text()
        # See proc(5): cutime and cstime, counted from behind the name of the program.
        user, system = text.rpartition(")")[2].split()[13:15]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def run_product(
        self,
        database: str,
        *arguments: object,
        timed_inside: bool = False,
        is_logged: bool = True,
        checkout: processes.Checkout = processes.HERE,
        time_limit: float | None = None,
    ) -> processes.Run:
        """
        Run a command of the project, from its start to its end.

        Its log tells how long each step took. It also costs time for each file, and nobody asks
        for it by default.

        :raises TookTooLongError: if it was killed, at the limit in seconds
        :raises BenchmarkError: if it does not end with 0
        """
        # Timed inside, the same command also says how long its work took without its start.
        program = _TIMED if timed_inside else "manage.py"
        return self.run(
            [checkout.python, program, *arguments],
            database=database,
            root=checkout.root,
            is_logged=is_logged,
            time_limit=time_limit,
        )

    def run(
        self,
        command: Sequence[object],
        *,
        database: str,
        root: pathlib.Path = processes.ROOT,
        is_logged: bool = False,
        time_limit: float | None = None,
    ) -> processes.Run:
        """
        Run a process to its end.

        :raises TookTooLongError: if it was killed, at the limit in seconds
        :raises BenchmarkError: if it does not end with 0
        """
        try:
            return processes.run(
                command,
                url=self.url(database),
                output=self.folder / "output",
                root=root,
                is_logged=is_logged,
                time_limit=time_limit,
            )
        except processes.TookTooLongError:
            self._end_sessions(database)
            raise

    def _end_sessions(self, database: str) -> None:
        # The server notices that a client is gone only when it has something to say to it.
        with self.connect("postgres") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )


def _exit(number: int, _: object) -> None:
    raise SystemExit(128 + number)
