"""What the steps say of a line is what the grammar says of its group and items."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from etl.domain import flows, grammar
from tests import builder, conftest, depth
from warehouse import models


Issue = tuple[str, str, str]  # severity, code, item
REJECTED, WARNING = "REJECTED", "WARNING"
BAD = {"DATETIME": "bad-date", "NUM(3)": "bad-number", "NUM(9,1)": "bad-number"}
# Wrong by their format, each at its edge.
MISFITS = {
    "DATETIME": ("x", "20240230000000", "202401150000000"),
    "NUM(3)": ("x", "-1", "1000"),
    "NUM(9,1)": ("x", "-1.0", "100000000.0"),
    "NUM(13)": ("x", "120002330596", "12000233059670"),
}
# What mirrors D0010 is judged by the same statements, so that only a thorough run tries it.
FLOWS = [
    pytest.param(flow, id=flow.name, marks=[pytest.mark.thorough] * (flow.name != "D0010"))
    for flow in flows.KNOWN.values()
]
GROUPS = [
    pytest.param(
        flow,
        group,
        id=f"{flow.name} {group.kind}",
        marks=[pytest.mark.thorough] * (flow.name != "D0010"),
    )
    for flow in flows.KNOWN.values()
    for group in flow.groups
]


def items_of(flow: grammar.Flow) -> Iterator[tuple[grammar.Group, grammar.Item]]:
    return ((group, item) for group in flow.groups for item in group.items)


def longest(item: grammar.Item) -> int:
    """Return how many characters an item may have, none where its format says more than that."""
    return item.longest if item.format == "BOOLEAN" or item.format.startswith("CHAR") else 0


def good(item: grammar.Item) -> str:
    """Return a value that an item may have, as long as it may be."""
    of_format = {
        "DATETIME": "20240115000000",
        "NUM(3)": "999",
        "NUM(9,1)": "99999999.9",
        "NUM(13)": builder.MPAN,
    }
    return max(item.valid_set, default="") or of_format.get(item.format) or "A" * longest(item)


def line(group: grammar.Group, **values: str) -> str:
    """Return a good line of a group, but for these items."""
    fields = [values.get(item.number, good(item)) for item in group.items]
    return "".join(f"{field}|" for field in (group.code, *fields))


def chain(flow: grammar.Flow, group: grammar.Group) -> Sequence[str]:
    """Return a good line for each group that this one stands under."""
    if group.parent is None:
        return []
    parent = flow.by_code[group.parent]
    return [*chain(flow, parent), line(parent)]


def flow_file(flow: grammar.Flow, texts: Sequence[str]) -> bytes:
    """Return a file of the latest version."""
    return builder.flow_file(texts, flow=f"{flow.name}{flow.versions[-1]}")


def missing(item: grammar.Item) -> Iterator[tuple[str, set[Issue]]]:
    expected = {(REJECTED, "missing-item", item.number)} if item.is_mandatory else set()
    if item.number == "J0332":  # no rejection: the result is known, and that is what counts
        expected = {(WARNING, "missing-reason", item.number)}
    yield from ((value, expected) for value in ("", " ", "\t", "\u200b"))


def unknown(item: grammar.Item) -> Iterator[tuple[str, set[Issue]]]:
    if item.valid_set:
        yield "?" * longest(item), {(WARNING, "unknown-code", item.number)}
    yield from ((code, set()) for code in item.valid_set if (item.number, code) != ("J0045", "F"))


def unfit(item: grammar.Item) -> Iterator[tuple[str, set[Issue]]]:
    code = "bad-mpan" if item.number == "J0003" else BAD.get(item.format, "")
    for value in MISFITS.get(item.format, ()):
        yield value, {(REJECTED, code, item.number)}
    if longest(item):
        yield "A" * (longest(item) + 1), {(REJECTED, "too-long", item.number)}


def found() -> Mapping[int, set[Issue]]:
    issues = collections.defaultdict(set)
    for issue in models.LineIssue.objects.all():
        issues[issue.line_number].add((issue.severity, issue.code, issue.item))
    return issues


@pytest.mark.django_db(transaction=True)
class TestGrammar:
    @pytest.mark.parametrize("flow", FLOWS)
    @pytest.mark.parametrize(
        "deviations", [missing, unknown, unfit], ids=lambda made: made.__name__
    )
    def test_says_what_is_wrong_with_an_item(
        self,
        run: conftest.Run,
        write: conftest.Write,
        deviations: Callable[[grammar.Item], Iterator[tuple[str, set[Issue]]]],
        flow: grammar.Flow,
    ) -> None:
        texts: list[str] = []
        expected: dict[int, set[Issue]] = {}
        for group, item in items_of(flow):
            for value, issues in deviations(item):
                texts += [*chain(flow, group), line(group, **{item.number: value})]
                expected[len(texts) + 1] = issues

        run("load_flows", write(flow_file(flow, texts)))

        found_issues = found()
        for number, of_line in expected.items():
            # A code that is too long is not known either.
            is_rejected = any(severity == REJECTED for severity, _, _ in of_line)
            judged = {
                each for each in found_issues[number] if not is_rejected or each[0] == REJECTED
            }
            assert judged == of_line, texts[number - 2]
        assert {number for number, of_line in found_issues.items() if of_line} <= expected.keys()
        assert run("reconcile").code == 0

    @pytest.mark.parametrize(("flow", "group"), depth.some([*GROUPS], one_of=2))
    def test_says_where_a_line_ends(
        self, run: conftest.Run, write: conftest.Write, flow: grammar.Flow, group: grammar.Group
    ) -> None:
        whole = line(group)
        ends: Mapping[str, set[Issue]] = {
            whole: set(),
            whole[:-1]: {(REJECTED, "unterminated-line", "")},
            f"{whole}x|": {(REJECTED, "extra-field", "")},
            # However many: what tells a usual line by the number of its pipes must not be misled.
            **{whole + count * "|": {(WARNING, "blank-padding", "")} for count in range(1, 12)},
        }
        texts: list[str] = []
        expected: dict[int, set[Issue]] = {}
        for text, issues in ends.items():
            texts += [*chain(flow, group), text]
            expected[len(texts) + 1] = issues

        run("load_flows", write(flow_file(flow, texts)))

        found_issues = found()
        assert {number: found_issues[number] for number in expected} == expected
        assert run("reconcile").code == 0

    @pytest.mark.parametrize(("flow", "group"), depth.some([*GROUPS], one_of=2))
    def test_says_how_often_a_group_comes(
        self, run: conftest.Run, write: conftest.Write, flow: grammar.Flow, group: grammar.Group
    ) -> None:
        texts = [*chain(flow, group), line(group), line(group)]

        run("load_flows", write(flow_file(flow, texts)))

        expected = {(REJECTED, "repeated-group", "")} if group.is_single else set()
        assert found()[len(texts) + 1] == expected
