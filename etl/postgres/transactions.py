"""Who commits, and what is tried again."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import psycopg.errors
from django import db
from django.conf import settings
from django.db import transaction

from etl.postgres import session


logger = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T")

_rehearsal = threading.local()

_TURNS = 20  # the advisory lock that `take_turn` takes

# Seconds to wait for a lock in silence; once more, and longer, after that is said.
SILENCE = 5
_LONGEST_PAUSE = 0.5  # seconds

_IN_THE_WAY = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
)
_NOT_OF_THE_WORK = (
    psycopg.errors.DataCorrupted,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.IndexCorrupted,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.TransactionTimeout,
)


@contextlib.contextmanager
def reading(*, seconds: int | None = None) -> Iterator[None]:
    """
    Read within one transaction, whose statements mean what they are to mean.

    It gives up a lock that takes longer than these seconds, or else as long as commands wait.
    """
    with transaction.atomic(durable=True):
        _settle(settings.LOCK_TIMEOUT if seconds is None else seconds)
        yield


def look_at_one_moment(moment: str | None = None, *, is_only_reading: bool = True) -> None:
    """
    Let the statements of this transaction, which has had none, see the tables as at one moment.

    That is now, or the moment of another transaction that still runs.
    """
    mode = "READ ONLY" if is_only_reading else "READ WRITE"
    with db.connection.cursor() as cursor:
        cursor.execute(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ {mode}")
        if moment:
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [moment])


def moment() -> str:
    """Return what names, to `look_at_one_moment`, the moment that this transaction looks at."""
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        name: str = cursor.fetchone()[0]
        return name


def _settle(lock_timeout: int) -> None:
    """Pin what the meaning of this transaction's statements depends on, and limit its waiting."""
    pinned = {**session.OF_TRANSACTION, "lock_timeout": f"{lock_timeout}s"}
    with db.connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {name} = '{pinned[name]}'" for name in pinned))


def take_turn(*, alone: bool) -> None:
    """
    Let this transaction run beside others that call this, or wait until it is alone among them.

    What inserts new rows in sets meets another loader's new row at most once that way: tried
    again alone, it finds it known. A rehearsal keeps nobody waiting for its turn.
    """
    if _is_rehearsing():
        return
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with db.connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_TURNS])


def each_statement_in_one() -> contextlib.AbstractContextManager[None]:
    """
    Let each statement of a `with` that is no part of a transaction be one, as by `commit`.

    So it waits as that does, and nothing needs to be set for the session, which others may share.
    """
    return db.connection.execute_wrapper(_commit_alone)


def wait_for(*tables: str) -> None:
    """
    Wait, and say so, as long as somebody else holds one of these tables for themselves.

    For a transaction that nobody can begin again, such as one that is read from for long.
    """
    with db.connection.cursor() as cursor:
        quoted = map(db.connection.ops.quote_name, tables)
        # One by one: tables that are spread over machines can't stand side by side.
        cursor.execute("; ".join(f"SELECT 1 FROM {table} LIMIT 0" for table in quoted))  # noqa: S608 - named by callers


def _commit_alone(execute: Callable[..., Any], *statement: Any) -> Any:
    if db.connection.in_atomic_block:
        return execute(*statement)
    return commit(functools.partial(execute, *statement))


def _say() -> None:
    logger.warning(
        "Another session holds what this one needs; waiting up to %d s for it.",
        settings.LOCK_TIMEOUT,
    )


@contextlib.contextmanager
def rehearsed() -> Iterator[None]:
    """
    Let what this thread commits within a `with` be seen by itself alone, and be undone at the end.

    Until then it holds what it has inserted: whoever inserts the same waits.
    """
    with transaction.atomic(durable=True):
        _settle(settings.LOCK_TIMEOUT)
        _rehearsal.is_running = True
        try:
            yield
        finally:
            _rehearsal.is_running = False
            transaction.set_rollback(True)


def _is_rehearsing() -> bool:
    return getattr(_rehearsal, "is_running", False)


def commit(work: Callable[[], T], *, attempts: int = 10, silence: int | None = SILENCE) -> T:
    """
    Run this in a transaction of its own, from its beginning again where another was in the way.

    Two loaders that register the same content at once, or that wait for one another, get here;
    the one whose transaction was rolled back then sees what the other committed. Where another
    session holds a lock for longer than the seconds of silence, this is said, once.

    :raises django.db.Error: whatever the work raises, or the last conflict of so many in a row;
        an OperationalError where the fault is the session's or the disk's
    """
    try:
        with transaction.atomic(durable=not _is_rehearsing()):
            longest: int = settings.LOCK_TIMEOUT
            _settle(longest if silence is None else min(silence, longest))
            done = work()
            if _is_rehearsing():
                _drop_temporary_tables()
            return done
    except db.InternalError as error:
        # Else whoever called would take it for the fault of the file at hand.
        if isinstance(error.__cause__, _NOT_OF_THE_WORK):
            raise db.OperationalError(*error.args) from error.__cause__
        raise
    except (db.OperationalError, db.IntegrityError) as error:
        is_lock = isinstance(error.__cause__, psycopg.errors.LockNotAvailable)
        if is_lock and silence is not None:
            silence = None
            _say()
        elif attempts == 1 or not isinstance(error.__cause__, _IN_THE_WAY):
            raise
        else:
            # Those who met shall not meet again; the pause grows as the attempts get fewer.
            time.sleep(random.uniform(0, _LONGEST_PAUSE) / attempts)  # noqa: S311 - no secret
    return commit(work, attempts=attempts - 1, silence=silence)


def commit_apart(
    items: Sequence[T],
    work: Callable[[Sequence[T]], Sequence[R]],
    *,
    blamed: tuple[type[Exception], ...],
    on_blame: Callable[[T, Exception], R],
) -> Sequence[R]:
    """
    Have this done to all of the items in one transaction, and return what came of each.

    If that fails by a fault that one of them may be blamed for, they are taken apart by halves
    until one stands alone, of which that is said; so the others are done all the same.

    :raises django.db.Error: as `commit` does, if nobody is to blame
    """
    try:
        return commit(functools.partial(work, items))
    except blamed as error:
        if len(items) == 1:
            return [on_blame(items[0], error)]
    middle = len(items) // 2
    return [
        done
        for half in (items[:middle], items[middle:])
        for done in commit_apart(half, work, blamed=blamed, on_blame=on_blame)
    ]


def _drop_temporary_tables() -> None:
    # As a commit would.
    with db.connection.cursor() as cursor:
        cursor.execute("DISCARD TEMPORARY")
