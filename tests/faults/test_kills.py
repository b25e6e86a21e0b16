"""
Loads that are killed wherever it hurts, and begun again until they are done.

A quick run kills at some kinds of statement, a thorough one at each and at all moments.
For thousands of kills, at new moments on every run:

    uv run pytest --times=100 tests/faults/test_kills.py
"""

from __future__ import annotations

import concurrent.futures
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from django import db

import sql
from etl.postgres import background
from tests import depth
from tests.faults import conftest, forks, proxy, snapshot, workload


RANDOM_KILLS = depth.rounds(quick=2, thorough=40)
STATEMENTS = 35  # of different kinds, at the least, that a load sends
BESIDE = 24  # of them that its second connection sends
MOMENTS = list(proxy.Moment)
SEED = depth.seed()

pytestmark = pytest.mark.django_db(transaction=True)


def start_and_strike(
    launcher: forks.Launcher,
    between: proxy.Proxy,
    arguments: list[object],
    *,
    number: int,
    moment: proxy.Moment,
    is_chosen: proxy.IsChosen,
    bytes_a_chunk: int | None = None,
) -> forks.Command:
    """Start a command that gets the signal at the chosen message."""
    started: concurrent.futures.Future[forks.Command] = concurrent.futures.Future()

    def strike() -> bool:
        started.result().signal(number)
        return number == signal.SIGKILL

    between.arm(is_chosen, moment, strike)
    command = launcher.start(*arguments, bytes_a_chunk=bytes_a_chunk)
    started.set_result(command)
    return command


def points(between: proxy.Proxy, messages: list[str]) -> list[proxy.IsChosen]:
    """
    Return each kind of message that a load sends to stage, and then each that it transforms by.

    The last comes first, so that what one kill leaves undone has the message of the next.
    """
    # Rows of deliveries go by COPY, whatever of the files is known.
    staged = messages.index("COMMIT", messages.index("COPY"))
    last_step = sql.names("transform")[-1]
    transformed = messages.index("COMMIT", messages.index(last_step))
    assert {*workload.STEPS} <= {*messages[staged:transformed]}

    def first(label: str) -> proxy.IsChosen:
        return lambda _connection, found: found == label

    def later(label: str, *after: str) -> proxy.IsChosen:
        """Choose a message that comes after these, which come one after the other."""

        def is_chosen(_connection: int, found: str) -> bool:
            sent = iter(between.messages[:-1])
            return found == label and all(one in sent for one in after)

        return is_chosen

    found = [
        *(first(label) for label in dict.fromkeys(reversed(messages[:staged]))),
        later("COMMIT", "COPY"),
        *(
            later(label, "COPY", "COMMIT")
            for label in dict.fromkeys(reversed(messages[staged + 1 : transformed]))
        ),
        later("COMMIT", last_step),
    ]
    assert len(found) >= STATEMENTS
    return found


def points_beside(sent: list[tuple[int, str]]) -> list[proxy.IsChosen]:
    """Return each kind of message by which the second connection transforms the first chunk."""
    labels = [label for connection, label in sent if connection == 1]
    assert {*workload.STEPS, "start", "COMMIT"} <= {*labels}

    def beside(label: str) -> proxy.IsChosen:
        return lambda connection, found: connection == 1 and found == label

    # What follows the commit is to be done again as long as there was none.
    kinds = dict.fromkeys(label for label in labels if label != "COMMIT")
    found = [*(beside(label) for label in kinds), beside("COMMIT")]
    assert len(found) >= BESIDE
    return found


