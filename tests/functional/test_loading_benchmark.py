"""The loading benchmark, on sizes at which its figures mean nothing: that it works and is fair."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from tests import conftest, shared
from tests.benchmarks.loading import bench, cases, floors, processes, session


TINY = session.Sizes(
    readings=400,
    rival_readings=200,
    files=20,
    pending_files=60,
    samples=1,
    stored_readings=1_000,
    stored_lines=2_000,
)
pytestmark = pytest.mark.thorough

COMMAND = [sys.executable, "-m", "tests.benchmarks.loading", "--rounds=1"]


@pytest.fixture(scope="module")
def folder() -> Iterator[pathlib.Path]:
    """Return a folder that the account of PostgreSQL can pass, unlike pytest's own."""
    path = shared.make_folder("d0010-test-")
    yield path
    shutil.rmtree(path)


def start(folder: pathlib.Path, *arguments: object) -> subprocess.Popen[str]:
    place = folder / "temporary"
    place.mkdir()
    place.chmod(0o711)
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=conftest.ROOT,
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def assert_nothing_is_left(folder: pathlib.Path) -> None:
    place = folder / "temporary"
    assert list(place.iterdir()) == []
    place.rmdir()
    left = [
        process.info
        for process in psutil.process_iter(["cmdline", "cwd"])
        if str(place) in f"{process.info['cwd']} {process.info['cmdline']}"
    ]
    assert left == []


class InterruptedWhileItStarts(subprocess.Popen[str]):
    """A process that runs already when a signal comes, and is not yet known to who started it."""

    number = signal.SIGINT
    started: list[int]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.started.append(self.pid)
        signal.raise_signal(self.number)


class TestRun:
    @pytest.mark.parametrize(
        "number",
        [
            pytest.param(signal.SIGINT, id="interrupted"),
            pytest.param(signal.SIGTERM, id="terminated"),
        ],
    )
    def test_leaves_no_process_behind_that_was_just_starting(
        self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
    ) -> None:
        started: list[int] = []
        monkeypatch.setattr(InterruptedWhileItStarts, "number", number)
        monkeypatch.setattr(InterruptedWhileItStarts, "started", started, raising=False)
        monkeypatch.setattr(subprocess, "Popen", InterruptedWhileItStarts)
        handler = signal.signal(number, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                processes.run(["sleep", "60"], url="", output=tmp_path / "said")
        finally:
            signal.signal(number, handler)

        (process_id,) = started
        assert not psutil.pid_exists(process_id)


@pytest.fixture(scope="module")
def measured(folder: pathlib.Path) -> dict[str, Any]:
    """Run all the cases as a process and return what it wrote as JSON, with what it printed."""
    sizes = [f"--{name.replace('_', '-')}={size}" for name, size in vars(TINY).items()]
    wanted = [f"--case={case}" for case in cases.CASES]
    files = [f"--json={folder / 'found.json'}", f"--chart={folder / 'chart.svg'}"]
    process = start(folder, *sizes, *wanted, *files)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert_nothing_is_left(folder)
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return {**found, "printed": out, "chart": (folder / "chart.svg").read_text()}


class TestBenchmark:
    def test_tells_of_every_case(self, measured: dict[str, Any]) -> None:
        printed = [line.split(" | ")[0] for line in measured["printed"].splitlines()]

        assert {row["case"] for row in measured["rows"]} == set("ABCDEFGHI")
        assert {line for line in printed if len(line) == 3} == {
            f"| {case}" for case in "ABCDEFGHI"
        }

    def test_measures_ours_beside_the_floors_and_the_rivals(
        self, measured: dict[str, Any]
    ) -> None:
        contenders = {(one["case"], one["contender"]) for one in measured["measured"]}

        assert {
            ("A", "ours"),
            ("A", "F1 raw COPY"),
            ("A", "F2 finished rows"),
            ("B", "F2 finished rows"),
            ("C", "ours"),
            ("C", "R1 bulk_create"),
            ("G, small files", "sha256sum"),
        } <= contenders
        assert all(seconds > 0 for one in measured["measured"] for seconds in one["seconds"])

    def test_has_memory_loading_and_the_steps_of_ours(self, measured: dict[str, Any]) -> None:
        of = {(one["case"], one["contender"]): one for one in measured["measured"]}

        steps = of["B", "ours"]["steps"]
        assert measured["stored_bytes"]["400"] > 0
        assert of["A", "ours"]["peak_memory_bytes"] > 10 * bench.MIB
        assert 0 < of["E", "ours, loading"]["loading_seconds"][0] < of["E", "ours"]["seconds"][0]
        assert {"90_mark_files_transformed", "before the first step"} <= steps.keys()
        assert sum(steps.values()) == pytest.approx(of["B", "ours"]["median_seconds"])

    def test_draws_a_chart(self, measured: dict[str, Any]) -> None:
        words = [element.text for element in ElementTree.fromstring(measured["chart"]).iter()]  # noqa: S314 - our own

        assert {"F2 finished rows", "R1 bulk_create", "ours"} <= set(words)
        assert {word[:6] for word in words if word} >= {f"Case {case}" for case in "ABCD"}

    def test_interrupted_leaves_nothing_behind(self, folder: pathlib.Path) -> None:
        process = start(folder, "--readings=400", "--case=A")
        deadline = time.monotonic() + 60
        while not list(folder.glob("temporary/*/day_0*")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        # As a terminal does: to all processes of its group.
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)

        assert process.returncode == 130, err
        assert "Traceback" not in err
        assert_nothing_is_left(folder)


@pytest.fixture(scope="class")
def tried(folder: pathlib.Path) -> Iterator[session.Session]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        with bench.Bench() as laboratory:
            yield session.Session(laboratory, sizes=TINY, rounds=1)


class TestContenders:
    def test_that_store_other_readings_are_found_out(self, tried: session.Session) -> None:
        contenders = {
            "ours": tried.load(tried.day(0, 40)),
            "another day": tried.load(tried.day(1, 40)),
        }

        with pytest.raises(processes.BenchmarkError, match="stored readings differ"):
            tried.measure("-", tried.bench.empty, contenders)

    def test_that_fail_are_found_out(self, tried: session.Session) -> None:
        missing = tried.bench.folder / "missing.uff"

        with pytest.raises(processes.BenchmarkError, match=r"ended with 1: .*missing"):
            tried.measure("-", tried.bench.empty, {"ours": tried.load(missing)})

    @pytest.mark.parametrize("rival", ["bulk_create", "duckdb", "duckdb_raw"])
    def test_store_the_same_readings_of_known_meters(
        self, tried: session.Session, rival: str
    ) -> None:
        finished = tried.keep_finished_day_1(400)
        contenders = {
            "F2": lambda database: floors.copy_finished(tried.bench, database, finished),
            rival: tried.rival(rival, tried.day(1, 400)),
        }

        tried.measure("-", tried.loaded(400), contenders)

    def test_find_all_finished_rows_of_the_product(self, tried: session.Session) -> None:
        finished = tried.keep_finished_day_1(400)
        counts = "SELECT (SELECT count(*) FROM staged_line), (SELECT count(*) FROM delivery)"

        with tried.bench.fresh(tried.loaded(400)) as database:
            with tried.bench.connect(database) as connection:
                before = connection.execute(counts).fetchone()
                floors.copy_finished(tried.bench, database, finished)
                after = connection.execute(counts).fetchone()
            assert before is not None
            assert after == (2 * before[0], 2 * before[1])
            assert tried.bench.stored_readings(database)[0] == 800
