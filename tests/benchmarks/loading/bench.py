"""A server of the benchmark's own: its databases, its files, and the processes it measures."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import logging
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from etl.postgres.embedded import server


ROOT = pathlib.Path(__file__).resolve().parents[3]
MIB = 2**20
# Set in some containers: each start would compile all of Django, each line be written by itself.
_SLOWING = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
_LOG_LEVEL = "D0010_LOG_LEVEL"
_REAPED = 0.2  # seconds in which the server notices that a backend has ended

# 2026-11-24 03:29:23,346 INFO etl.postgres.steps: 10_judge_meter_points: 11 rows, 0.003 s
_STEP = re.compile(
    r"^(?P<at>\S+ \S+) INFO \S+: (?P<name>\w+): -?\d+ rows, (?P<seconds>[\d.]+) s$", re.MULTILINE
)
_LOADING = re.compile(r"^loading: (?P<seconds>[\d.]+) s$", re.MULTILINE)

# Order of the rows does not matter, so that contenders may store them as they like.
_STORED_READINGS = """
    SELECT
        count(*),
        coalesce(sum(hashtextextended(concat_ws(
            '|', meter.mpan_core, meter.serial_number, register.identifier,
            extract(epoch FROM reading.read_at)::bigint, reading.value
        ), 0)::numeric), 0)
    FROM reading
    INNER JOIN register ON reading.register_id = register.id
    INNER JOIN meter ON register.meter_id = meter.id
"""

logger = logging.getLogger(__name__)


class BenchmarkError(Exception):
    """A contender failed, or did not do what it was measured for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """
    One measured run.

    `peak_memory` is that of the process, in bytes; the system counts a new process from the size
    of the one that started it, so it is never less than that of the benchmark itself. `steps`
    are the seconds of each SQL step that the product logged, `outside` those before, between and
    after them; `loading` is the time between its look at the first file and its report of the
    last. `cpu_seconds` are those of the process and of the server's processes that worked for it,
    where the system tells: they tell more than the clock while something else runs.
    """

    seconds: float
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    steps: Mapping[str, float] = dataclasses.field(default_factory=dict)
    outside: Mapping[str, float] = dataclasses.field(default_factory=dict)
    loading: float | None = None

    @property
    def transform(self) -> float:
        """The seconds of the steps in `sql/transform`, whose names begin with their place."""
        return sum(seconds for name, seconds in self.steps.items() if name[0].isdigit())


class Bench:
    """
    An embedded server in a temporary folder, both of which go when the `with` block ends.

    A measured run gets a fresh database, made from a template by CREATE DATABASE, so that all
    contenders begin from the same state.
    """

    # Processes that wanted the CPU in the minute before, on the average.
    load_before: float | None = None

    def __enter__(self) -> Bench:  # noqa: PYI034 - typing.Self is newer than Python 3.10
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
        with _uninterrupted():
            self._server.release()
            shutil.rmtree(self.folder, ignore_errors=True)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    # Databases.

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

    @functools.cached_property
    def empty(self) -> str:
        """The template that has the tables and nothing in them."""
        return self.template("empty", base="template1", make=self._migrate)

    @contextlib.contextmanager
    def fresh(self, template: str) -> Iterator[str]:
        """Make a database like the template, and drop it afterwards."""
        self._cells += 1
        name = f"cell_{self._cells}"
        self._create(name, template)
        yield name
        self._execute("DROP DATABASE {} WITH (FORCE)", name)

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
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)

    def _execute(self, statement: Any, *names: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _migrate(self, database: str) -> None:
        self.run_product(database, "migrate", "--verbosity=0")

    # Processes.

    def measure(self, contender: Callable[[str], Run], database: str) -> Run:
        """Run a contender from a settled state on, and add what the server spent on it."""
        with self.connect("postgres") as connection:
            connection.execute("CHECKPOINT")
        before = self._cpu_seconds_of_backends()
        run = contender(database)
        if before is None:
            return dataclasses.replace(run, cpu_seconds=None)
        time.sleep(_REAPED)
        spent = (self._cpu_seconds_of_backends() or 0) - before
        return dataclasses.replace(run, cpu_seconds=(run.cpu_seconds or 0) + spent)

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
    ) -> Run:
        """
        Run a command of the project, from its start to its end.

        Its log tells how long each step took. It also costs time for each file, and nobody asks
        for it by default.

        :raises BenchmarkError: if it does not end with 0
        """
        # Timed inside, the same command also says how long loading took without its start.
        program = ["-m", "tests.benchmarks.loading.timed"] if timed_inside else ["manage.py"]
        return self.run(
            [sys.executable, *program, *arguments], database=database, is_logged=is_logged
        )

    def run(self, command: Sequence[object], *, database: str, is_logged: bool = False) -> Run:
        """
        Run a process to its end.

        :raises BenchmarkError: if it does not end with 0
        """
        ignored = {*_SLOWING, _LOG_LEVEL}
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ignored},
            **({_LOG_LEVEL: "INFO"} if is_logged else {}),
            "DATABASE_URL": self.url(database),
            "DJANGO_SETTINGS_MODULE": "etl.config.settings",
        }
        output = self.folder / "output"
        with output.open("w+", encoding="utf-8") as file:
            started_at, started = time.time(), time.perf_counter()
            process = subprocess.Popen(
                [*map(str, command)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            try:
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - started
            except BaseException:
                with _uninterrupted():
                    process.kill()
                    process.wait()
                raise
            process.returncode = os.waitstatus_to_exitcode(status)
            file.seek(0)
            said = file.read()
        if process.returncode != 0:
            shown = " ".join(map(str, command[:6]))
            raise BenchmarkError(f"{shown} … ended with {process.returncode}: {said[-2000:]}")
        loading = _LOADING.search(said)
        return Run(
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            # Kibibytes, but bytes on macOS.
            peak_memory=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            loading=float(loading["seconds"]) if loading else None,
            **_steps(said, started_at=started_at, seconds=seconds),
        )


def _steps(said: str, *, started_at: float, seconds: float) -> dict[str, Mapping[str, float]]:
    steps: dict[str, float] = {}
    ends = []
    for found in _STEP.finditer(said):
        steps[found["name"]] = steps.get(found["name"], 0) + float(found["seconds"])
        end = datetime.datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S,%f").astimezone()
        ends.append((end.timestamp() - started_at, float(found["seconds"])))
    if not ends:
        return {}
    before = ends[0][0] - ends[0][1]
    after = seconds - ends[-1][0]
    between = seconds - before - after - sum(steps.values())
    outside = {
        "before the first step": before,
        "between the steps": between,
        "after the last step": after,
    }
    return {"steps": steps, "outside": outside}


def _exit(number: int, _: object) -> None:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C not cut short what cleans up after the first."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