class TestKill:
    @pytest.mark.parametrize("moment", depth.some(MOMENTS, one_of=3))
    def test_at_each_statement_leaves_nothing_half_and_nothing_lost(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
        moment: proxy.Moment,
    ) -> None:
        arguments = ["load_d0010", "--batch", *files]
        whole = undisturbed(arguments)
        places = points(between, whole.messages)
        for is_chosen in depth.some(places, one_of=16, first=5 * MOMENTS.index(moment)):
            command = start_and_strike(
                launcher,
                between,
                arguments,
                number=signal.SIGKILL,
                moment=moment,
                is_chosen=is_chosen,
            )
            assert command.wait().code == -signal.SIGKILL
            snapshot.assert_nothing_half(snapshot.take(), staged=whole.staged, done=whole.done)

        between.disarm()
        launcher.run(*arguments)

        assert snapshot.take() == whole.done
        snapshot.assert_reconciled()

    @pytest.mark.parametrize(
        ("is_batch", "moment"),
        depth.some(
            [*((True, moment) for moment in MOMENTS), (False, proxy.Moment.DURING)],
            one_of=4,
            first=1,
        ),
        ids=lambda value: {True: "batch", False: "singly"}.get(value, value),
    )
    def test_beside_the_staging_of_the_next_chunk_leaves_nothing_half(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
        is_batch: bool,  # noqa: FBT001 - a parameter
        moment: proxy.Moment,
    ) -> None:
        arguments = ["load_d0010", *["--batch"] * is_batch, *files]
        small = workload.BYTES_A_CHUNK
        whole = undisturbed(arguments, bytes_a_chunk=small)
        places = points_beside(whole.sent)
        first = 5 * MOMENTS.index(moment) + 3 if is_batch else 10
        for is_chosen in depth.some(places, one_of=24, first=first):
            command = start_and_strike(
                launcher,
                between,
                arguments,
                number=signal.SIGKILL,
                moment=moment,
                is_chosen=is_chosen,
                bytes_a_chunk=small,
            )
            assert command.wait().code == -signal.SIGKILL
            snapshot.assert_nothing_half(snapshot.take(), staged=whole.staged, done=whole.done)

        between.disarm()
        launcher.run(*arguments, bytes_a_chunk=small)

        assert snapshot.take() == whole.done
        snapshot.assert_reconciled()

    @pytest.mark.parametrize(
        "is_batch",
        [
            pytest.param(False, id="singly", marks=pytest.mark.thorough),
            pytest.param(True, id="batch"),
        ],
    )
    def test_at_any_time_leaves_nothing_half_and_nothing_lost(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
        is_batch: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        arguments = ["load_d0010", *["--batch"] * is_batch, *files]
        whole = undisturbed(arguments)
        chance = random.Random(SEED)  # noqa: S311 - no secret
        kills = loads = 0
        while kills < RANDOM_KILLS // 2:
            between.disarm()
            command = launcher.start(*arguments)
            time.sleep(chance.uniform(0, whole.seconds))
            command.signal(signal.SIGKILL)
            code = command.wait().code
            now = snapshot.take()
            snapshot.assert_nothing_half(now, staged=whole.staged, done=whole.done)
            kills += code == -signal.SIGKILL
            if code == 1:
                assert now == whole.done
                snapshot.assert_reconciled()
                snapshot.empty()
                loads += 1

        between.disarm()
        launcher.run(*arguments)

        assert snapshot.take() == whole.done, SEED
        snapshot.assert_reconciled()


class TestSignal:
    """Ctrl-C and `kill`: once is enough, and the rest is said in a sentence."""

    @pytest.mark.parametrize(
        ("number", "code", "word"),
        [
            pytest.param(signal.SIGINT, 130, "Interrupted", id="SIGINT"),
            pytest.param(
                signal.SIGTERM, 143, "Terminated", id="SIGTERM", marks=pytest.mark.thorough
            ),
        ],
    )
    def test_at_each_statement_ends_the_load_and_leaves_nothing_half(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
        number: int,
        code: int,
        word: str,
    ) -> None:
        arguments = ["load_d0010", "--batch", *files]
        whole = undisturbed(arguments)
        # Every other one: each takes the server a while to roll back.
        places = points(between, whole.messages)[number % 2 :: 2]
        for is_chosen in depth.some(places, one_of=12, first=4):
            ended = start_and_strike(
                launcher,
                between,
                arguments,
                number=number,
                moment=proxy.Moment.DURING,
                is_chosen=is_chosen,
            ).wait()
            assert (ended.code, ended.err) == (
                code,
                f"{word}; what was reported as done is stored.\n",
            ), between.messages
            snapshot.assert_nothing_half(snapshot.take(), staged=whole.staged, done=whole.done)

        between.disarm()
        launcher.run(*arguments)

        assert snapshot.take() == whole.done
        snapshot.assert_reconciled()

    @pytest.mark.thorough
    @pytest.mark.parametrize("is_batch", [False, True], ids=["singly", "batch"])
    def test_beside_the_staging_of_the_next_chunk_ends_both(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
        is_batch: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        arguments = ["load_d0010", *["--batch"] * is_batch, *files]
        small = workload.BYTES_A_CHUNK
        whole = undisturbed(arguments, bytes_a_chunk=small)
        for is_chosen in depth.some(points_beside(whole.sent)[is_batch::4], one_of=6):
            ended = start_and_strike(
                launcher,
                between,
                arguments,
                number=signal.SIGINT,
                moment=proxy.Moment.DURING,
                is_chosen=is_chosen,
                bytes_a_chunk=small,
            ).wait()
            assert (ended.code, ended.err) == (
                130,
                "Interrupted; what was reported as done is stored.\n",
            ), between.sent
            snapshot.assert_nothing_half(snapshot.take(), staged=whole.staged, done=whole.done)
            between.disarm()
            # So small a chunk may be done before it is cancelled, and is then not begun again.
            launcher.run(*arguments)
            assert snapshot.take() == whole.done
            snapshot.empty()

    def test_between_two_statements_is_not_lost_on_the_other_connection(self) -> None:
        started = time.monotonic()
        begun = threading.Event()

        def work() -> None:
            begun.set()
            with db.connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")

        def interrupted_when(is_fit: Callable[[], object]) -> None:
            with background.Background() as other_connection:
                other_connection.submit(work)
                is_fit()
                raise KeyboardInterrupt

        for is_fit in (bool, begun.wait):
            with pytest.raises(KeyboardInterrupt):
                interrupted_when(is_fit)

        assert time.monotonic() - started < 20

    @pytest.mark.thorough
    def test_while_the_network_is_dead_ends_the_load_all_the_same(
        self, launcher: forks.Launcher, between: proxy.Proxy, files: Sequence[object]
    ) -> None:
        lives_again = threading.Event()

        def strike() -> bool:
            started.result().signal(signal.SIGINT)
            return lives_again.wait(forks.TIMEOUT)  # till then the server hears nothing

        started: concurrent.futures.Future[forks.Command] = concurrent.futures.Future()
        between.arm(
            lambda _, label: label == sql.names("transform")[0], proxy.Moment.BEFORE, strike
        )
        began = time.monotonic()
        started.set_result(launcher.start("load_d0010", *files, patience=1))
        ended = started.result().wait()
        lives_again.set()

        assert (ended.code, ended.err) == (
            130,
            "Interrupted; what was reported as done is stored.\n",
        )
        assert time.monotonic() - began < 30
        snapshot.empty()


# `manage.py` that is interrupted where a function of some name is called, at the time that is
# given since a module was first asked for, and says at its end how often it was called. `signal`,
# written in Python, is not imported for it.
INTERRUPTED_AT_A_CALL = """
import _signal, atexit, sys

name, since, at, calls = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1)), 0

def profile(frame, event, _):
    global calls
    if event == "call" and frame.f_code.co_name == name and since in sys.modules:
        calls += 1
        if calls == at:
            _signal.raise_signal(_signal.SIGINT)

atexit.register(lambda: print(calls))
program = compile(open("manage.py").read(), "manage.py", "exec")
sys.setprofile(profile)
exec(program, {"__name__": "__main__"})
"""

UNDONE_WHEN_INTERRUPTED = """
import signal
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("undone")
"""


class TestEarlySignal:
    def start(
        self, function: str, since: str, *, interrupted_at: int
    ) -> subprocess.CompletedProcess[str]:
        code = [sys.executable, "-c", INTERRUPTED_AT_A_CALL, function, since, str(interrupted_at)]
        return subprocess.run(
            [*code, "load_d0010", "no such file"],
            cwd=forks.ROOT,
            env={**os.environ, "DATABASE_URL": "postgresql:///d0010?host=/nowhere"},
            capture_output=True,
            text=True,
            timeout=forks.TIMEOUT,
            check=False,
        )

    @pytest.mark.parametrize(
        ("function", "since"),
        [
            pytest.param("_find_spec", "sys", id="a module is looked for"),
            # Python turns there what is raised into an error of its own, or goes on.
            pytest.param(
                "__set_name__", "django", id="a class is made", marks=pytest.mark.thorough
            ),
            pytest.param(
                "cb", "django", id="a lock of a module is given up", marks=pytest.mark.thorough
            ),
        ],
    )
    def test_while_starting_ends_it_in_a_sentence(self, function: str, since: str) -> None:
        calls = int(self.start(function, since, interrupted_at=0).stdout)
        assert calls > 100
        for place in range(1, calls + 1, calls // depth.size(quick=2, thorough=5)):
            ended = self.start(function, since, interrupted_at=place)

            assert (ended.returncode, ended.stderr) in (
                (130, "Interrupted.\n"),
                (130, "Interrupted; what was reported as done is stored.\n"),
            ), place

    @pytest.mark.parametrize(
        ("before", "said"),
        [
            pytest.param([], "undone\n", id="as usual"),
            # As a shell starts what is to run in the background.
            pytest.param(["sh", "-c", 'trap "" INT; exec "$@"', "sh"], "", id="signal ignored"),
        ],
    )
    def test_once_it_has_started_is_left_to_a_command_of_django(
        self, before: list[str], said: str
    ) -> None:
        command = ["manage.py", "shell", "-v", "0", "-c", UNDONE_WHEN_INTERRUPTED]

        ended = subprocess.run(
            [*before, sys.executable, *command],
            cwd=forks.ROOT,
            capture_output=True,
            text=True,
            timeout=forks.TIMEOUT,
            check=False,
        )

        assert (ended.returncode, ended.stdout) == (0, said), ended.stderr
