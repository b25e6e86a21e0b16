"""Load flow files: look at each, stage what is new, transform it; one outcome a file."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence

from etl.intake import sources
from etl.postgres import advice, background, transactions
from etl.usecases import outcomes, stage, transform
from warehouse import codes, models


# A chunk is staged by one COPY and transformed by one run of the steps. Beyond these sizes the
# cost of a file falls no further, and memory and the work that a kill costs would grow.
FILES_A_CHUNK = 1_000
BYTES_A_CHUNK = 4_194_304
# The first is an eighth of that, the next a quarter, so that the server soon has work.
FIRST_SHARE = 8

_FAULTS_OF_A_FILE = (*transform.FAULTS_OF_A_FILE, stage.ContentChangedError, OSError)


def load_files(
    *,
    arrivals: Sequence[sources.Arrival],
    rules: stage.Rules,
    delivered_at: datetime.datetime,
    in_batch: bool,
    stage_only: bool,
    is_dry_run: bool = False,
    on_progress: Callable[[int, int], object],
) -> Generator[outcomes.FileReport, None, None]:
    """
    Load the files, each whole or not at all, and yield what became of each when it is known.

    In a batch many files share a transaction for staging and one for transforming; else each has
    its own. While the server transforms a chunk, the next one is staged. `on_progress` is told
    the bytes and the lines that have been dealt with. A dry run does all of that, one after the
    other, and undoes it in the end.

    :raises django.db.OperationalError: if the server goes away; what is staged by then is
        finished by `transform_pending`, or by loading the same files again
    """
    stage_together = functools.partial(
        stage.stage_contents,
        rules=rules,
        delivered_at=delivered_at,
        on_progress=on_progress,
        stage_only=stage_only,
    )
    before = _Chunk()
    with contextlib.ExitStack() as stack:
        if is_dry_run:
            stack.enter_context(transactions.rehearsed())
        other_connection = stack.enter_context(background.Background())
        for items, is_last in _chunks(arrivals, in_batch=in_batch):
            told = _stage(items, rules, stage_together, delivered_at)
            chunk = _Chunk(told=told, in_flight=before.pending)
            if not stage_only:
                # Here and not there, where the server still transforms the chunk before.
                transform.prepare(chunk.pending)
                work = functools.partial(_transform, chunk.pending, delivered_at)
                # A single one leaves nothing to do beside it, and another connection would see
                # nothing of a dry run.
                is_alone = is_dry_run or (is_last and not before.told)
                done = work if is_alone else other_connection.submit(work).result
                chunk = dataclasses.replace(chunk, transformed=done)
            # After that, so that the server goes on while this one is reported.
            yield from _reports(before, delivered_at)
            before = chunk
        yield from _reports(before, delivered_at)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Chunk:
    """
    Files that are dealt with together: what staging told each, or the report of one that failed.

    In flight are, by id, the flow files that the chunk before transforms. `transformed` returns
    by id those of this one, as they are after that.
    """

    told: Sequence[stage.Verdict | outcomes.FileReport] = ()
    in_flight: Collection[int] = ()
    transformed: Callable[[], Mapping[int, outcomes.FileState]] = dict

    @property
    def pending(self) -> Sequence[int]:
        """The ids of the flow files that are to be transformed."""
        flow_files = [one.flow_file for one in self.told if isinstance(one, stage.Verdict)]
        staged = {one.id for one in flow_files if one.status == codes.FlowFileStatus.STAGED}
        return sorted(staged)


def _chunks(
    arrivals: Sequence[sources.Arrival], *, in_batch: bool
) -> Iterator[tuple[Sequence[sources.Source | outcomes.FileReport], bool]]:
    """Yield chunks of files, and whether it is the last one."""
    chunk: list[sources.Source | outcomes.FileReport] = []
    size = 0
    share = FIRST_SHARE
    for number, arrival in enumerate(arrivals, start=1):
        is_last = number == len(arrivals)
        try:
            source = sources.Source(arrival)
        except sources.UnreadableError as error:
            chunk.append(outcomes.failed(arrival.place or arrival.path, str(error)))
        else:
            chunk.append(source)
            size += source.size
        is_full = size * share >= BYTES_A_CHUNK or len(chunk) * share >= FILES_A_CHUNK
        if is_full or is_last or not in_batch:
            yield chunk, is_last
            chunk, size = [], 0
            share = max(1, share // 2)


def _stage(
    items: Sequence[sources.Source | outcomes.FileReport],
    rules: stage.Rules,
    stage_together: Callable[[Sequence[stage.Content]], Sequence[stage.Verdict | stage.ComeAgain]],
    decided_at: datetime.datetime,
) -> Sequence[stage.Verdict | outcomes.FileReport]:
    """
    Stage what could be opened, and return what was told to each, in the order of the items.

    What was told to come again does so when the strict files that hold its file id are decided.
    """
    opened = [item for item in items if isinstance(item, sources.Source)]
    with contextlib.ExitStack() as stack:
        for source in opened:
            stack.callback(source.close)
        known = stage.known_hashes([source.sha256 for source in opened])
        read = {place: _read(item, rules, known) for place, item in enumerate(items)}
        told: dict[int, stage.Verdict | outcomes.FileReport] = {
            place: one for place, one in read.items() if not isinstance(one, stage.Content)
        }
        while contents := {
            place: one
            for place, one in read.items()
            if isinstance(one, stage.Content) and place not in told
        }:
            answers = transactions.commit_apart(
                [*contents.values()], stage_together, blamed=_FAULTS_OF_A_FILE, on_blame=_blame
            )
            holders = set()
            for place, answer in zip(contents, answers, strict=True):
                if isinstance(answer, stage.ComeAgain):
                    holders.add(answer.holder.id)
                else:
                    told[place] = answer
            if holders:
                transform.prepare(holders)
                _transform(sorted(holders), decided_at)
    return [told[place] for place in range(len(items))]


def _read(
    item: sources.Source | outcomes.FileReport, rules: stage.Rules, known: Collection[str]
) -> stage.Content | outcomes.FileReport:
    if isinstance(item, outcomes.FileReport):
        return item
    try:
        return stage.read(item, rules=rules, known=known)
    except OSError as error:
        return outcomes.failed(item.path, error.strerror or str(error))


def _blame(content: stage.Content, error: Exception) -> outcomes.FileReport:
    return outcomes.failed(content.source.path, advice.first_line(error))


def _transform(
    flow_file_ids: Sequence[int], transformed_at: datetime.datetime
) -> Mapping[int, outcomes.FileState]:
    transformed = transform.transform_files(
        flow_file_ids=flow_file_ids, transformed_at=transformed_at
    )
    return {flow_file.id: flow_file for flow_file in transformed}


def _reports(chunk: _Chunk, delivered_at: datetime.datetime) -> Iterator[outcomes.FileReport]:
    """Join what was told to each file with what became of it."""
    transformed = chunk.transformed()
    presented = {*chunk.in_flight}
    joined = []
    for verdict in chunk.told:
        if isinstance(verdict, stage.Verdict):
            flow_file_id = verdict.flow_file.id
            flow_file = transformed.get(flow_file_id)
            joined.append(
                outcomes.Presented(
                    path=verdict.path,
                    flow_file=flow_file or verdict.flow_file,
                    is_duplicate=flow_file_id in presented
                    or (
                        _is_of_another(flow_file, delivered_at)
                        if flow_file
                        else not verdict.is_new
                    ),
                )
            )
            presented.add(flow_file_id)
    reports = outcomes.reports(joined)
    for one in chunk.told:
        yield one if isinstance(one, outcomes.FileReport) else next(reports)


def _is_of_another(flow_file: outcomes.FileState, delivered_at: datetime.datetime) -> bool:
    """
    Tell whether another process transformed this file, and is to report it.

    It is another loader's, which has noted its delivery, while `transform_pending` only finishes
    what somebody else has brought.
    """
    deliveries = models.Delivery.objects.filter(flow_file=flow_file.id)
    return (
        flow_file.transformed_at != delivered_at
        and deliveries.exclude(delivered_at=delivered_at).exists()
    )
