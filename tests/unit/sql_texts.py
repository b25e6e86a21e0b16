"""Reads what a statement says: its constants, its parameters, the outcomes of its cases."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pglast
from pglast import ast, visitors


class Case(NamedTuple):
    """What a CASE gives, and the texts and parameters of the condition for that."""

    outcome: str
    condition: Sequence[str]


class Call(NamedTuple):
    """A call of a function by its arguments that are constants, and the column that it gives."""

    name: str
    arguments: Sequence[str]
    column: str


class _Names(collections.defaultdict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"'{key}'"


class Parsed(visitors.Visitor):
    """
    A statement as PostgreSQL parses it, with its name in the place of each parameter.

    `texts` are all its constants, numbers among them.
    """

    def __init__(self, statement: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.cases: list[Case] = []
        self.calls: list[Call] = []
        self._column = ""
        has_parameters = "%(" in statement
        tree = pglast.parse_sql(statement % _Names() if has_parameters else statement)
        self(tree)

    def visit_A_Const(self, _: Any, node: ast.A_Const) -> None:  # noqa: N802 - pglast's name
        self.texts.append(_text(node))

    def visit_CaseWhen(self, _: Any, node: ast.CaseWhen) -> None:  # noqa: N802 - the same
        if isinstance(node.result, ast.A_Const):
            self.cases.append(Case(_text(node.result), [*_texts(node.expr)]))

    def visit_ResTarget(self, _: Any, node: ast.ResTarget) -> None:  # noqa: N802 - the same
        for call in _nodes(node.val):
            if isinstance(call, ast.FuncCall):
                arguments = [
                    _text(each) for each in call.args or () if isinstance(each, ast.A_Const)
                ]
                self.calls.append(Call((call.funcname or ())[-1].sval, arguments, node.name or ""))


def _nodes(within: Any) -> Iterator[Any]:
    """Yield the nodes of an expression, but for those of a query in it."""
    if isinstance(within, tuple | list):
        for part in within:
            yield from _nodes(part)
    elif isinstance(within, ast.Node) and not isinstance(within, ast.SelectStmt):
        yield within
        for name in within:
            yield from _nodes(getattr(within, name))


def _texts(within: Any) -> Iterator[str]:
    return (_text(node) for node in _nodes(within) if isinstance(node, ast.A_Const))


def _text(constant: ast.A_Const) -> str:
    value = constant.val
    return str(value.sval if isinstance(value, ast.String) else getattr(value, "ival", ""))
