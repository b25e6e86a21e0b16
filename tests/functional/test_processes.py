"""What needs processes of its own: kills, races, memory, and how a command ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from django import db

from etl.domain import findings
from etl.management import base
from etl.models import StagedLine
from tests import builder, conftest, depth
from tests.benchmarks import generate
from warehouse import codes, models


# Readings of a file that takes long enough to be met at work.
LARGE = depth.size(quick=15_000, thorough=100_000)
# MiB that the lines of such a file would go beyond, were they held.
MORE = 6
OTHER_SAMPLES = conftest.ROOT / "tests" / "flow_files" / "other"

Start = Callable[..., "subprocess.Popen[str]"]

pytestmark = pytest.mark.django_db(transaction=True)


def terminate(*_: object) -> None:
    signal.raise_signal(signal.SIGTERM)


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """
    Wait for a moment inside the life of a process.

    :raises AssertionError: if the process ends before, or the moment does not come
    """
    deadline = time.monotonic() + 60
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, activity()
        time.sleep(0.002)


def activity() -> list[tuple[object, ...]]:
    """Return what each session of the database does, and what it waits for."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, state, wait_event_type, wait_event, query FROM pg_stat_activity"
            " WHERE datname = current_database()"
        )
        return list(cursor.fetchall())


def running_statement(part: str) -> bool:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'active'"
            " AND pid <> pg_backend_pid() AND starts_with(query, %s)",
            [part],
        )
        return bool(cursor.fetchone()[0])


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
    # The server notices that its client is gone at the end of the statement.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with db.connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            if cursor.fetchone()[0] == 0:
                return
        time.sleep(0.02)


def highest_memory(process: subprocess.Popen[str]) -> tuple[float, str]:
    """Wait for the end of a process, and return the most MiB that it had, and what it printed."""
    resident = psutil.Process(process.pid)
    highest = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            highest = max(highest, resident.memory_info().rss)
        time.sleep(0.02)
    return highest / 2**20, process.communicate()[0]


def _read_all(terminal: int) -> str:
    """Return what is shown until the other side is closed, which Linux says by an error."""
    shown = b""
    with contextlib.suppress(OSError):
        while block := os.read(terminal, 65_536):
            shown += block
    os.close(terminal)
    return shown.decode()


