"""
The transform where the tables of readings are spread over machines: `manage.py distribute`.

A temporary table is on one machine alone, so what the steps judge is kept in tables that are
spread as well. They hold nothing but what a transaction in progress has judged, for nobody else to
see, and are made from the very statements that fill them.
"""

from __future__ import annotations

import collections
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django import db

import sql


_CREATION = re.compile(r"^CREATE TEMPORARY TABLE (\w+) ON COMMIT DROP AS$", re.MULTILINE)
_INDEX = re.compile(r"^CREATE (UNIQUE )?INDEX ON ", re.MULTILINE)
_ANALYSIS = re.compile(r"^ANALYZE ", re.MULTILINE)
# Both keep the planner from working a field out anew at each use. The one is cheaper, since it
# lets the work be shared among processes; the other is taken by a cluster.
_FENCE, _FENCE_OF_CLUSTERS = "OFFSET '0'", "ORDER BY NULL::text"
# A step that names this has nothing to do where it is false, which is worth knowing where each
# statement goes to many shards.
_OF_OTHER_LINES = "%(has_other_lines)s"
# Issues are on the coordinator; where each line is asked for its own, they are laid beside it.
_SHARED_ISSUES, _INDEX_OF_ISSUES = "70_share_issues", "71_index_issues"
_ISSUE_OF_A_LINE = "line_issue.mpan_core"


@functools.cache
def names() -> tuple[str, ...]:
    return tuple(table for table, _ in _filled())


def are_there() -> bool:
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [names()[-1]])
        (is_there,) = cursor.fetchone()
    return bool(is_there)


def statement(name: str, parameters: Mapping[str, Any], *, is_large: bool) -> str | None:
    """Return a step of the transform as it runs in work tables, None where it has none to do."""
    text = sql.statement("transform", name)
    if _INDEX.search(text) or (_ANALYSIS.search(text) and not is_large):
        return None
    if _OF_OTHER_LINES in text and not parameters["has_other_lines"]:
        return None
    return _filling(text)


def comparison(name: str) -> tuple[str, str]:
    """Return what fills the table that a statement of `reconcile` needs on a cluster, and that."""
    text = sql.statement("reconcile", name).replace(_FENCE, _FENCE_OF_CLUSTERS)
    if _ISSUE_OF_A_LINE not in text:
        return "", text
    filling = _filling(sql.statement("citus", _SHARED_ISSUES))
    return filling, text.replace("line_issue", "judged_issue")


def _filling(text: str) -> str:
    return _CREATION.sub(r"INSERT INTO \1", text).replace(_FENCE, _FENCE_OF_CLUSTERS)


def make() -> None:
    """Make the work tables and their indexes anew, in the transaction of the caller."""
    nothing: Mapping[str, Any] = collections.defaultdict(lambda: None)
    with db.connection.cursor() as cursor:
        for table, text in _filled():
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            creation = _CREATION.sub(r"CREATE UNLOGGED TABLE \1 AS", text)
            cursor.execute(f"{creation.rstrip().removesuffix(';')} WITH NO DATA", nothing)
        for text in _statements():
            if _INDEX.search(text):
                cursor.execute(text)


def clearing() -> str:
    """Return what takes away what a transaction has judged: at its end others would see it."""
    # But that of issues, which no step fills.
    return "; ".join(f"DELETE FROM {table}" for table in names()[:-1])  # noqa: S608 - named by the steps


def _filled() -> Iterator[tuple[str, str]]:
    for text in _statements():
        if created := _CREATION.search(text):
            yield created[1], text


def _statements() -> Iterator[str]:
    for name in sql.names("transform"):
        yield sql.statement("transform", name)
    for name in (_SHARED_ISSUES, _INDEX_OF_ISSUES):
        yield sql.statement("citus", name)
