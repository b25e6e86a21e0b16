"""
The embedded server, as several processes use it.

Each test has a server of its own, and speaks to it through processes like the product's own.
"""

import contextlib
import functools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import psutil
import pytest

from tests import depth, shared
from tests.integration.embedded import processes


SAMPLE = "tests/flow_files/DTC5259515123502080915D0010.uff"
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'"


def server_account(home: pathlib.Path) -> pwd.struct_passwd:
    return pwd.getpwuid(processes.data_folder(home).stat().st_uid)


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
            cwd=shared.ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        is_made_by_help = home.exists()
        output = subprocess.check_output(
            [sys.executable, "-c", connect], cwd=shared.ROOT, env=environment, text=True
        )

        assert not is_made_by_help
        assert output == "('d0010', '')\n"
        assert processes.data_folder(home).exists()
        assert processes.postmaster(home) is None

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
            [sys.executable, "-c", load], cwd=shared.ROOT, env=environment, text=True
        )

        assert output.splitlines()[-1] == "True 0"

    @pytest.mark.thorough
    def test_begins_once_for_many_processes_that_come_at_once(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        clients = [client() for _ in range(depth.size(quick=3, thorough=5))]

        for one in clients:
            one.send("SELECT pg_postmaster_start_time()")
        answers = [one.receive() for one in clients]
        for one in clients[:-1]:
            one.leave()
        is_running_for_the_last = processes.postmaster(home)
        clients[-1].leave()

        assert answers == answers[:1] * len(clients)
        assert "error" not in str(answers)
        assert is_running_for_the_last
        assert processes.postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_goes_on_for_the_second_user_when_the_first_is_interrupted(
        self, home: pathlib.Path, client: processes.Start
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
        assert processes.postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_ends_with_its_last_user_after_another_was_killed(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        killed, last = client(), client()
        killed.ask("SELECT 1")
        last.ask("SELECT 1")

        killed.kill()
        is_running_for_the_last = processes.postmaster(home)
        last.leave()

        assert is_running_for_the_last
        assert processes.postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_is_left_alone_by_a_forked_child(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
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
        assert processes.postmaster(home) is None


class TestRecovery:
    @pytest.mark.thorough
    def test_begins_anew_after_a_first_run_that_was_killed(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        killed = client()
        killed.send("SELECT 1")
        processes.wait_until(lambda: list(home.glob("pg*.new-*/PG_VERSION")))
        # As when the power goes: the programs that it runs do not outlive it.
        for process in psutil.Process(killed.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        killed.kill()
        is_half_made = not processes.data_folders(home)
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
        self, home: pathlib.Path, client: processes.Start, rest: str
    ) -> None:
        account = server_account(home)
        with subprocess.Popen(
            ["sleep", "60"], user=account.pw_uid if processes.IS_ROOT else None
        ) as other:
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                lock = processes.data_folder(home) / name
                lock.write_text(f"{other.pid if rest else ''}{rest}")
                shutil.chown(lock, account.pw_uid, account.pw_gid)

            user = client()
            answer = user.ask("SELECT 1")
            user.leave()
            is_other_alive = other.poll() is None
            other.kill()

        assert answer == [[1]]
        assert is_other_alive
        assert processes.postmaster(home) is None

    @pytest.mark.usefixtures("used")
    def test_keeps_what_was_committed_when_the_server_is_killed_in_use(
        self, home: pathlib.Path, client: processes.Start
    ) -> None:
        one, other = client(), client()
        one.ask("CREATE TABLE kept AS SELECT 42 AS answer")
        other.send("SELECT pg_sleep(60)")
        processes.wait_until(lambda: one.ask(SLEEPING))
        sleeping = psutil.Process(one.ask(SLEEPING)[0][0])
        server_process = processes.postmaster(home)
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
        assert processes.postmaster(home) is None


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
                cwd=shared.ROOT,
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
                processes.wait_until(functools.partial(has_come, watched))
                for _ in range(times):
                    process.send_signal(number)
                    time.sleep(0.005)
                _, err = process.communicate(timeout=60)

            said = f"{word}; what was reported as done is stored.\n"
            assert (process.returncode, err) == ((code, said) if is_ended else (0, "")), moment
            assert processes.postmaster(home) is None, moment
