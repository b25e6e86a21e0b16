"""Turn staged lines into readings, whoever staged them and whenever."""

from __future__ import annotations

import datetime
import itertools
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django import db
from django.db.models import QuerySet, Sum

from etl.domain import clock, findings, flows
from etl.postgres import advice, rows, staged_lines, steps, transactions
from etl.usecases import chunks, outcomes
from warehouse import codes, keys, models


logger = logging.getLogger(__name__)

# Lines of other files that lie between two of a chunk are read past, so few of those may be.
_FILES_BETWEEN = 16

# What the data of a file can bring about; anything else is not the file's fault.
FAULTS_OF_A_FILE = (db.DataError, db.IntegrityError, db.InternalError, db.NotSupportedError)


class StagedFile(NamedTuple):
    """What is asked of a staged file before its lines are transformed."""

    id: int
    status: str
    flow: str
    file_created_at: datetime.datetime
    line_count: int
    blank_line_count: int
    meter_point_line_count: int
    meter_line_count: int
    reading_count: int


def transform_pending(*, transformed_at: datetime.datetime) -> Iterator[outcomes.FileReport]:
    """
    Transform all files that are staged and not yet transformed; yield each when it is done.

    Files that another process is transforming at the moment are left to it.

    :raises django.db.OperationalError: if the server goes away; what is not done stays staged
    """
    every = models.FlowFile.objects.all()
    for flow_files in transform_waiting(every, transformed_at=transformed_at):
        yield from outcomes.reports(
            outcomes.Presented(flow_file=flow_file, path=flow_file.file_name)
            for flow_file in flow_files
        )


def transform_waiting(
    flow_files: QuerySet[models.FlowFile], *, transformed_at: datetime.datetime
) -> Iterator[Sequence[outcomes.FileState]]:
    """
    Transform those of the files that are staged and not yet transformed, some at a time.

    Yield each chunk when it is done. Files that another process is transforming at the moment
    are left to it.

    :raises django.db.OperationalError: if the server goes away; what is not done stays staged
    """
    staged = flow_files.filter(status=codes.FlowFileStatus.STAGED).only("line_count")
    for chunk in chunks.of(staged):
        ids = [flow_file.pk for flow_file in chunk]
        prepare(ids)
        yield transform_files(flow_file_ids=ids, transformed_at=transformed_at, skip_locked=True)


def prepare(flow_file_ids: Collection[int]) -> None:
    """Tell the planner of the lines of these files, if they are many, before the transform."""
    staged = models.FlowFile.objects.filter(rows.among("id", flow_file_ids))
    line_count = staged.aggregate(total=Sum("line_count"))["total"] or 0
    # Below this the planner is not asked how to join; see the steps.
    if line_count >= steps.LINES_WORTH_A_SCAN:
        transactions.commit(staged_lines.analyze)


def transform_files(
    *,
    flow_file_ids: Sequence[int],
    transformed_at: datetime.datetime,
    skip_locked: bool = False,
) -> Sequence[outcomes.FileState]:
    """
    Transform these files together, in one transaction, and return them as they are then.

    They have been prepared by `prepare`. A file that another process has transformed meanwhile is
    returned as that one left it. If the files can't be transformed for a reason that lies in one
    of them, they are taken apart until that one stands alone: it is marked as failed, and the
    others are transformed.

    :raises django.db.OperationalError: if the server goes away; what is not done stays staged
    """
    tries = itertools.count()

    def work(run: Sequence[int]) -> Sequence[outcomes.FileState]:
        transactions.take_turn(alone=next(tries) > 0)
        return _transform(run, transformed_at, skip_locked=skip_locked)

    return [
        flow_file
        for run in runs(flow_file_ids)
        for flow_file in transactions.commit_apart(
            run, work, blamed=FAULTS_OF_A_FILE, on_blame=_mark_failed
        )
    ]


def runs(flow_file_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield files, by their ids, between which there are few others."""
    start = 0
    for index in range(1, len(flow_file_ids) + 1):
        is_last = index == len(flow_file_ids)
        if is_last or flow_file_ids[index] - flow_file_ids[index - 1] > _FILES_BETWEEN:
            yield flow_file_ids[start:index]
            start = index


def _transform(
    flow_file_ids: Sequence[int], transformed_at: datetime.datetime, *, skip_locked: bool
) -> Sequence[outcomes.FileState]:
    files = models.FlowFile.objects.filter(rows.among("id", flow_file_ids)).order_by("id")
    locked = files.select_for_update(skip_locked=skip_locked, no_key=True)
    claimed = [
        flow_file
        for flow_file in rows.select(StagedFile, locked)
        if flow_file.status == codes.FlowFileStatus.STAGED
    ]
    if claimed:
        steps.run_transform(
            parameters(claimed, transformed_at),
            line_count=sum(flow_file.line_count for flow_file in claimed),
        )
    if skip_locked:
        files = files.filter(rows.among("id", [flow_file.id for flow_file in claimed]))
    return rows.select(outcomes.FileState, files)


def parameters(
    flow_files: Sequence[StagedFile], transformed_at: datetime.datetime
) -> Mapping[str, Any]:
    """Return what the steps are to be told about these files, which are in the order of ids."""
    ids = {flow_file.id for flow_file in flow_files}
    first, last = flow_files[0].id, flow_files[-1].id
    found = findings.CATALOGUE.values()
    made = {flow_file.id: flow_file.file_created_at for flow_file in flow_files}
    first_stretch, last_stretch = staged_lines.stretches(first, last)
    return {
        "flow_file_ids": sorted(ids),
        "first_file_id": first,
        "stated_ats": rows.array([made.get(number) for number in range(first, last + 1)]),
        "first_stretch": first_stretch,
        "last_stretch": last_stretch,
        # What is left out, since the planner has no idea how much a list of files leaves in.
        "other_file_ids": [other for other in range(first, last) if other not in ids],
        "has_other_lines": any(map(_has_other_lines, flow_files)),
        "staged_line_count": sum(one.line_count - one.blank_line_count for one in flow_files),
        "transformed_at": transformed_at,
        "time_zone": clock.TIME_ZONE,
        "blanks": keys.BLANKS,
        "codes": [finding.code for finding in found],
        "severities": [finding.severity for finding in found],
        "expectations": [finding.expectation for finding in found],
        **flows.parameters({flow_file.id: flow_file.flow for flow_file in flow_files}),
    }


def _has_other_lines(flow_file: StagedFile) -> bool:
    """Tell whether a staged file holds more than header, trailer, and lines of three groups."""
    counted = (
        flow_file.meter_point_line_count + flow_file.meter_line_count + flow_file.reading_count
    )
    return counted + 2 != flow_file.line_count - flow_file.blank_line_count


def _mark_failed(flow_file_id: int, error: Exception) -> outcomes.FileState:
    reason = f"could not be transformed: {advice.first_line(error)}"
    logger.error("flow file %d %s", flow_file_id, reason)

    def mark() -> outcomes.FileState:
        flow_files = models.FlowFile.objects.filter(id=flow_file_id)
        flow_files.filter(status=codes.FlowFileStatus.STAGED).update(
            status=codes.FlowFileStatus.FAILED, reason=reason, **models.FlowFile.counts_of({})
        )
        return rows.select(outcomes.FileState, flow_files)[0]

    return transactions.commit(mark)
