"""
Finds in a statement what tables that are spread over machines could not answer.

Rows of readings are spread by `mpan_core`: those of one meter point are together, and of no more
than that it is known. So each join of two of these tables, and each subquery that looks from rows
of one at rows of another, has to compare `mpan_core`; each window has to be within it, and each
unique key to hold it. Files and issues are in one place, and so is what is grouped by file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pglast
from pglast import ast, enums


KEY = "mpan_core"
SPREAD = frozenset(
    {
        *("staged_text", "meter_point", "meter", "register", "reading", "site_visit"),
        *("staged_line", "reading_standing", "reading_listing"),
    }
)
SPREAD_PREFIX = "judged_"  # temporary tables, of lines

_Ctes = Mapping[str, bool]  # whether their rows are spread
_Names = frozenset[str]  # tables of a query whose rows are spread, as it calls them


def problems(statement: str) -> list[str]:
    """Return what is wrong with a statement, a phrase each; any constant may stand for one."""
    (raw,) = pglast.parse_sql(statement)
    found: list[str] = []
    node: Any = raw.stmt
    if _kind(node) == "IndexStmt":
        keys = {part.name for part in node.indexParams}
        if node.unique and _is_spread_table(node.relation.relname) and KEY not in keys:
            found.append(f"a unique key of {node.relation.relname} without {KEY}")
    elif _kind(node) in {"ViewStmt", "CreateTableAsStmt"}:
        _Lint(found).query(node.query, {})
    elif _kind(node) in {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"}:
        _Lint(found).query(node, {})
    return found


class _Lint:
    def __init__(self, found: list[str]) -> None:
        self._found = found

    def query(self, node: Any, ctes: _Ctes) -> tuple[bool, _Names]:
        """Judge a query and its parts; tell whether its rows are spread, and which it reads."""
        if _kind(node) == "InsertStmt":
            return self.query(node.selectStmt, ctes)
        ctes = dict(ctes)
        for cte in node.withClause.ctes if node.withClause else ():
            ctes[cte.ctename], _ = self.query(cte.ctequery, ctes)
        if _kind(node) == "SelectStmt" and node.larg:
            left, left_names = self.query(node.larg, ctes)
            right, right_names = self.query(node.rarg, ctes)
            return left or right, left_names | right_names

        target = [] if _kind(node) == "SelectStmt" else [node.relation]
        read = node.usingClause if _kind(node) == "DeleteStmt" else node.fromClause
        parts = [self._names(part, ctes) for part in (*target, *(read or ()))]
        names = frozenset[str]().union(*parts)
        self._judge_commas(parts, _pairs(node.whereClause))
        for expression in _expressions(node):
            self._judge_expression(expression, names, ctes)
        if names:
            self._judge_windows(node)
            self._judge_columns(node)
        groups = getattr(node, "groupClause", None)
        is_whole = not groups or any(_column(group)[1] == KEY for group in groups)
        return bool(names) and is_whole, names

    def _names(self, part: Any, ctes: _Ctes) -> _Names:
        """Judge a part of FROM, and return those of its tables whose rows are spread."""
        if _kind(part) == "RangeVar":
            is_spread = ctes.get(part.relname, _is_spread_table(part.relname))
            name = part.alias.aliasname if part.alias else part.relname
            return frozenset([name] if is_spread else [])
        if _kind(part) == "RangeSubselect":
            is_spread, _ = self.query(part.subquery, ctes)
            return frozenset([part.alias.aliasname] if is_spread else [])
        if _kind(part) == "JoinExpr":
            left, right = self._names(part.larg, ctes), self._names(part.rarg, ctes)
            self._judge_expression(part.quals, left | right, ctes)
            is_by_key = any(column.sval == KEY for column in part.usingClause or ())
            if left and right and not is_by_key and not _joins(_pairs(part.quals), left, right):
                self._found.append(f"a join of {_list(left)} to {_list(right)} without {KEY}")
            return left | right
        return frozenset()

    def _judge_commas(self, parts: Sequence[_Names], pairs: Sequence[tuple[str, str]]) -> None:
        spread = [part for part in parts if part]
        joined = spread[0] if spread else frozenset()
        left = spread[1:]
        while reached := [part for part in left if _joins(pairs, joined, part)]:
            joined = joined.union(*reached)
            left = [part for part in left if part not in reached]
        for part in left:
            self._found.append(f"a join of {_list(joined)} to {_list(part)} without {KEY}")

    def _judge_expression(self, expression: Any, names: _Names, ctes: _Ctes) -> None:
        asked_for: dict[int, Any] = {}
        for node in nodes(expression):
            if _kind(node) == "A_Expr":
                # `x = any(array(SELECT …))` is an IN too, and comes before its subquery.
                asked_for[id(node.rexpr)] = node.lexpr
            elif _kind(node) == "SubLink":
                is_array = node.subLinkType == enums.SubLinkType.ARRAY_SUBLINK
                test = asked_for.get(id(node)) if is_array else node.testexpr
                self._judge_subquery(node.subselect, test, names, ctes)

    def _judge_subquery(self, query: Any, test: Any, names: _Names, ctes: _Ctes) -> None:
        is_spread, inner = self.query(query, ctes)
        if not (is_spread and names):
            return
        if test is not None:
            tested = test.args if _kind(test) == "RowExpr" else [test]
            selected = [column.val for column in query.targetList]
            is_by_key = any(
                _column(left)[1] == _column(right)[1] == KEY
                for left, right in zip(tested, selected, strict=True)
            )
        else:
            # One that names no row of the query is asked once, whatever the rows.
            is_of_rows = any(_column(node)[0] in names for node in nodes(query))
            is_by_key = not is_of_rows or _joins(_pairs(query.whereClause), names, inner)
        if not is_by_key:
            self._found.append(f"a subquery for {_list(names)} without {KEY}")

    def _judge_windows(self, node: Any) -> None:
        windows = list(getattr(node, "windowClause", None) or ())
        for expression in _expressions(node):
            windows += [
                call.over
                for call in nodes(expression)
                if _kind(call) == "FuncCall" and call.over and not call.over.name
            ]
        for window in windows:
            columns = [_column(part)[1] for part in window.partitionClause or ()]
            if KEY not in columns and not window.refname:
                self._found.append(f"a window without {KEY}")

    def _judge_columns(self, node: Any) -> None:
        if _kind(node) != "SelectStmt":
            return
        for column in node.targetList or ():
            if column.name == KEY:
                sources = getattr(column.val, "args", None) or [column.val]
                if any(_column(source)[1] != KEY for source in sources):
                    self._found.append(f"a column that is called {KEY} and is none")


def _kind(node: Any) -> str:
    return type(node).__name__


def _is_spread_table(name: str) -> bool:
    return name in SPREAD or name.startswith(SPREAD_PREFIX)


def _expressions(node: Any) -> Iterator[Any]:
    for place in ("targetList", "whereClause", "groupClause", "havingClause", "sortClause"):
        yield getattr(node, place, None)


def nodes(within: Any) -> Iterator[Any]:
    """Yield all nodes of an expression or query; those of a subquery come with it alone."""
    if isinstance(within, tuple | list):
        for part in within:
            yield from nodes(part)
    elif isinstance(within, ast.Node):
        yield within
        for name in within:
            if not (_kind(within) == "SubLink" and name == "subselect"):
                yield from nodes(getattr(within, name))


def _pairs(condition: Any) -> Sequence[tuple[str, str]]:
    """Return the tables whose keys a condition demands to be equal."""
    if _kind(condition) == "BoolExpr" and condition.boolop == enums.BoolExprType.AND_EXPR:
        return [pair for part in condition.args for pair in _pairs(part)]
    if _kind(condition) == "A_Expr" and condition.kind == enums.A_Expr_Kind.AEXPR_OP:
        (left, left_name), (right, right_name) = _column(condition.lexpr), _column(condition.rexpr)
        if condition.name[-1].sval == "=" and left_name == right_name == KEY:
            return [(left, right)]
    return []


def _joins(pairs: Sequence[tuple[str, str]], left: _Names, right: _Names) -> bool:
    return any(
        (one in left and other in right) or (one in right and other in left)
        for one, other in pairs
    )


def _column(node: Any) -> tuple[str, str]:
    """Return the table and the column that a node names, as far as it does."""
    if _kind(node) != "ColumnRef":
        return "", ""
    names = [getattr(field, "sval", "*") for field in node.fields]
    return ("", names[0]) if len(names) == 1 else (names[-2], names[-1])


def _list(names: _Names) -> str:
    return " and ".join(sorted(names))
