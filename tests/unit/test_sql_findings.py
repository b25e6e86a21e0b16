"""Keeps the steps that judge, the catalogue of findings and the grammar from drifting apart."""

from __future__ import annotations

import collections

import pglast
import pytest
from pglast import ast

import sql
from etl.domain import findings, flows
from tests.unit import mpan_core_lint


COLUMNS = {"rejections": "REJECTED", "warnings": "WARNING"}
JUDGING = [name for name in sql.names("transform") if "_judge_" in name or "_reject_" in name]
NUMBERS = {item.number for group in flows.GROUPS.values() for item in group.items}


def tokens(name: str) -> dict[str, set[str]]:
    """Return the codes that a step writes, with their items, by the column that it writes to."""
    parameters = collections.defaultdict[str, str](lambda: "NULL")
    found: dict[str, set[str]] = collections.defaultdict(set)
    for node in mpan_core_lint.nodes(
        pglast.parse_sql(sql.statement("transform", name) % parameters)[0].stmt
    ):
        if isinstance(node, ast.ResTarget) and node.name in COLUMNS:
            found[node.name] |= {
                str(constant.val.sval)
                for constant in mpan_core_lint.nodes(node.val)
                if isinstance(constant, ast.A_Const) and isinstance(constant.val, ast.String)
            }
    return {column: {text for text in texts if "-" in text} for column, texts in found.items()}


class TestFindings:
    @pytest.mark.parametrize("name", JUDGING)
    def test_that_a_step_names_are_those_of_the_catalogue(self, name: str) -> None:
        named = tokens(name)

        assert any(named.values())
        for column, texts in named.items():
            for text in texts - {"blank-padding"}:  # compared in the one, written in the other
                code, _, item = text.partition("/")
                assert findings.CATALOGUE[code].scope == "line"
                assert findings.CATALOGUE[code].severity == COLUMNS[column], text
                assert not item or item in NUMBERS

    def test_of_lines_are_all_named_by_a_step(self) -> None:
        named = {
            text.partition("/")[0]
            for name in JUDGING
            for texts in tokens(name).values()
            for text in texts
        }

        of_lines = {code for code, known in findings.CATALOGUE.items() if known.scope == "line"}
        # These come from a function: see tests/integration/test_functions.py.
        assert of_lines - named <= {"unterminated-line"}
        assert named <= of_lines
