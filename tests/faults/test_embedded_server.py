"""
The embedded server when its processes are killed or stopped from outside, as by the OOM killer.

For more of them: uv run pytest --times=4 tests/faults/test_embedded_server.py
"""

from __future__ import annotations

import contextlib
import pathlib
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import psycopg
import pytest

from etl.postgres.embedded import instance, place, server
from tests import depth, shared
from tests.faults import conftest, forks, snapshot, workload


KILLS = 50 * depth.times()
PARTS = 5  # of them, for as many processes
SEED = depth.seed()
SECONDS = 20  # that the next command may take
# What a server does without for a moment, and ends nobody's session.
SPARED = ("io worker", "logical replication")


@pytest.fixture
def home(request: pytest.FixtureRequest) -> Iterator[pathlib.Path]:
    folder = shared.make_folder("d0010-kill-")
    shared.copy_home(request.config, folder / "home")
    yield folder / "home"
    if process := postmaster(folder / "home"):
        process.kill()
    shutil.rmtree(folder)


def postmaster(home: pathlib.Path) -> psutil.Process | None:
    for pid_file in home.glob("pg*/postmaster.pid"):
        with contextlib.suppress(psutil.NoSuchProcess, IndexError, FileNotFoundError):
            process = psutil.Process(int(pid_file.read_text(encoding="ascii").split()[0]))
            if process.cwd() == str(pid_file.parent):
                return process
    return None


def kill_one(home: pathlib.Path, chance: random.Random) -> str:
    """Kill one process of the server, the first one excepted, and return what it was."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if first := postmaster(home):
            below = [one for one in first.children() if not any(w in name(one) for w in SPARED)]
            if below:
                chosen = chance.choice(below)
                killed = name(chosen)
                chosen.kill()
                return killed
    return ""


def name(process: psutil.Process) -> str:
    return " ".join(process.cmdline()[:1])


def is_gone(process: psutil.Process) -> bool:
    # In a container nobody may collect what has ended.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def answer(address: server.Address) -> object:
    with psycopg.connect(
        host=address.host, port=address.port, user=address.user, dbname="d0010"
    ) as connection:
        return connection.execute("SELECT count(*) FROM reading").fetchone()


class TestProcess:
    def test_killed_before_the_last_user_leaves_does_not_keep_the_server_from_ending(
        self, home: pathlib.Path
    ) -> None:
        one = server.Server(home=home)
        address = one.ensure_running(database="d0010")
        process = postmaster(home)
        assert process is not None
        with contextlib.closing(
            psycopg.connect(
                host=address.host, port=address.port, user=address.user, dbname="d0010"
            )
        ) as connection:
            started = time.monotonic()
            psutil.Process(connection.info.backend_pid).kill()
            one.release()  # while it recovers
            is_ended = is_gone(process)
            again = answer(one.ensure_running(database="d0010"))
            took = time.monotonic() - started
        one.release()

        assert is_ended
        assert again == (0,)
        assert took < SECONDS
        assert postmaster(home) is None

    @pytest.mark.thorough
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("part", range(PARTS))
    def test_killed_at_any_time_leaves_a_server_for_the_next_command(
        self, home: pathlib.Path, tmp_path: pathlib.Path, part: int
    ) -> None:
        launcher = forks.Launcher(url="", folder=tmp_path, variables={"D0010_DATA_DIR": str(home)})
        arguments = ["load_d0010", "--batch", *workload.write(tmp_path, readings=60)]
        started = time.monotonic()
        launcher.run(*arguments)
        seconds = time.monotonic() - started
        done = take_and_empty(home)
        chance = random.Random(SEED + part)  # noqa: S311 - no secret
        killed: list[str] = []
        while len(killed) < KILLS // PARTS:
            command = launcher.start(*arguments)
            while not (postmaster(home) or command.has_ended()):
                time.sleep(0.005)
            time.sleep(chance.uniform(0, seconds))
            what = ""
            while not (what or command.has_ended()):
                what = kill_one(home, chance)
            command.wait()
            started = time.monotonic()
            ended = launcher.run(*arguments)
            took = time.monotonic() - started

            assert took < SECONDS, (SEED, killed, what)
            assert (ended.code, ended.err) == (1, ""), (SEED, killed, what)  # bad files are among
            assert take_and_empty(home) == done, (SEED, killed, what)
            killed += [what] * bool(what)
            # It comes earlier where the server was gone by then.
            seconds *= 1.1 if what else 0.8
        launcher.close()
        assert postmaster(home) is None


def take_and_empty(home: pathlib.Path) -> snapshot.Snapshot:
    with conftest.OwnServer(home) as own:
        connection = own.connection()
        taken = snapshot.take(connection)
        snapshot.empty(connection)
        connection.close()
    server.at.cache_clear()  # so that the handles do not pile up
    return taken


Stop = Callable[[psutil.Process], "contextlib.AbstractContextManager[None]"]


@contextlib.contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    yield


@contextlib.contextmanager
def stopped_again_and_again(process: psutil.Process) -> Iterator[None]:
    """Undo whatever would let the process go on, so that no signal but SIGKILL is heard."""
    is_over = threading.Event()

    def stop() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            while not is_over.wait(0.0005):
                process.suspend()

    thread = threading.Thread(target=stop)
    thread.start()
    yield
    is_over.set()
    thread.join()


@pytest.mark.parametrize(
    "stop", [stopped, pytest.param(stopped_again_and_again, marks=pytest.mark.thorough)]
)
class TestFirstProcess:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(instance, "PATIENCE", 0.1)
        monkeypatch.setattr(instance, "CONNECT_TIMEOUT", 2)
        monkeypatch.setattr(instance, "FAST_STOP", 1)
        monkeypatch.setattr(instance, "IMMEDIATE_STOP", 1)

    @pytest.mark.thorough
    def test_stopped_by_a_signal_is_replaced_for_the_next_command(
        self, home: pathlib.Path, stop: Stop
    ) -> None:
        one, other = server.Server(home=home), server.Server(home=home)
        one.ensure_running(database="d0010")
        before = postmaster(home)
        assert before is not None

        with stop(before):
            address = other.ensure_running(database="d0010")
            # It may have answered between two stops, and is in doubt again then.
            deadline = time.monotonic() + SECONDS
            while not is_gone(before) and time.monotonic() < deadline:
                address = other.ensure_running(database="d0010", is_in_doubt=True)
        served = answer(address)
        one.release()
        other.release()

        assert served == (0,)
        assert is_gone(before)
        assert postmaster(home) is None

    def test_stopped_by_a_signal_is_ended_with_its_last_user(
        self, home: pathlib.Path, stop: Stop
    ) -> None:
        one = server.Server(home=home)
        one.ensure_running(database="d0010")
        process = postmaster(home)
        assert process is not None

        with stop(process):
            one.release()
        deadline = time.monotonic() + SECONDS
        while not is_gone(process) and time.monotonic() < deadline:
            time.sleep(0.01)  # it gives back its memory when nobody can reach it any more

        assert is_gone(process)


class TestTurn:
    def test_that_does_not_come_is_given_up(
        self, home: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server, "TURN", 0.1)
        one, other = server.Server(home=home), server.Server(home=home)

        with one._start_lock(), pytest.raises(place.EmbeddedServerError) as refused:  # noqa: SLF001 - as a process that is stopped holds it
            other.ensure_running(database="d0010")

        assert f"end the one that has {one.data}.start open" in str(refused.value)
