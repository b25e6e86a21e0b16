"""Who commits, and what is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg.errors
from django import db
from django.db import transaction


T = TypeVar("T")

_IN_THE_WAY = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
)


def commit(work: Callable[[], T], *, attempts: int = 10) -> T:
    """
    Run this in a transaction of its own, from its beginning again where another was in the way.

    Two loaders that register the same content at once, or that wait for one another, get here;
    the one whose transaction was rolled back then sees what the other committed.

    :raises django.db.Error: whatever the work raises, or the last conflict of so many in a row
    """
    try:
        with transaction.atomic(durable=True):
            return work()
    except (db.OperationalError, db.IntegrityError) as error:
        if attempts == 1 or not isinstance(error.__cause__, _IN_THE_WAY):
            raise
    return commit(work, attempts=attempts - 1)
