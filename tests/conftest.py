from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib
import io
import os
import pathlib
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from typing import IO

import pytest
from django import db, test
from django.core import management
from django.db import transaction
from pytest_django import DjangoDbBlocker
from xdist import remote, scheduler, workermanage

from tests import depth, shared


# What runs in the background of a shell ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The tests start hundreds of processes that import the same: let the first compile it for all.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Folders that pytest is told of have their conftest.py read before the options are, and what runs
# tests for xdist never sees them as they were typed.
depth.choose_by(
    os.environ.setdefault(
        "D0010_TESTS_DEPTH",
        " ".join(one for one in sys.argv if one.startswith(("--thorough", "--times="))),
    )
)

ROOT = shared.ROOT
SAMPLE = ROOT / "tests" / "flow_files" / "DTC5259515123502080915D0010.uff"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough", action="store_true", help="try everything, at every place and more often"
    )
    parser.addoption(
        "--times",
        type=int,
        default=1,
        metavar="N",
        help="be thorough, and try N times as often what is drawn by chance, drawn anew",
    )


def pytest_configure(config: pytest.Config) -> None:
    depth.choose(is_thorough=config.getoption("thorough"), times=config.getoption("times"))
    shared.begin(config)


def pytest_configure_node(node: workermanage.WorkerController) -> None:
    shared.tell(node)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have each process compile a part of the tests, which the others then find compiled."""
    about = getattr(session.config, "workerinput", {})
    if about and [pathlib.Path(one).name for one in session.config.args] == ["tests"]:
        paths = sorted(ROOT.glob("tests/**/test_*.py"))
        for path in paths[int(about["workerid"][2:]) :: about["workercount"]]:
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


# What is imported and collected stays to the end: to look through it for garbage is in vain.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not depth.is_thorough():
        left = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: _place(item.nodeid))


# What takes long begins first, so that no process is alone with it at the end.
ORDER = (
    "tests/faults/test_lost_server.py",
    "tests/browser/",
    "tests/functional/test_loading_benchmark.py",
    "tests/functional/admin/test_large.py",
    "tests/integration/test_plans.py",
    "tests/faults/",
    "tests/property/",
    "tests/integration/",
    "tests/functional/admin/test_errors.py",
    "tests/functional/test_sweep_benchmark.py",
    "tests/functional/test_package.py",
    "tests/functional/",
)


def _place(nodeid: str) -> int:
    return next((n for n, start in enumerate(ORDER) if nodeid.startswith(start)), len(ORDER))


# The tests of a file share what they begin with, and so does the browser. In a thorough run these
# take minutes, and share less.
ALONE = (
    "tests/faults/",
    "tests/functional/admin/test_large.py",
    "tests/functional/test_processes.py",
    "tests/functional/test_tampering.py",
    "tests/integration/embedded/",
    "tests/property/",
)
ON_ONE_SERVER = (
    "tests/faults/test_lost_server.py::TestServer",
    "tests/faults/test_role_limits.py",
    "tests/faults/test_settings.py",
    "tests/faults/test_security.py::TestRole",
    "tests/faults/test_unfit_database.py",
    "tests/faults/test_upgrades.py::TestOtherVersion",
)


class Scheduler(scheduler.LoadScopeScheduling):
    """Gives each process one file after the other, or one test where they take long."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ON_ONE_SERVER):
            return "a server that they may harm"
        if nodeid.startswith("tests/browser/"):
            return "a site"
        if depth.is_thorough() and nodeid.startswith(ALONE):
            return nodeid
        return nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: remote.Producer) -> Scheduler:
    config.option.loadscopereorder = False
    return Scheduler(config, log)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]
Write = Callable[..., pathlib.Path]


@pytest.fixture
def write(tmp_path: pathlib.Path) -> Write:
    """Write a content to a file of a folder of the test's own, and return its path."""

    def write(content: bytes, name: str = "file.uff") -> pathlib.Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.fixture
def run() -> Run:
    """Run a command of the project in this process."""

    def run(name: str, *arguments: object) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        try:
            management.call_command(name, *map(str, arguments), stdout=out, stderr=err)
        except management.CommandError as error:
            err.write(str(error))
            code = error.returncode
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Ended(code=code, out=out.getvalue(), err=err.getvalue())

    return run


def database_url(name: str | None = None) -> str:
    """Return a URL of the database that the test uses, or of another on its server."""
    parameters = db.connection.get_connection_params()
    query = {name: parameters[name] for name in ("host", "port") if parameters.get(name)}
    user = urllib.parse.quote(str(parameters.get("user", "")))
    password = urllib.parse.quote(str(parameters.get("password", "")))
    who = f"{user}:{password}@" if password else f"{user}@" if user else ""
    return f"postgresql://{who}/{name or parameters['dbname']}?{urllib.parse.urlencode(query)}"


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start a command of the project as a process of its own, against the test's database."""

    def start(
        *arguments: object,
        url: str | None = None,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[str] | int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        **variables: str,
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *map(str, arguments)],
            env={**os.environ, "DATABASE_URL": url or database_url(), **variables},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    return start


