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


def _raise(setting: str) -> str:
    return f"raise {setting} for the role (ALTER ROLE … SET {setting}), or set it to 0; {AGAIN}"


def _limit(whose: str) -> str:
    return (
        f"end some, or raise the {whose}'s limit, of which a load takes two"
        f" (ALTER {whose.upper()} … CONNECTION LIMIT); {AGAIN}"
    )


_POLICY = (
    "its policies may hide rows from this role, and nothing is judged by a part of them: let the"
    " role pass by them (ALTER ROLE … BYPASSRLS), or name the owner of the tables in DATABASE_URL"
)
# Where the server raises it: the state is that of a missing right, the words are in its language,
# which only a superuser may set (lc_messages).
_OF_POLICIES = ("check_enable_rls", "ExecWithCheckOptions")
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
    errors.IdleInTransactionSessionTimeout: _raise("idle_in_transaction_session_timeout"),
    errors.TransactionTimeout: _raise("transaction_timeout"),
    errors.LockNotAvailable: (
        f"another session holds what this one needs (see pg_stat_activity): end it; {AGAIN}"
    ),
    errors.QueryCanceled: (
        "the server's statement_timeout may be too short for a file of this size: raise it for"
        f" the role, or see who cancelled it; {AGAIN}"
    ),
}
# What the server says where it lets nobody in.
_UNCONNECTED = {
    "too many clients": _ADVICE[errors.TooManyConnections],
    "remaining connection slots": _ADVICE[errors.TooManyConnections],
    "too many connections for role": _limit("role"),
    "too many connections for database": _limit("database"),
}


# What psycopg says of a session that there was; with other words of a connection, there was none.
_CUT = "connection socket closed"


def first_line(error: BaseException) -> str:
    """Return what an error says; further lines of the server's quote rows, which hold MPANs."""
    return str(error).strip().partition("\n")[0]


def _is_policy(error: psycopg.Error) -> bool:
    return error.diag.source_function in _OF_POLICIES


def of(error: BaseException) -> str | None:
    """Return what its user can do about an error, None if that is nothing."""
    if not isinstance(error, db.Error):
        return None
    cause = error.__cause__
    if isinstance(cause, errors.InsufficientPrivilege) and _is_policy(cause):
        return _POLICY
    for kind, text in _ADVICE.items():
        if isinstance(cause, kind):
            return text
    if not isinstance(error, (db.OperationalError, db.InterfaceError)):
        return None
    # What fails before there is a session has no state; libpq says why.
    for words, text in _UNCONNECTED.items():
        if words in str(error):
            return text
    is_unreachable = str(error).startswith("connection ") and _CUT not in str(error)
    return SEE if is_unreachable and getattr(cause, "sqlstate", "") is None else AGAIN
