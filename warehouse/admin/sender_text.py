"""What is wrong in a file as plain text: for its sender, who has the file and not these pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from warehouse import codes, models, words
from warehouse.queries import files


MOST_KINDS = 10
MOST_LINES = 5  # of each kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Text:
    """The text, and the meter points whose MPANs are in it."""

    text: str
    mpan_cores: Sequence[str]


def of(flow_file: models.FlowFile, kinds: Sequence[files.IssueKind]) -> Text:
    """Return the text, rejections first; of lines that were forgotten it says nothing."""
    shown = [
        (kind, issues)
        for kind, issues in files.first_issues(flow_file, kinds[:MOST_KINDS], most=MOST_LINES)
        if issues
    ]
    parts = [
        "\n".join(f"{term}: {value}" for term, value in _about(flow_file) if value),
        *("\n".join(_part(kind, issues)) for kind, issues in shown),
    ]
    if more := words.more(len(kinds), MOST_KINDS, len(kinds)):
        parts.append(f"{more} kinds of findings")
    values = [issue for _, issues in shown for issue in issues]
    return Text(
        text="\n\n".join(parts),
        mpan_cores=[issue.mpan_core for issue in values if issue.mpan_core in issue.value],
    )


def _about(flow_file: models.FlowFile) -> Iterator[tuple[str, str]]:
    made = flow_file.file_created_at
    yield "File", words.visible(flow_file.file_name)
    yield "File id", words.visible(flow_file.file_identifier)
    yield "Flow", words.visible(flow_file.flow)
    yield "Sender", words.visible(flow_file.sender)
    yield "Recipient", words.visible(flow_file.recipient)
    yield "Made", f"{words.clock_time(made)}, UK time" if made else ""
    yield "Lines", f"{flow_file.line_count:,}"
    yield "Outcome", words.outcome(flow_file)
    if flow_file.rejected_line_count:
        yield "Rejected lines", f"{flow_file.rejected_line_count:,}"


def _part(kind: files.IssueKind, issues: Sequence[models.LineIssue]) -> Iterator[str]:
    severity = codes.Severity(kind.severity).label.capitalize()
    item = f", {words.item(kind.item)}" if kind.item else ""
    among = f" among the first {kind.among:,} issues" if kind.among else ""
    times = "once" if kind.count == 1 else f"{kind.count:,} times"
    yield f"{severity}: {words.finding(kind.code)}{item}, {times}{among}"
    # The message names item and value, which stand here by themselves.
    expected = issues[0].message.rpartition(f"'{issues[0].value}': ")[2]
    yield f"{words.told(expected)[:1].upper()}{words.told(expected)[1:]}."
    for issue in issues:
        yield f"  line {issue.line_number}: {words.visible(issue.value) or 'nothing'}"
    if more := words.more(kind.count, len(issues), kind.count):
        yield f"  {more}"
