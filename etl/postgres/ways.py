"""
How the SQL runs: as it is written, or as a cluster takes it.

On a cluster, where the tables of readings are spread, temporary tables are either work tables that
are spread beside them, or on the coordinator with all that the steps read; sql/citus/README.md
tells why. The runner knows no more of it than this: what to set, and what to run in which order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import db

import sql
from etl.postgres import work_tables


LAST_JUDGEMENT = "60_record_line_issues"

# Whole tables are read then, which is never worse than linear.
FOR_WHOLE_TABLES = ("enable_nestloop = off",)

# On a cluster each statement is planned for each shard, which takes as long as judging a thousand
# lines: fewer are brought to the coordinator.
LINES_WORTH_A_CLUSTER = 1_000
_GATHERING = [name for name in sql.names("citus") if name.startswith("6")]
_GATHERED = ("staged_line", "meter_point", "meter", "register")
_COUNTING = "80_count_lines"
# To connect to a worker once more takes as long as judging some thousand lines.
_LINES_WORTH_CONNECTIONS = 10_000
_OF_ALL = 1 << 63  # more lines than there are

# One connection to each worker is the rule.
_FOR_MANY_SHARDS_AT_ONCE = ("citus.max_adaptive_executor_pool_size = 16",)
# An UPDATE or DELETE keeps other loaders waiting for the shards, though each sees its rows alone.
_ALONE = ("citus.all_modifications_commutative = on",)

Statements = Iterator[tuple[str, str]]  # with their names


class AsWritten:
    """What one machine takes, and what a cluster takes apart from what is told below."""

    settings: Sequence[str] = ()
    joins: Sequence[str] = ()  # in place of what the number of lines asks for, if any

    def transform(self, names: Sequence[str], given: Mapping[str, Any]) -> Statements:  # noqa: ARG002 - others look
        """Yield what does the work of these steps; each may give what the next needs."""
        for name in names:
            yield name, sql.statement("transform", name)

    def comparison(self, name: str) -> tuple[str, str]:
        """Return what fills a table that a query of `reconcile` needs, if any does, and that."""
        return "", sql.statement("reconcile", name)


class _InWorkTables(AsWritten):
    """Each shard does its share."""

    def __init__(self, *, line_count: int, is_large: bool) -> None:
        is_worth_connections = line_count >= _LINES_WORTH_CONNECTIONS
        self.settings = (*_ALONE, *(_FOR_MANY_SHARDS_AT_ONCE if is_worth_connections else ()))
        self._is_large = is_large

    def transform(self, names: Sequence[str], given: Mapping[str, Any]) -> Statements:
        yield from _expect_all(names, given)
        for name in names:
            statement = work_tables.statement(name, given, is_large=self._is_large)
            if statement:
                yield name, statement
        yield "clear_work_tables", work_tables.clearing()

    def comparison(self, name: str) -> tuple[str, str]:
        return work_tables.comparison(name)


class _Gathered(AsWritten):
    """
    Few lines, and what is known of their meter points, stand for the tables of the cluster.

    They are temporary, on the coordinator: so the steps that judge go to no worker.
    """

    joins = FOR_WHOLE_TABLES

    def transform(self, names: Sequence[str], given: Mapping[str, Any]) -> Statements:
        for name in _GATHERING:
            yield name, sql.statement("citus", name)
        yield "stand_for_tables", _renaming("gathered_", "")
        yield from _expect_all(names, given)
        for name, statement in super().transform(names, given):
            yield name, statement
            if name == LAST_JUDGEMENT:
                yield "stand_aside", _renaming("", "gathered_")


def _expect_all(names: Sequence[str], given: Mapping[str, Any]) -> Statements:
    """
    Let the lines be counted, and see that all are there that were staged.

    Lines that are judged without being stored may well be missing: `reconcile` tells of them.

    :raises django.db.OperationalError: if some are not to be seen
    """
    if names[-1] == LAST_JUDGEMENT:
        return
    yield _COUNTING, sql.statement("citus", _COUNTING)
    seen, staged = given["seen_line_count"], given["staged_line_count"]
    if seen != staged:
        raise db.OperationalError(
            f"of {staged:,} lines that were staged {seen:,} can be seen: a machine of the cluster"
            " has yet to finish what was committed, as it does within a minute, or at once by"
            " SELECT recover_prepared_transactions()"
        )


def _renaming(before: str, after: str) -> str:
    return "; ".join(
        f"ALTER TABLE pg_temp.{before}{table} RENAME TO {after}{table}" for table in _GATHERED
    )


def fitting(*, line_count: int = _OF_ALL, is_large: bool = True) -> AsWritten:
    """Return how to run the SQL over so many lines, or over all, on the database connected to."""
    if not work_tables.are_there():
        return AsWritten()
    if line_count < LINES_WORTH_A_CLUSTER:
        return _Gathered()
    return _InWorkTables(line_count=line_count, is_large=is_large)
