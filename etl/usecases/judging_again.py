"""Judge lines once more, and compare the issues that they have with those that they would get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl.domain import findings, grammar
from etl.models import StagedLine
from etl.postgres import rows, steps, transactions
from etl.usecases import chunks, differences, transform
from warehouse import keys, models


_FILE_KINDS = ("", *grammar.ENVELOPE_KINDS.values())


def compare(first_file_id: int, last_file_id: int) -> Iterator[differences.Difference]:
    """
    Yield what is different, each chunk of files by a transaction of its own.

    Lines are judged by the rules and in the words of the program that runs.

    :raises django.db.Error: if the server takes no temporary tables, as a replica does not
    """
    files = models.FlowFile.objects.filter(id__range=(first_file_id, last_file_id))
    yield from _compare_words(first_file_id, last_file_id)
    kept = files.filter(purged_at=None, transformed_at__isnull=False)
    for chunk in chunks.of(kept):
        for run in transform.runs([flow_file.pk for flow_file in chunk]):
            yield from _compare_lines([one for one in chunk if one.pk in {*run}])


def _compare_words(first_file_id: int, last_file_id: int) -> Iterator[differences.Difference]:
    """Yield issues of files as a whole that contradict themselves; their bytes are not kept."""
    issues = models.LineIssue.objects.filter(
        flow_file_id__gte=first_file_id, flow_file_id__lte=last_file_id, kind__in=_FILE_KINDS
    )
    ordered = issues.select_related("flow_file").order_by("flow_file_id", "line_number", "id")
    for issue in ordered.iterator():
        if not (_is_consistent(issue) and _is_at_its_line(issue)):
            yield differences.unexpected(
                issue.flow_file_id,
                f"issues that contradict themselves, first at line {issue.line_number}",
            )


def _is_consistent(issue: models.LineIssue) -> bool:
    finding = findings.CATALOGUE.get(issue.code)
    is_told = not (issue.item or issue.value) or f"'{issue.value}'" in issue.message
    return (
        finding is not None
        and issue.severity == finding.severity
        and finding.expectation in issue.message
        and issue.message.startswith(issue.item)
        and issue.mpan_core == ""
        and is_told
    )


def _is_at_its_line(issue: models.LineIssue) -> bool:
    flow_file = issue.flow_file
    has_lines = flow_file.purged_at is None and flow_file.transformed_at is not None
    if not (has_lines and issue.kind):
        return True
    line_id = flow_file.pk << 32 | issue.line_number
    lines = StagedLine.objects.filter(stretch=keys.stretch(line_id), id=line_id, kind=issue.kind)
    return lines.exists()


def _compare_lines(flow_files: Sequence[models.FlowFile]) -> Iterator[differences.Difference]:
    first_time = min(one.transformed_at for one in flow_files if one.transformed_at)
    files = models.FlowFile.objects.filter(rows.among("id", [one.pk for one in flow_files]))
    with transactions.reading():
        staged = rows.select(transform.StagedFile, files.order_by("id"))
        parameters = transform.parameters(staged, first_time)
        found = steps.compare_issues(
            parameters, line_count=sum(flow_file.line_count for flow_file in flow_files)
        )
    for row in found:
        yield differences.Difference(**row)