MADE_BY_MIGRATIONS = (
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
)


# To empty a table by TRUNCATE takes the server as long as to load a small file; DELETE of much
# takes long too, and leaves pages that the next test reads.
MUCH = 4 << 20  # bytes


_kept: list[Callable[[], None]] = []


@contextlib.contextmanager
def kept(blocker: DjangoDbBlocker, make: Callable[[], None]) -> Iterator[None]:
    """
    Commit what tests begin with, once for all that roll back what they change.

    After one that commits, which leaves the tables empty, it is made anew.
    """
    with blocker.unblock():
        make()
    _kept.append(make)
    yield
    _kept.remove(make)
    with blocker.unblock():
        empty_tables()


def _restore(_: test.TransactionTestCase) -> None:
    empty_tables()
    for make in _kept:
        make()


def empty_tables() -> None:
    """Empty the tables in which a test has left something."""
    tables = db.connection.introspection.django_table_names(
        only_existing=True, include_views=False
    )
    with transaction.atomic(), db.connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', pg_table_size('{table}')"  # noqa: S608 - a name of Django's
                f" WHERE EXISTS (SELECT 1 FROM {table})"
                for table in sorted({*tables} - {*MADE_BY_MIGRATIONS})
            )
        )
        sizes = dict(cursor.fetchall())
        if sum(sizes.values()) > MUCH:
            cursor.execute(f"TRUNCATE {', '.join(sizes)} CASCADE")
        else:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            for table in sizes:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - the same


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,  # noqa: ARG001 - gives each its own name
    django_db_blocker: DjangoDbBlocker,
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """Let one process migrate a database, which the others copy."""
    if not hasattr(request.config, "workerinput"):
        yield
        return
    creation, settings = db.connection.creation, db.connection.settings_dict
    name, own, is_maker = settings["NAME"], settings["TEST"], False
    model = f"test_{name}_model"
    with shared.locked(request.config, "database") as made, django_db_blocker.unblock():
        if not made.exists():
            settings["TEST"] = {**own, "NAME": model}
            creation.create_test_db(verbosity=0, autoclobber=True)
            creation.destroy_test_db(name, verbosity=0, keepdb=True)  # goes back to that name
            made.touch()
            is_maker = True
    settings["TEST"] = {**own, "TEMPLATE": model}
    yield
    if is_maker:
        with shared.locked(request.config, "database") as made, django_db_blocker.unblock():
            made.unlink()
            with db.connection._nodb_cursor() as cursor:  # noqa: SLF001 - as Django drops databases
                cursor.execute(f"DROP DATABASE {model}")


# Not what a new database would begin with, but what one has after years: the ids of lines, which
# are made of it, then need more than four bytes wherever they are shifted or compared.
FIRST_FILE_ID = 1_000_000


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,  # noqa: ARG001 - makes the databases that the tests ask for
    django_db_blocker: DjangoDbBlocker,
) -> None:
    with django_db_blocker.unblock():
        if str(db.connection.settings_dict["NAME"]).startswith("test_"):
            with db.connection.cursor() as cursor:
                cursor.execute("SELECT setval('flow_file_id_seq', %s)", [FIRST_FILE_ID])
                # It need not outlive a crash; the servers that crash are others.
                name = db.connection.settings_dict["NAME"]
                cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
            db.connection.close()


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    """
    Spare each test that commits what Django does after it.

    It empties all tables, and makes every content type, permission and group anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test.TransactionTestCase, "_fixture_teardown", _restore)
        yield


@pytest.fixture(scope="session")
def unmigrated_database_url(
    django_db_setup: None,  # noqa: ARG001 - connects
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """Return a URL of an empty database, for commands that leave it so."""

    def execute(statement: str) -> None:
        with db.connection._nodb_cursor() as cursor:  # noqa: SLF001 - as Django creates databases
            cursor.execute(statement)

    with django_db_blocker.unblock():
        name = f"{db.connection.settings_dict['NAME']}_unmigrated"
        execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # of a run that was killed
        # Nobody can connect to this template, and so be in the way of another process.
        execute(f"CREATE DATABASE {name} TEMPLATE template0")
        url = database_url(name)
    yield url
    with django_db_blocker.unblock():
        execute(f"DROP DATABASE {name} WITH (FORCE)")
