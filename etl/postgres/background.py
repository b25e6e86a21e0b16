"""A second connection, for work that the server does while this process does something else."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Callable
from concurrent import futures
from types import TracebackType
from typing import TypeVar

import psycopg
from django import db

from etl.postgres import transactions


T = TypeVar("T")

# The thread only hands statements on: Python shall not make it wait for its turn each time, as
# long as it usually does (5 ms), while the server has nothing to do.
_SWITCH_INTERVAL = 0.0005  # seconds
_SECONDS_BETWEEN_CANCELS = 0.1
# After this the server is out of reach, and what it still does it will roll back by itself.
_SECONDS_OF_CANCELLING = 5


class Background(contextlib.AbstractContextManager["Background"]):
    """
    A thread with a connection of its own; made when it is first needed, gone with the `with`.

    Where the `with` is left by an exception, such as Ctrl-C, what runs is cancelled.
    """

    def __init__(self) -> None:
        self._executor = futures.ThreadPoolExecutor(max_workers=1)
        self._connection: psycopg.Connection | None = None
        self._switch_interval: float | None = None

    def submit(self, work: Callable[[], T]) -> futures.Future[T]:
        """Have this done after what was submitted before; the result raises what it raises."""
        if self._switch_interval is None:  # not where a single upload is all there is to do
            self._switch_interval = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_INTERVAL)
        return self._executor.submit(self._run, work)

    def _run(self, work: Callable[[], T]) -> T:
        with transactions.each_statement_in_one():
            if self._connection is None:
                db.connection.ensure_connection()
                self._connection = db.connection.connection
            return work()

    def _close(self) -> None:
        # A connection is of the thread that made it.
        db.connection.close()

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        closed = self._executor.submit(self._close)
        if exception_type is not None:
            self._cancel_until(closed)
        self._executor.shutdown()
        if self._switch_interval is not None:
            sys.setswitchinterval(self._switch_interval)

    def _cancel_until(self, closed: futures.Future[None]) -> None:
        # More than once: there is nothing to cancel before it connects, or between statements.
        deadline = time.monotonic() + _SECONDS_OF_CANCELLING
        while not closed.done():
            with contextlib.suppress(psycopg.Error, OSError):
                if self._connection is None:
                    pass
                elif time.monotonic() < deadline:
                    self._connection.cancel_safe(timeout=_SECONDS_OF_CANCELLING)
                else:
                    with socket.fromfd(self._connection.fileno(), -1, -1) as server:
                        server.shutdown(socket.SHUT_RDWR)
            futures.wait([closed], timeout=_SECONDS_BETWEEN_CANCELS)
