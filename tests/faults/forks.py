"""
Commands of the project as processes of their own, without the second that importing takes.

A launcher imports the project once and forks a child for each command. The child runs `manage.py`
as a shell would have it run, so it can be killed, and ends, like any process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import itertools
import json
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any


ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 120  # seconds, far beyond what any command of these tests takes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended, a signal's number below zero, and what it printed."""

    code: int
    out: str
    err: str


class Command:
    """A command that was started."""

    def __init__(self, place: pathlib.Path) -> None:
        self._place = place
        self.pid = int(self._read(".pid"))

    def has_ended(self) -> bool:
        return self._place.with_suffix(".code").exists()

    def signal(self, number: int) -> None:
        """Send it a signal, if it has not ended meanwhile."""
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def first_error(self) -> str:
        """Wait for the first line that it prints as an error, while it runs on."""
        path = self._place.with_suffix(".err")
        deadline = time.monotonic() + TIMEOUT
        while not (path.exists() and "\n" in path.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline, f"{path} stayed empty"
            assert not self.has_ended(), self.wait()
            time.sleep(0.001)
        return path.read_text(encoding="utf-8")

    def wait(self) -> Ended:
        return Ended(
            code=int(self._read(".code")),
            out=self._place.with_suffix(".out").read_text(encoding="utf-8"),
            err=self._place.with_suffix(".err").read_text(encoding="utf-8"),
        )

    def _read(self, suffix: str) -> str:
        path = self._place.with_suffix(suffix)
        deadline = time.monotonic() + TIMEOUT
        while not path.exists():
            assert time.monotonic() < deadline, f"{path} did not come"
            time.sleep(0.001)
        return path.read_text(encoding="utf-8")


class Launcher:
    """Starts commands against one database."""

    def __init__(
        self, *, url: str, folder: pathlib.Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forks"],
            cwd=ROOT,
            env={**os.environ, **(variables or {}), "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        *arguments: object,
        url: str | None = None,
        bytes_a_chunk: int | None = None,
        patience: int | None = None,
        log_level: str = "WARNING",
    ) -> Command:
        """Start a command: against another database, in smaller chunks, with less patience."""
        place = self._folder / f"command-{next(self._numbers)}"
        assert self._process.stdin is not None
        request = {
            "place": str(place),
            "arguments": [str(argument) for argument in arguments],
            "url": url,
            "bytes_a_chunk": bytes_a_chunk,
            "patience": patience,
            "log_level": log_level,
        }
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return Command(place)

    def run(self, *arguments: object, **how: Any) -> Ended:
        """Start a command, in the ways that `start` knows, and wait for its end."""
        return self.start(*arguments, **how).wait()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=TIMEOUT)


def _serve() -> None:
    """Fork a child for each request, until there are no more."""
    # What a command imports on its way; nothing connects before the fork.
    import dj_database_url  # noqa: PLC0415 - the tests import this module for its classes
    import django  # noqa: PLC0415
    from django import db  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core import management  # noqa: PLC0415

    os.environ["DJANGO_SETTINGS_MODULE"] = "etl.config.settings"
    django.setup()
    from etl.postgres import background, transactions  # noqa: PLC0415 - need the line above
    from etl.usecases import load  # noqa: PLC0415

    for name in ("load_d0010", "transform_pending", "reconcile", "runserver", "collect"):
        management.load_command_class("etl", name)
    # Else each child looks through all of it for garbage, above all when it ends.
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who watches over a command is not waited for
    while line := sys.stdin.readline():
        if os.fork() == 0:
            request = json.loads(line)
            if request["url"]:
                database = dj_database_url.parse(request["url"])
                db.connections.settings = db.connections.configure_settings({"default": database})
                with contextlib.suppress(AttributeError):  # where none was made so far
                    del db.connections["default"]
            load.BYTES_A_CHUNK = request["bytes_a_chunk"] or load.BYTES_A_CHUNK
            if patience := request["patience"]:
                background._SECONDS_OF_CANCELLING = patience  # noqa: SLF001 - no caller sets it
                transactions.commit.__kwdefaults__ = {"attempts": 10, "silence": patience}
            loggers: Any = settings.LOGGING["loggers"]
            loggers["etl"]["level"] = request["log_level"]
            _watch(pathlib.Path(request["place"]), request["arguments"])
            return


def _watch(place: pathlib.Path, arguments: list[str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        for stream, suffix in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(place.with_suffix(suffix), os.O_WRONLY | os.O_CREAT), stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.setsid()
        # Whoever can send it a signal by now can read what it printed, be it nothing.
        _write(place.with_suffix(".pid"), str(os.getpid()))
        sys.argv = ["manage.py", *arguments]
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
        return
    _, status = os.waitpid(pid, 0)
    _write(place.with_suffix(".code"), str(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _write(path: pathlib.Path, text: str) -> None:
    new = path.with_suffix(f"{path.suffix}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    _serve()
