"""What to do about an error of the server, where it is not the program's own."""

from __future__ import annotations

import psycopg
from django import db
from psycopg import errors


AGAIN = "what was reported as done is stored: run the same command again for the rest"
SEE = (
    "see that the server runs, and that DATABASE_URL names it, the database, the user and the"
    " password"
)

_ADVICE: dict[type[psycopg.Error], str] = {
    errors.ReadOnlySqlTransaction: (
        "it is read-only, as a replica is: name the primary in DATABASE_URL"
    ),
    errors.InsufficientPrivilege: (
        "grant the role what docker-free-setup.md lists under Roles, or name another one in"
        " DATABASE_URL"
    ),
    errors.DiskFull: f"make room on the server's disk; {AGAIN}",
    errors.TooManyConnections: f"end some, or raise max_connections; {AGAIN}",
    errors.LockNotAvailable: (
        f"another session holds what this one needs (see pg_stat_activity): end it; {AGAIN}"
    ),
    errors.QueryCanceled: (
        "the server's statement_timeout may be too short for a file of this size: raise it for"
        f" the role, or see who cancelled it; {AGAIN}"
    ),
}


def first_line(error: BaseException) -> str:
    """Return what an error says; further lines of the server's quote rows, which hold MPANs."""
    return str(error).strip().partition("\n")[0]


def of(error: BaseException) -> str | None:
    """Return what its user can do about an error, None if that is nothing."""
    if not isinstance(error, db.Error):
        return None
    cause = error.__cause__
    for kind, text in _ADVICE.items():
        if isinstance(cause, kind):
            return text
    if not isinstance(error, (db.OperationalError, db.InterfaceError)):
        return None
    # What fails before there is a session has no state; libpq says why.
    if "too many clients" in str(error) or "remaining connection slots" in str(error):
        return _ADVICE[errors.TooManyConnections]
    is_refused = str(error).startswith("connection ")
    if is_refused and isinstance(cause, psycopg.Error) and cause.sqlstate is None:
        return SEE
    return AGAIN