class TestLoad:
    @pytest.mark.thorough
    def test_of_one_content_by_two_processes_at_once_counts_once(self, start: Start) -> None:
        processes = [start("load_d0010", conftest.SAMPLE) for _ in range(4)]
        outputs = [process.communicate(timeout=60) for process in processes]

        assert [process.returncode for process in processes] == [0] * 4, outputs
        assert models.FlowFile.objects.get().status == codes.FlowFileStatus.LOADED
        assert models.Delivery.objects.count() == 4
        assert models.Reading.objects.count() == 13
        assert StagedLine.objects.count() == 37

    @pytest.mark.thorough
    def test_killed_while_staging_leaves_no_trace(
        self, start: Start, run: conftest.Run, tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "large.uff"
        generate.write_flow_file(path, readings=LARGE)
        process = start("load_d0010", path)
        wait_until(lambda: running_statement("COPY staged_text"), process)

        kill(process)

        assert not models.FlowFile.objects.exists()
        assert not StagedLine.objects.exists()
        assert run("load_d0010", path).code == 0
        assert models.Reading.objects.count() == LARGE

    @pytest.mark.thorough
    def test_killed_while_transforming_is_finished_by_transform_pending(
        self, start: Start, run: conftest.Run, tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "large.uff"
        generate.write_flow_file(path, readings=LARGE)
        process = start("load_d0010", path)
        wait_until(lambda: running_statement("/* 30_judge_readings */"), process)

        kill(process)

        assert models.FlowFile.objects.get().status == codes.FlowFileStatus.STAGED
        assert not models.Reading.objects.exists()
        assert run("transform_pending").code == 0
        assert models.FlowFile.objects.get().status == codes.FlowFileStatus.LOADED
        assert models.Reading.objects.count() == LARGE
        assert StagedLine.objects.count() == models.FlowFile.objects.get().line_count

    @pytest.mark.parametrize(
        ("options", "statement", "what"),
        [
            pytest.param(
                [],
                "COPY staged_text",
                "what was reported as done is stored",
                marks=pytest.mark.thorough,
            ),
            (["--dry-run"], "/* 30_judge_readings */", "nothing is stored"),
        ],
        ids=["load", "dry run"],
    )
    def test_interrupted_says_so_in_a_sentence(
        self, start: Start, tmp_path: pathlib.Path, options: list[str], statement: str, what: str
    ) -> None:
        path = tmp_path / "large.uff"
        generate.write_flow_file(path, readings=LARGE)
        process = start("load_d0010", *options, path)
        wait_until(lambda: running_statement(statement), process)

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

        assert process.returncode == 130
        assert err == f"Interrupted; {what}.\n"
        assert not models.FlowFile.objects.exists()

    @pytest.fixture
    def _handlers(self) -> Iterator[None]:
        """Set the handlers of signals back, which a command that is ended leaves as they are."""
        handlers = {number: signal.getsignal(number) for number in base.ENDING_SIGNALS}
        yield
        for number, handler in handlers.items():
            signal.signal(number, handler)

    @pytest.mark.usefixtures("_handlers")
    def test_terminated_again_says_so_but_once(
        self,
        run: conftest.Run,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        say = base._ending  # noqa: SLF001 - between two signals there is nothing else to hold

        def say_when_terminated_again(*told: Any, **stored: Any) -> object:
            terminate()
            return say(*told, **stored)

        monkeypatch.setattr(base, "_ending", say_when_terminated_again)
        monkeypatch.setattr(base.PreparedCommand, "prepare", terminate)

        ended = run("load_d0010", conftest.SAMPLE)

        said = "Terminated; what was reported as done is stored.\n"
        assert (ended.code, capsys.readouterr().err) == (143, said)

    @pytest.mark.usefixtures("_handlers")
    def test_terminated_ends_by_the_next_signal_where_the_first_was_lost(
        self, run: conftest.Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lose_one(_: object) -> None:
            with contextlib.suppress(KeyboardInterrupt):
                terminate()
            time.sleep(0.1)
            terminate()

        monkeypatch.setattr(base, "_UNWINDING", 0.05)
        monkeypatch.setattr(base.PreparedCommand, "prepare", lose_one)

        assert run("load_d0010", conftest.SAMPLE).code == 143
        assert not models.FlowFile.objects.exists()

    @pytest.mark.thorough
    def test_interrupted_stops_the_file_before_that_is_still_transformed(
        self, start: Start, run: conftest.Run, tmp_path: pathlib.Path
    ) -> None:
        for number in range(3):
            generate.write_flow_file(
                tmp_path / f"{number}.uff", readings=LARGE, round_number=number
            )
        process = start("load_d0010", *sorted(tmp_path.iterdir()))
        wait_until(lambda: running_statement("/* 30_judge_readings */"), process)

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

        assert process.returncode == 130
        assert err == "Interrupted; what was reported as done is stored.\n"
        assert not models.Reading.objects.exists()
        assert run("load_d0010", *sorted(tmp_path.iterdir())).code == 0
        assert models.Reading.objects.count() == 3 * LARGE

    def test_of_a_large_file_takes_no_more_memory_than_of_a_small_one(
        self, start: Start, tmp_path: pathlib.Path
    ) -> None:
        path, readings = tmp_path / "large.uff", depth.size(quick=20_000, thorough=300_000)
        generate.write_flow_file(path, readings=readings)

        lowest, _ = highest_memory(start("load_d0010", conftest.SAMPLE))
        highest, out = highest_memory(start("load_d0010", path))

        assert out.endswith(f"{readings:,} readings, 0 rejected lines\n")
        assert 20 < highest < min(lowest + MORE, 120)

    @pytest.mark.thorough
    def test_of_very_many_bad_lines_sums_them_up_and_takes_no_more_memory(
        self, start: Start, run: conftest.Run, write: conftest.Write
    ) -> None:
        half = depth.size(quick=5_000, thorough=50_000)
        bad = [*builder.reading(value="x"), *builder.reading(read_at="20240230000000")] * half
        path = write(
            builder.flow_file(
                builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading(), bad))
            )
        )

        lowest, _ = highest_memory(start("load_d0010", conftest.SAMPLE))
        highest, out = highest_memory(start("load_d0010", path))

        assert out == (
            f"{path}: loaded with rejections"
            f" (1 reading; {2 * half:,} lines rejected; bad-date {half:,}, bad-number {half:,})\n"
            f"  bad-date: {findings.CATALOGUE['bad-date'].remedy}\n"
            f"  bad-number: {findings.CATALOGUE['bad-number'].remedy}\n"
            f"1 file: 1 loaded with rejections; 1 reading, {2 * half:,} rejected lines\n"
        )
        assert 20 < highest < min(lowest + MORE, 120)
        assert models.LineIssue.objects.count() == 2 * half
        assert run("reconcile").code == 0


class TestProgress:
    @pytest.mark.thorough
    def test_on_a_terminal_tells_bytes_lines_a_second_and_the_time_left(
        self, start: Start, tmp_path: pathlib.Path
    ) -> None:
        for number in range(2):
            generate.write_flow_file(
                tmp_path / f"{number}.uff", readings=LARGE, round_number=number
            )
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))

        with start("load_d0010", *sorted(tmp_path.iterdir()), stderr=theirs) as process:
            os.close(theirs)
            shown = _read_all(ours)
            out, _ = process.communicate(timeout=60)

        assert (process.returncode, out.count(f": loaded ({LARGE:,} readings)")) == (0, 2)
        assert re.search(
            r"\d%\|.+\| [\d.]+M/[\d.]+M \[\d\d:\d\d<\d\d:\d\d, [\d.]+[kM]B/s, [\d,]+ lines/s\]",
            shown,
        ), shown
        # It goes when it is done.
        assert re.search(r"\r +\r$", shown), shown


