"""
The server goes away: cut connections, ended sessions, a crash.

For more of them: uv run pytest --times=40 tests/faults/test_lost_server.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import pytest
from django import db

from etl.postgres import advice
from tests import depth
from tests.faults import conftest, forks, proxy, snapshot, test_kills, workload


CRASHES = depth.rounds(quick=1, thorough=5)
ENDED_SESSIONS = 2 * CRASHES
SEED = depth.seed()

pytestmark = pytest.mark.django_db(transaction=True)


def assert_said(ended: forks.Ended) -> None:
    """Its last words are one sentence that says what to do."""
    assert ended.code == 1
    assert ended.err.startswith("CommandError: The database can't be used: ")
    assert ended.err.endswith(f"; {advice.AGAIN}.\n"), ended.err
    assert ended.err.count("\n") == 1, ended.err


class TestConnection:
    @pytest.mark.parametrize(
        "moment", depth.some([proxy.Moment.DURING, proxy.Moment.AFTER], one_of=2)
    )
    def test_cut_at_each_statement_loses_nothing(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
        moment: proxy.Moment,
    ) -> None:
        arguments = ["load_d0010", "--batch", *files]
        whole = undisturbed(arguments)
        every = 1 if moment is proxy.Moment.DURING else 2
        places = test_kills.points(between, whole.messages)[::every]
        for is_chosen in depth.some(places, one_of=18, first=7):
            between.arm(is_chosen, moment, lambda: True)
            ended = launcher.run(*arguments)
            if between.messages[-1] != "start":
                assert_said(ended)
            snapshot.assert_nothing_half(snapshot.take(), staged=whole.staged, done=whole.done)

        between.disarm()
        launcher.run(*arguments)

        assert snapshot.take() == whole.done
        snapshot.assert_reconciled()

    @pytest.mark.thorough
    @pytest.mark.parametrize("is_batch", [False, True], ids=["singly", "batch"])
    def test_cut_beside_the_staging_of_the_next_chunk_loses_nothing(
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
        # Where it connects there is no session yet that could be cut.
        places = test_kills.points_beside(whole.sent)[1 + is_batch :: 2]
        for is_chosen in depth.some(places, one_of=12):
            between.arm(is_chosen, proxy.Moment.DURING, lambda: True)
            assert_said(launcher.run(*arguments, bytes_a_chunk=small))
            snapshot.assert_nothing_half(snapshot.take(), staged=whole.staged, done=whole.done)

        between.disarm()
        launcher.run(*arguments)

        assert snapshot.take() == whole.done
        snapshot.assert_reconciled()


class TestSession:
    @pytest.mark.thorough
    def test_ended_by_the_server_at_any_time_loses_nothing(
        self,
        launcher: forks.Launcher,
        files: Sequence[object],
        undisturbed: conftest.Undisturb,
    ) -> None:
        arguments = ["load_d0010", "--batch", *files]
        whole = undisturbed(arguments)
        chance = random.Random(SEED)  # noqa: S311 - no secret
        ended_sessions = 0
        while ended_sessions < ENDED_SESSIONS:
            small = chance.choice((None, workload.BYTES_A_CHUNK))  # one connection, or two
            command = launcher.start(*arguments, bytes_a_chunk=small)
            time.sleep(chance.uniform(0, whole.seconds))
            with db.connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                )
                is_ended = cursor.fetchone()[0] > 0
            ended = command.wait()
            now = snapshot.take()
            snapshot.assert_nothing_half(now, staged=whole.staged, done=whole.done)
            if ended.err:
                assert is_ended
                assert_said(ended)
                ended_sessions += 1
            else:
                assert now == whole.done
                snapshot.empty()

        launcher.run(*arguments)

        assert snapshot.take() == whole.done, SEED
        snapshot.assert_reconciled()


class TestServer:
    @pytest.mark.thorough  # a quick run has the crash of tests/integration/embedded/test_life.py
    def test_that_crashes_at_any_time_loses_nothing(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer, files: Sequence[object]
    ) -> None:
        url = own_server.url()
        arguments = ["load_d0010", *files]
        connection = own_server.connection()
        launcher.run(*arguments, "--stage-only", url=url)
        staged = snapshot.take(connection)
        started = time.monotonic()
        launcher.run(*arguments, url=url)
        seconds = time.monotonic() - started
        done = snapshot.take(connection)
        snapshot.empty(connection)
        chance = random.Random(SEED)  # noqa: S311 - no secret
        crashes = 0
        while crashes < CRASHES:
            command = launcher.start(*arguments, url=url)
            time.sleep(chance.uniform(0, seconds))
            own_server.control("restart", "--mode=immediate")
            ended = command.wait()
            connection.close()
            now = snapshot.take(connection)
            snapshot.assert_nothing_half(now, staged=staged, done=done)
            if ended.err:
                # At the connection it hears that the server is not up again.
                assert ended.code == 1
                assert ended.err.startswith("CommandError: The database can't be used: ")
                assert ended.err.endswith((f"; {advice.AGAIN}.\n", f"; {advice.SEE}.\n"))
                assert ended.err.count("\n") == 1, ended.err
                crashes += 1
            else:
                assert now == done
                snapshot.empty(connection)

        launcher.run(*arguments, url=url)

        assert snapshot.take(connection) == done, SEED
        connection.close()
        assert launcher.run("reconcile", url=url).code == 0
