"""Stage contents: register what they are, and copy their lines as they came."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from etl.domain import clock, envelope, findings, flows, grammar, headers, lines, records, trailers
from etl.intake import sources
from etl.postgres import rows, staged_lines
from etl.usecases import outcomes
from warehouse import codes, models


_CHANGED = "the file was written to while it was read"


class ContentChangedError(Exception):
    """A file was written to while it was read."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules(envelope.Rules):
    """What else is accepted, and whether a file is to be loaded whole or not at all."""

    is_strict: bool = False
    accept_reused_file_ids: bool = False


class Content(NamedTuple):
    """What a source holds; one that counts already is not looked into, and nothing found."""

    source: sources.Source
    sha256: str
    found: envelope.Envelope | None


class Verdict(NamedTuple):
    """What came under this path is this flow file, which is new or was there before."""

    path: str
    flow_file: outcomes.FileState
    is_new: bool


class ComeAgain(NamedTuple):
    """A content was not staged: this strict file holds its file id, and is not decided yet."""

    holder: outcomes.FileState


class _Judgement(NamedTuple):
    content: Content
    found: envelope.Envelope
    issues: Sequence[findings.FileIssue]
    flow_file: outcomes.FileState
    values: Mapping[str, Any]  # by fields; others have their defaults
    is_anew: bool


def known_hashes(hashes: Collection[str]) -> Collection[str]:
    """Return those of the hashes whose content counts already."""
    accepted = models.FlowFile.objects.filter(
        rows.among("sha256", hashes), status__in=codes.ACCEPTED_STATUSES
    )
    return {*accepted.values_list("sha256", flat=True)}


def read(source: sources.Source, *, rules: Rules, known: Collection[str]) -> Content:
    """
    Return what a source holds.

    :raises OSError: if it can't be read
    """
    if source.sha256 in known:  # bytes that need no second look: they are those records
        return Content(source=source, sha256=source.sha256, found=None)
    found = envelope.examine(source.content(), rules=rules)
    return Content(source=source, sha256=found.sha256, found=found)


def stage_contents(
    contents: Sequence[Content],
    *,
    rules: Rules,
    delivered_at: datetime.datetime,
    on_progress: Callable[[int, int], object],
    stage_only: bool = False,
) -> Sequence[Verdict | ComeAgain]:
    """
    Stage the contents in the transaction of the caller, and return what is told to each.

    Each gets its flow file and a delivery. Content that counts already gets no more than that;
    content that was rejected or failed before is judged anew. Strict rules also hold for what had
    only been staged, without them, and is now to be finished.

    A strict file holds its file id until it is decided: what collides with it gets nothing, and
    is told to come again. Where nothing is to be transformed, the file id counts as taken.

    :raises ContentChangedError: if a file is not what its envelope was read from
    :raises django.db.Error: if the server refuses a row, or a concurrent loader was quicker
    """
    known = _find_known([content.sha256 for content in contents])
    if rules.is_strict:
        # What has been transformed meanwhile is left as it became.
        models.FlowFile.objects.filter(
            rows.among("sha256", known), status=codes.FlowFileStatus.STAGED, is_strict=False
        ).update(is_strict=True)
    judged = _judge(contents, known, rules, delivered_at, stage_only=stage_only)
    judgements = [found for found in judged.values() if isinstance(found, _Judgement)]
    _save(judgements)
    told = [_tell(content, judged.get(content.sha256), known) for content in contents]
    rows.insert(
        models.Delivery,
        [
            {
                "flow_file_id": verdict.flow_file.id,
                "file_name": content.source.name,
                "path": content.source.path,
                "origin": content.source.arrival.origin,
                "brought_by": content.source.arrival.brought_by,
                "delivered_at": delivered_at,
            }
            for content, verdict in zip(contents, told, strict=True)
            if isinstance(verdict, Verdict)
        ],
    )
    staged_lines.copy(
        block
        for judgement in judgements
        if judgement.flow_file.status == codes.FlowFileStatus.STAGED
        for block in _blocks(judgement, on_progress)
    )
    return told


def _find_known(hashes: Sequence[str]) -> Mapping[str, outcomes.FileState]:
    """Return the flow files of contents that came before, by their hashes."""
    of_hashes = models.FlowFile.objects.filter(rows.among("sha256", hashes))
    found = rows.select(outcomes.FileState, of_hashes)
    refused = [flow_file.id for flow_file in found if not flow_file.is_accepted]
    # Who judges anew holds the row, so that one of two does; the other takes it as it is then,
    # whatever its status has become.
    locked = models.FlowFile.objects.filter(rows.among("id", refused)).order_by("id")
    found += rows.select(outcomes.FileState, locked.select_for_update(no_key=True))
    return {flow_file.sha256: flow_file for flow_file in found}


