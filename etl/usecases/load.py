"""Load flow files: look at each, stage what is new, transform it; one outcome a file."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from etl.postgres import transactions
from etl.usecases import outcomes, sources, stage, transform
from warehouse import models


# A chunk is staged by one COPY and transformed by one run of the steps. Beyond these sizes the
# cost of a file falls no further, and memory and the work that a kill costs would grow.
FILES_A_CHUNK = 1_000
BYTES_A_CHUNK = 2_097_152


def load_files(
    *,
    paths: Iterable[str],
    rules: stage.Rules,
    delivered_at: datetime.datetime,
    in_batch: bool,
    stage_only: bool,
    on_progress: Callable[[int], object],
) -> Iterator[outcomes.FileReport]:
    """
    Load the files, each whole or not at all, and yield what became of each when it is known.

    In a batch many files share a transaction for staging and one for transforming; else each has
    its own. `on_progress` is told the bytes that have been dealt with.

    :raises django.db.OperationalError: if the server goes away; what is staged by then is
        finished by `transform_pending`, or by loading the same files again
    """
    for chunk in _chunks(paths, in_batch=in_batch):
        readable = [source for source in chunk if isinstance(source, sources.Source)]
        with contextlib.ExitStack() as stack:
            for source in readable:
                stack.callback(source.close)
            known = stage.known_hashes([source.sha256 for source in readable])
            contents = [stage.Content(source, rules=rules, known=known) for source in readable]
            _stage(contents, delivered_at, on_progress)
            if not stage_only:
                _transform(contents, delivered_at)
            findings = outcomes.count_findings(
                content.flow_file for content in contents if not content.failure
            )
            reports = {id(content.source): _report(content, findings) for content in contents}
        for item in chunk:
            yield item if isinstance(item, outcomes.FileReport) else reports[id(item)]


def _chunks(
    paths: Iterable[str], *, in_batch: bool
) -> Iterator[Sequence[sources.Source | outcomes.FileReport]]:
    chunk: list[sources.Source | outcomes.FileReport] = []
    size = 0
    for path in paths:
        try:
            source = sources.Source(path)
        except sources.UnreadableError as error:
            failed = outcomes.Outcome.FAILED
            chunk.append(outcomes.FileReport(path=path, outcome=failed, reason=str(error)))
        else:
            chunk.append(source)
            size += source.size
        if not in_batch or size >= BYTES_A_CHUNK or len(chunk) >= FILES_A_CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _stage(
    contents: Sequence[stage.Content],
    delivered_at: datetime.datetime,
    on_progress: Callable[[int], object],
) -> None:
    """Stage them together; if one can't be, take them apart until that one stands alone."""
    if not contents:
        return
    try:
        transactions.commit(
            lambda: stage.stage_contents(
                contents=contents, delivered_at=delivered_at, on_progress=on_progress
            )
        )
    except (*transform.FAULTS_OF_A_FILE, stage.ContentChangedError, OSError) as error:
        if len(contents) == 1:
            contents[0].failure = str(error).strip()
            return
        middle = len(contents) // 2
        _stage(contents[:middle], delivered_at, on_progress)
        _stage(contents[middle:], delivered_at, on_progress)


def _transform(contents: Sequence[stage.Content], transformed_at: datetime.datetime) -> None:
    waiting = {
        content.flow_file.pk
        for content in contents
        if not content.failure and content.flow_file.status == models.FlowFileStatus.STAGED
    }
    if not waiting:
        return
    transformed = {
        flow_file.pk: flow_file
        for flow_file in transform.transform_files(
            flow_file_ids=sorted(waiting), transformed_at=transformed_at
        )
    }
    for content in contents:
        if not content.failure:
            content.flow_file = transformed.get(content.flow_file.pk, content.flow_file)


def _report(
    content: stage.Content, findings: Mapping[int, Mapping[str, int]]
) -> outcomes.FileReport:
    path = content.source.path
    if content.failure:
        return outcomes.FileReport(
            path=path, outcome=outcomes.Outcome.FAILED, reason=content.failure
        )
    is_waiting = content.flow_file.status == models.FlowFileStatus.STAGED and not content.is_new
    return outcomes.report_of(
        content.flow_file,
        path=path,
        findings=findings.get(content.flow_file.pk, {}),
        is_duplicate=content.is_repeat or is_waiting,
    )
