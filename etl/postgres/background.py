"""A second connection, for work that the server does while this process does something else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent import futures
from types import TracebackType
from typing import TypeVar

import psycopg
from django import db


T = TypeVar("T")

_SECONDS_BETWEEN_CANCELS = 0.1


class Background(contextlib.AbstractContextManager["Background"]):
    """
    A thread with a connection of its own; made when it is first needed, gone with the `with`.

    Where the `with` is left by an exception, such as Ctrl-C, what runs is cancelled.
    """

    def __init__(self) -> None:
        self._executor = futures.ThreadPoolExecutor(max_workers=1)
        self._connection: psycopg.Connection | None = None

    def submit(self, work: Callable[[], T]) -> futures.Future[T]:
        """Have this done after what was submitted before; the result raises what it raises."""
        return self._executor.submit(self._run, work)

    def _run(self, work: Callable[[], T]) -> T:
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
        if self._connection is not None:
            closed = self._executor.submit(self._close)
            # Between two statements there is nothing to cancel, so more than once.
            while exception_type is not None and not closed.done():
                with contextlib.suppress(psycopg.Error):
                    self._connection.cancel_safe()
                futures.wait([closed], timeout=_SECONDS_BETWEEN_CANCELS)
        self._executor.shutdown()