def _judge(
    contents: Sequence[Content],
    known: Mapping[str, outcomes.FileState],
    rules: Rules,
    staged_at: datetime.datetime,
    *,
    stage_only: bool,
) -> Mapping[str, _Judgement | ComeAgain]:
    """Judge, by its hash, each content that does not count already."""
    unknown: dict[str, tuple[Content, envelope.Envelope]] = {}
    for content in contents:
        before = known.get(content.sha256)
        if content.sha256 not in unknown and not (before and before.is_accepted):
            found = content.found or envelope.examine(content.source.content(), rules=rules)
            unknown[content.sha256] = content, found
    holders = _find_holders(found.header for _, found in unknown.values())
    new_ids = iter(rows.new_ids(models.FlowFile, len(unknown.keys() - known.keys())))
    judged: dict[str, _Judgement | ComeAgain] = {}
    for content, found in unknown.values():
        identifier = _identifier(found.header)
        holder = None if found.rejection else holders.get(identifier)
        issues = found.issues
        if holder and not rules.accept_reused_file_ids:
            is_decided = holder.status != codes.FlowFileStatus.STAGED or not holder.is_strict
            if not (is_decided or stage_only):
                judged[content.sha256] = ComeAgain(holder=holder)
                continue
            issues = [*issues, _reused_file_id(holder)]
        before = known.get(content.sha256)
        values = {
            "id": before.id if before else next(new_ids),
            "is_strict": rules.is_strict,
            "reuses_file_identifier": bool(holder and rules.accept_reused_file_ids),
            "staged_at": staged_at,
            "transformed_at": None,
            **_values(content, found, issues),
        }
        flow_file = outcomes.FileState._make(map(values.__getitem__, outcomes.FileState._fields))
        if flow_file.is_accepted:
            holders.setdefault(identifier, flow_file)
        judged[content.sha256] = _Judgement(
            content=content,
            found=found,
            issues=issues,
            flow_file=flow_file,
            values=values,
            is_anew=before is not None,
        )
    return judged


def _tell(
    content: Content,
    judged: _Judgement | ComeAgain | None,
    known: Mapping[str, outcomes.FileState],
) -> Verdict | ComeAgain:
    if isinstance(judged, ComeAgain):
        return judged
    return Verdict(
        path=content.source.path,
        flow_file=judged.flow_file if judged else known[content.sha256],
        is_new=judged is not None and judged.content is content,
    )


def _identifier(of: outcomes.FileState | headers.Header) -> tuple[str, str, str]:
    return of.file_identifier, of.sender, of.sender_role


def _find_holders(
    read: Iterable[headers.Header],
) -> dict[tuple[str, str, str], outcomes.FileState]:
    """Return the flow files that hold the file ids of these headers, by what identifies them."""
    holders = models.FlowFile.objects.filter(
        rows.among("file_identifier", {header.file_identifier for header in read}),
        status__in=codes.ACCEPTED_STATUSES,
        reuses_file_identifier=False,
    )
    return {_identifier(one): one for one in rows.select(outcomes.FileState, holders)}


def _reused_file_id(holder: outcomes.FileState) -> findings.FileIssue:
    return findings.FileIssue(
        code="reused-file-id",
        line_number=1,
        group_code="ZHV",
        item="J1064",
        name="File Identifier",
        value=holder.file_identifier,
        expected=f"as it has for {holder.file_name} (SHA-256 {holder.sha256[:12]})",
    )


def _values(
    content: Content, found: envelope.Envelope, issues: Sequence[findings.FileIssue]
) -> Mapping[str, Any]:
    """Return what a flow file says and holds, by its fields."""
    rejection = next((issue for issue in issues if issue.severity == "REJECTED"), None)
    counts = {} if rejection else found.kind_line_counts
    return {
        "sha256": content.sha256,
        "file_name": content.source.name,
        "status": codes.FlowFileStatus.REJECTED if rejection else codes.FlowFileStatus.STAGED,
        "reason": f"line {rejection.line_number}: {rejection.message}" if rejection else "",
        "size": found.size,
        "encoding": found.encoding,
        "line_count": found.line_count,
        "blank_line_count": found.blank_line_count,
        "rejected_line_count": 0,
        "warning_count": sum(issue.severity == "WARNING" for issue in issues),
        **models.FlowFile.counts_of(counts),
        **envelope_fields(found.header, found.trailer),
    }


def _save(judgements: Sequence[_Judgement]) -> None:
    for judgement in judgements:
        if judgement.is_anew:
            staged_lines.delete_lines_of(judgement.flow_file.id)
            models.LineIssue.objects.filter(flow_file=judgement.flow_file.id).delete()
            models.FlowFile(**judgement.values).save(force_update=True)
    rows.insert(models.FlowFile, [one.values for one in judgements if not one.is_anew])
    rows.insert(
        models.LineIssue,
        [
            {
                "flow_file_id": judgement.flow_file.id,
                "line_number": issue.line_number,
                "kind": grammar.ENVELOPE_KINDS.get(issue.group_code, ""),
                "mpan_core": "",
                "severity": issue.severity,
                "code": issue.code,
                "item": issue.item,
                "value": issue.value,
                "message": issue.message,
            }
            for judgement in judgements
            for issue in judgement.issues
        ],
    )


def _blocks(judgement: _Judgement, on_progress: Callable[[int, int], object]) -> Iterator[str]:
    content, found = judgement.content, judgement.found
    first_id, _ = staged_lines.line_ids(judgement.flow_file.id)
    positions = lines.Positions(flows.of(found.header.flow))
    again = records.Records(content.source.content())
    for block in found.held or again:
        try:
            text = block.data.decode(found.encoding)
        except UnicodeDecodeError as error:
            raise ContentChangedError(_CHANGED) from error
        yield positions.rows(staged_lines.escape(text), first_id=first_id + block.first_number)
        on_progress(len(block.data), block.line_count)
    if not found.held and again.sha256 != content.sha256:
        raise ContentChangedError(_CHANGED)


def envelope_fields(header: headers.Header, trailer: trailers.Trailer) -> Mapping[str, Any]:
    """Return what header and trailer say, by the fields of a flow file."""
    said = header._asdict()
    created_at = said.pop("created_at")
    return {
        **said,
        "file_created_at": _london(created_at),
        "declared_group_count": trailer.group_count,
        "checksum": trailer.checksum,
        "declared_flow_count": trailer.flow_count,
        "file_completed_at": _london(trailer.completed_at),
    }


def _london(clock_time: datetime.datetime | None) -> datetime.datetime | None:
    return None if clock_time is None else clock_time.replace(tzinfo=clock.LONDON)
