"""The processes that the benchmarks measure, and what a run of one is known by."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence


ROOT = pathlib.Path(__file__).resolve().parents[3]
# Set in some containers: each start would compile all of Django, each line be written by itself.
_SLOWING = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
_LOG_LEVEL = "D0010_LOG_LEVEL"

# 2026-11-24 03:29:23,346 INFO etl.postgres.steps: 10_judge_meter_points: 11 rows, 0.003 s
_STEP = re.compile(
    r"^(?P<at>\S+ \S+) INFO \S+: (?P<name>\w+): -?\d+ rows, (?P<seconds>[\d.]+) s$", re.MULTILINE
)
_INSIDE = re.compile(r"^inside: (?P<clock>[\d.]+) s, CPU: (?P<cpu>[\d.]+) s$", re.MULTILINE)


class BenchmarkError(Exception):
    """A contender failed, or did not do what it was measured for."""


class TookTooLongError(BenchmarkError):
    """A process was killed at its time limit; `said` is what it had printed by then."""

    def __init__(self, message: str, *, said: str) -> None:
        super().__init__(message)
        self.said = said


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkout:
    """A copy of the project whose commands are run, by the Python that has what it needs."""

    name: str
    root: pathlib.Path
    python: str


HERE = Checkout(name="this", root=ROOT, python=sys.executable)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """
    One measured run.

    `peak_memory` is that of the process, in bytes; the system counts a new process from the size
    of the one that started it, so it is never less than that of the benchmark itself. `steps`
    are the seconds of each SQL step that the product logged, `outside` those before, between and
    after them; `inside` is the time that a command's work took without its start (see
    timed.py). `cpu_seconds` are those of the process and of the server's processes that worked
    for it, where the system tells: they tell more than the clock while something else runs.
    `cpu_inside` are the same without the start of the process.
    """

    seconds: float
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    steps: Mapping[str, float] = dataclasses.field(default_factory=dict)
    outside: Mapping[str, float] = dataclasses.field(default_factory=dict)
    inside: float | None = None
    cpu_inside: float | None = None
    said: str = ""

    @property
    def transform(self) -> float:
        """The seconds of the steps in `sql/transform`, whose names begin with their place."""
        return sum(seconds for name, seconds in self.steps.items() if name[0].isdigit())


def run(
    command: Sequence[object],
    *,
    url: str,
    output: pathlib.Path,
    root: pathlib.Path = ROOT,
    is_logged: bool = False,
    time_limit: float | None = None,
) -> Run:
    """
    Run a process to its end, in the checkout at `root`; what it says goes through `output`.

    :raises TookTooLongError: if it was killed, at the limit in seconds
    :raises BenchmarkError: if it does not end with 0
    """
    ignored = {*_SLOWING, _LOG_LEVEL}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ignored},
        **({_LOG_LEVEL: "INFO"} if is_logged else {}),
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "etl.config.settings",
    }
    shown = " ".join(map(str, command[:6]))
    with output.open("w+", encoding="utf-8") as file:
        started_at, started = time.time(), time.perf_counter()
        process = None
        try:
            with _held_back():
                process = subprocess.Popen(
                    [*map(str, command)],
                    cwd=root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            with _killed_at(time_limit, process.pid) as was_killed:
                _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
        except BaseException:
            with uninterrupted():
                if process is not None:
                    process.kill()
                    process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        said = file.read()
    if was_killed.is_set():
        raise TookTooLongError(f"{shown} … took more than {time_limit:g} s", said=said)
    if process.returncode != 0:
        raise BenchmarkError(f"{shown} … ended with {process.returncode}: {said[-2000:]}")
    inside = _INSIDE.search(said)
    return Run(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        # Kibibytes, but bytes on macOS.
        peak_memory=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        inside=float(inside["clock"]) if inside else None,
        cpu_inside=float(inside["cpu"]) if inside else None,
        said=said,
        **_steps(said, started_at=started_at, seconds=seconds),
    )


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C not cut short what cleans up after the first."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Hold signals back while a process starts: nobody could end one that is not known yet."""
    came: list[int] = []
    # Only what this process handles itself: what is ignored, the new one is to ignore as well.
    handlers = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if callable(handler := signal.getsignal(number))
    }
    for number in handlers:
        signal.signal(number, lambda which, _: came.append(which))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for which in came:
        signal.raise_signal(which)


@contextlib.contextmanager
def _killed_at(time_limit: float | None, process_id: int) -> Iterator[threading.Event]:
    was_killed = threading.Event()

    def kill() -> None:
        was_killed.set()
        # Not by Popen, which would take the status that is waited for here.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)

    timer = threading.Timer(time_limit or 0, kill)
    if time_limit is not None:
        timer.start()
    try:
        yield was_killed
    finally:
        timer.cancel()


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
