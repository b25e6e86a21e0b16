"""Load flow files: look at each, stage what is new, transform it; one outcome a file."""

from __future__ import annotations

import contextlib
import datetime
import functools
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent import futures

from etl.intake import sources
from etl.postgres import advice, background, transactions
from etl.usecases import outcomes, stage, transform
from warehouse import codes


# A chunk is staged by one COPY and transformed by one run of the steps. Beyond these sizes the
# cost of a file falls no further, and memory and the work that a kill costs would grow.
FILES_A_CHUNK = 1_500
BYTES_A_CHUNK = 4_194_304
# The first is an eighth of that, the next a quarter, so that the server soon has work.
FIRST_SHARE = 8


def load_files(
    *,
    arrivals: Iterable[sources.Arrival],
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
    before = _Chunk([])
    with contextlib.ExitStack() as stack:
        if is_dry_run:
            stack.enter_context(transactions.rehearsed())
        other_connection = stack.enter_context(background.Background())
        for items, is_last in _chunks(arrivals, in_batch=in_batch):
            chunk = _Chunk(items)
            chunk.stage(
                rules,
                delivered_at,
                on_progress,
                in_flight=before.waiting,
                stage_only=stage_only,
            )
            if not stage_only:
                # Here and not there, where the server still transforms the chunk before.
                transform.prepare(chunk.waiting)
                work = functools.partial(chunk.transform, delivered_at)
                # A single one leaves nothing to do beside it, and another connection would see
                # nothing of a dry run.
                if is_dry_run or (is_last and before.transformed is None):
                    work()
                else:
                    chunk.transformed = other_connection.submit(work)
            # After that, so that the server goes on while this one is reported.
            yield from before.reports()
            before = chunk
        yield from before.reports()


class _Chunk:
    """Files that are dealt with together, and what could not be opened between them."""

    def __init__(self, items: Sequence[sources.Source | outcomes.FileReport]) -> None:
        self._items = items
        self._contents: Sequence[stage.Content] = ()
        self.transformed: futures.Future[None] | None = None

    @property
    def waiting(self) -> Collection[int]:
        """The ids of the flow files that are to be transformed."""
        return {
            content.flow_file.pk
            for content in self._contents
            if not content.failure and content.flow_file.status == codes.FlowFileStatus.STAGED
        }

    def stage(
        self,
        rules: stage.Rules,
        delivered_at: datetime.datetime,
        on_progress: Callable[[int, int], object],
        *,
        in_flight: Collection[int],
        stage_only: bool,
    ) -> None:
        readable = [item for item in self._items if isinstance(item, sources.Source)]
        with contextlib.ExitStack() as stack:
            for source in readable:
                stack.callback(source.close)
            known = stage.known_hashes([source.sha256 for source in readable])
            self._contents = [
                stage.Content(source, rules=rules, known=known) for source in readable
            ]
            readable_twice = [content for content in self._contents if not content.failure]
            _stage(readable_twice, delivered_at, on_progress, stage_only=stage_only)
        for content in self._contents:
            content.forget_envelope()
            if not content.failure and content.flow_file.pk in in_flight:
                content.is_repeat = True

    def transform(self, transformed_at: datetime.datetime) -> None:
        waiting = self.waiting
        transformed = {
            flow_file.pk: flow_file
            for flow_file in transform.transform_files(
                flow_file_ids=sorted(waiting), transformed_at=transformed_at
            )
        }
        for content in self._contents:
            if not content.failure and content.flow_file.pk in transformed:
                content.flow_file = transformed[content.flow_file.pk]
                if content.flow_file.transformed_at != transformed_at:
                    content.is_repeat = _is_brought_by_another(content, transformed_at)

    def reports(self) -> Iterator[outcomes.FileReport]:
        """Yield what became of each file, as soon as it is known."""
        if self.transformed:
            self.transformed.result()
        flow_files = [content.flow_file for content in self._contents if not content.failure]
        findings = outcomes.count_findings(flow_files)
        refusals = outcomes.find_refusals(flow_files)
        reports = {
            id(content.source): _report(content, findings, refusals) for content in self._contents
        }
        for item in self._items:
            yield item if isinstance(item, outcomes.FileReport) else reports[id(item)]


def _chunks(
    arrivals: Iterable[sources.Arrival], *, in_batch: bool
) -> Iterator[tuple[Sequence[sources.Source | outcomes.FileReport], bool]]:
    """Yield chunks of files, and whether it is the last one."""
    chunk: list[sources.Source | outcomes.FileReport] = []
    size = 0
    share = FIRST_SHARE
    for arrival, is_last in _with_last(arrivals):
        try:
            source = sources.Source(arrival)
        except sources.UnreadableError as error:
            failed = outcomes.Outcome.FAILED
            place = arrival.place or arrival.path
            chunk.append(outcomes.FileReport(path=place, outcome=failed, reason=str(error)))
        else:
            chunk.append(source)
            size += source.size
        is_full = size * share >= BYTES_A_CHUNK or len(chunk) * share >= FILES_A_CHUNK
        if is_full or is_last or not in_batch:
            yield chunk, is_last
            chunk, size = [], 0
            share = max(1, share // 2)


def _with_last(
    arrivals: Iterable[sources.Arrival],
) -> Iterator[tuple[sources.Arrival, bool]]:
    iterator = iter(arrivals)
    arrival = next(iterator, None)
    while arrival is not None:
        following = next(iterator, None)
        yield arrival, following is None
        arrival = following


def _stage(
    contents: Sequence[stage.Content],
    delivered_at: datetime.datetime,
    on_progress: Callable[[int, int], object],
    *,
    stage_only: bool,
) -> None:
    """
    Stage them together; if one can't be, take them apart until that one stands alone.

    One that wants the file id of a strict file comes after that is transformed, since the file id
    is free again if it was refused.
    """
    again = functools.partial(
        _stage, delivered_at=delivered_at, on_progress=on_progress, stage_only=stage_only
    )
    while contents:
        work = functools.partial(
            stage.stage_contents,
            contents=contents,
            delivered_at=delivered_at,
            on_progress=on_progress,
            stage_only=stage_only,
        )
        try:
            transactions.commit(work)
        except stage.UndecidedFileIdError as undecided:
            if undecided.holder_id is None:
                place = contents.index(undecided.content)
                again(contents[:place])
                contents = contents[place:]
            else:
                holder = [undecided.holder_id]
                transform.prepare(holder)
                transform.transform_files(flow_file_ids=holder, transformed_at=delivered_at)
        except (*transform.FAULTS_OF_A_FILE, stage.ContentChangedError, OSError) as error:
            if len(contents) == 1:
                contents[0].failure = advice.first_line(error)
                return
            middle = len(contents) // 2
            again(contents[:middle])
            contents = contents[middle:]
        else:
            return


def _is_brought_by_another(content: stage.Content, delivered_at: datetime.datetime) -> bool:
    """
    Tell whether what another process transformed is that one's to report.

    It is that of another loader, which has noted its delivery, while `transform_pending` only
    finishes what somebody else has brought.
    """
    return content.flow_file.deliveries.exclude(delivered_at=delivered_at).exists()


def _report(
    content: stage.Content,
    findings: Mapping[int, Mapping[str, int]],
    refusals: Mapping[int, outcomes.Refusal],
) -> outcomes.FileReport:
    path = content.source.path
    if content.failure:
        return outcomes.FileReport(
            path=path, outcome=outcomes.Outcome.FAILED, reason=content.failure
        )
    is_waiting = content.flow_file.status == codes.FlowFileStatus.STAGED and not content.is_new
    return outcomes.report_of(
        content.flow_file,
        path=path,
        findings=findings.get(content.flow_file.pk, {}),
        refusal=refusals.get(content.flow_file.pk),
        is_duplicate=content.is_repeat or is_waiting,
    )