class TestEnd:
    @pytest.mark.thorough
    def test_is_a_sentence_where_no_server_answers(
        self, start: Start, tmp_path: pathlib.Path
    ) -> None:
        process = start("load_d0010", conftest.SAMPLE, url=f"postgresql:///d0010?host={tmp_path}")
        out, err = process.communicate(timeout=60)

        assert (process.returncode, out) == (1, "")
        assert "The database can't be used: connection is bad" in err
        assert "Traceback" not in err

    @pytest.mark.thorough
    def test_is_a_sentence_where_the_tables_are_missing(
        self, start: Start, unmigrated_database_url: str
    ) -> None:
        process = start("load_d0010", conftest.SAMPLE, url=unmigrated_database_url)
        out, err = process.communicate(timeout=60)

        assert (process.returncode, out) == (1, "")
        assert "run `manage.py migrate` first" in err
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        "arguments",
        [
            ("load_d0010", OTHER_SAMPLES),
            pytest.param(("load_d0010", "--batch", OTHER_SAMPLES), marks=pytest.mark.thorough),
            pytest.param(("transform_pending",), marks=pytest.mark.thorough),
            pytest.param(("reconcile",), marks=pytest.mark.thorough),
            pytest.param(("purge_staged_lines", "--older-than", "0d"), marks=pytest.mark.thorough),
            pytest.param(("export_readings",), marks=pytest.mark.thorough),
        ],
        ids=lambda arguments: " ".join(map(str, arguments[:2])),
    )
    def test_is_quiet_once_all_is_done_where_nobody_reads_what_is_printed(
        self, start: Start, run: conftest.Run, arguments: tuple[object, ...]
    ) -> None:
        run("load_d0010", conftest.SAMPLE)

        with start(*arguments) as process:
            assert process.stdout
            process.stdout.close()
            assert process.stderr
            err = process.stderr.read()

        assert (process.returncode, err) == (0, "")
        is_loading = arguments[0] == "load_d0010"
        assert models.Reading.objects.count() == 13 + 2 * is_loading
        is_purging = arguments[0] == "purge_staged_lines"
        assert StagedLine.objects.exists() != is_purging

    def test_is_a_sentence_where_what_is_printed_finds_no_room(self, start: Start) -> None:
        with pathlib.Path("/dev/full").open("w") as full:
            process = start("load_d0010", conftest.SAMPLE, stdout=full)
            _, err = process.communicate(timeout=60)

        assert process.returncode == 1
        assert err.endswith("standard output can't be written: No space left on device.\n")
        assert "Traceback" not in err
        assert models.Reading.objects.count() == 13

    @pytest.mark.thorough
    def test_is_code_2_for_wrong_usage(self, start: Start) -> None:
        process = start("load_d0010")
        _, err = process.communicate(timeout=60)

        assert process.returncode == 2
        assert "PATH" in err
