"""Holds what runs on a cluster, of the transform and of `reconcile`, to what one takes."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import pglast
import pytest
from pglast import ast, visitors

import sql
from etl.postgres import work_tables
from tests.unit import mpan_core_lint, test_sql_keys


EVERYTHING = collections.defaultdict[str, Any](lambda: True)
STEPS = {
    name: statement
    for name in sql.names("transform")
    if (statement := work_tables.statement(name, EVERYTHING, is_large=True))
} | {
    f"{name} {place}": statement
    for name in sql.names("reconcile")
    for place, statement in enumerate(work_tables.comparison(name))
    if statement
}
# They are stable, since they take any type, and a cluster works them out only where it selects.
STABLE = {"concat", "concat_ws"}


class _Parts(visitors.Visitor):
    def __init__(self) -> None:
        self.found: list[ast.Node] = []

    def visit(self, _: Any, node: ast.Node) -> None:
        self.found.append(node)


def parts(statement: str) -> list[ast.Node]:
    visitor = _Parts()
    visitor(pglast.parse_sql(test_sql_keys.with_constants(statement)))
    return visitor.found


def written_table(node: ast.Node | None) -> str:
    relation = getattr(node, "relation", None)
    return str(relation.relname) if relation else ""


def problems(statement: str) -> Iterator[str]:
    top, *nodes = (part for part in parts(statement) if not isinstance(part, ast.RawStmt))
    is_update = isinstance(top, ast.UpdateStmt) and written_table(top) != "flow_file"
    for node in nodes:
        if isinstance(node, ast.SelectStmt) and (node.limitOffset or node.limitCount):
            yield "LIMIT or OFFSET in a subquery, which is worked out on the coordinator"
        if isinstance(node, ast.FuncCall) and is_update and named(node) in STABLE:
            yield "a stable function in UPDATE"
        if isinstance(node, ast.CommonTableExpr) and written_table(node.ctequery).startswith(
            mpan_core_lint.SPREAD_PREFIX
        ):
            yield "a WITH that writes to a table that is spread"
        if isinstance(node, ast.WithClause) and node.recursive:
            yield "a recursive WITH"


def named(call: ast.FuncCall) -> str:
    return str((call.funcname or ())[-1].sval)


class TestStep:
    @pytest.mark.parametrize("name", STEPS)
    def test_is_what_a_cluster_takes(self, name: str) -> None:
        assert "TEMPORARY" not in STEPS[name]
        assert list(problems(STEPS[name])) == []

    @pytest.mark.parametrize("name", STEPS)
    def test_stays_within_a_meter_point(self, name: str) -> None:
        assert mpan_core_lint.problems(test_sql_keys.with_constants(STEPS[name])) == []

    def test_fills_a_work_table_where_it_made_a_temporary_one(self) -> None:
        written = {
            written_table(node)
            for statement in STEPS.values()
            for node in parts(statement)
            if isinstance(node, ast.InsertStmt)
        }
        filled = {table for table in written if table.startswith(mpan_core_lint.SPREAD_PREFIX)}

        assert filled == {*work_tables.names()}
        assert len(filled) == 6

    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param("SELECT 1 FROM (SELECT id FROM reading OFFSET '0') AS held", id="offset"),
            pytest.param(
                "UPDATE judged_meter SET warnings = concat_ws(' ', warnings)", id="stable function"
            ),
            pytest.param(
                "WITH gone AS (DELETE FROM judged_meter RETURNING line_id) SELECT 1 FROM gone",
                id="writing WITH",
            ),
        ],
    )
    def test_would_be_found_out(self, statement: str) -> None:
        assert list(problems(statement))
