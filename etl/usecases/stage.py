"""Stage contents: register what they are, and copy their lines as they came."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from etl.domain import envelope, findings, grammar, headers, lines, records, trailers
from etl.intake import sources
from etl.postgres import rows, staged_lines
from etl.usecases import outcomes, transform
from warehouse import codes, models


LONDON = zoneinfo.ZoneInfo(transform.TIME_ZONE)
_CHANGED = "the file was written to while it was read"
# Where a batch was loaded before, reading every field of its files is a sixth of the time.
_FIELDS_OF_KNOWN = (*outcomes.REPORTED_FIELDS, "is_strict")


class ContentChangedError(Exception):
    """A file was written to while it was read."""


class UndecidedFileIdError(Exception):
    """
    The file id of a content is held by a strict file, which may yet be refused and give it back.

    `holder_id` is the flow file to transform first; none, where that is to be made of one of the
    contents before this one.
    """

    def __init__(self, content: Content, *, holder_id: int | None) -> None:
        super().__init__(f"the holder of the file id of {content.source.name} is only staged")
        self.content = content
        self.holder_id = holder_id


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """What is accepted."""

    is_strict: bool = False
    accept_test_files: bool = False
    accept_wrong_counts: bool = False
    accept_reused_file_ids: bool = False


class Content:
    """
    What a source holds.

    After staging: its flow file, whether this source made that, whether the content had come
    before and was dealt with then; or why it could not be staged.
    """

    flow_file: models.FlowFile
    is_new = False
    is_repeat = False
    failure = ""

    def __init__(self, source: sources.Source, *, rules: Rules, known: Iterable[str]) -> None:
        self.source = source
        self.rules = rules
        try:
            # Bytes with a known hash need no second look: they are those records.
            self.sha256 = source.sha256 if source.sha256 in known else self.envelope.sha256
        except OSError as error:
            self.failure = error.strerror or str(error)

    @functools.cached_property
    def envelope(self) -> envelope.Envelope:
        return envelope.examine(
            self.source.content(),
            rules=envelope.Rules(
                accept_test_files=self.rules.accept_test_files,
                accept_wrong_counts=self.rules.accept_wrong_counts,
            ),
        )

    def forget_envelope(self) -> None:
        """Give back its memory: by now the flow file says it all."""
        vars(self).pop("envelope", None)


def known_hashes(hashes: Sequence[str]) -> set[str]:
    """Return those of the hashes whose content counts already."""
    accepted = models.FlowFile.objects.filter(
        sha256__in=hashes, status__in=codes.ACCEPTED_STATUSES
    )
    return set(accepted.values_list("sha256", flat=True))


def stage_contents(
    *,
    contents: Sequence[Content],
    delivered_at: datetime.datetime,
    on_progress: Callable[[int, int], object],
    stage_only: bool = False,
) -> None:
    """
    Stage the contents in the transaction of the caller: all of them or none.

    Each gets its flow file and a delivery. Content that counts already gets no more than that;
    content that was rejected or failed before is judged anew. Strict rules also hold for what had
    only been staged, without them, and is now to be finished.

    :raises ContentChangedError: if a file is not what its envelope was read from
    :raises UndecidedFileIdError: if a file id is held by a strict file that is only staged; where
        nothing is to be transformed, the file id counts as taken
    :raises django.db.Error: if the server refuses a row, or a concurrent loader was quicker
    """
    registry = _Registry(contents, stage_only=stage_only)
    for content in contents:
        registry.register(content, delivered_at)
    registry.save()
    rows.insert(
        [
            models.Delivery(
                flow_file_id=content.flow_file.pk,
                file_name=content.source.name,
                path=content.source.path,
                origin=content.source.arrival.origin,
                brought_by=content.source.arrival.brought_by,
                delivered_at=delivered_at,
            )
            for content in contents
        ]
    )
    staged_lines.copy(
        block
        for content in contents
        if content.is_new and content.flow_file.status == codes.FlowFileStatus.STAGED
        for block in _blocks(content, on_progress)
    )


def _blocks(
    content: Content, on_progress: Callable[[int, int], object]
) -> Iterator[Iterable[staged_lines.Row]]:
    first_id, _ = staged_lines.line_ids(content.flow_file.pk)
    positions = lines.Positions()
    blocks = records.Records(content.source.content())
    for block in blocks:
        try:
            text = block.data.decode(content.flow_file.encoding)
        except UnicodeDecodeError as error:
            raise ContentChangedError(_CHANGED) from error
        texts = staged_lines.escape(text).split("\n")
        texts.pop()  # what follows the last LF
        yield positions.place(texts, first_id=first_id + block.first_number)
        on_progress(len(block.data), len(texts))
    if blocks.sha256 != content.sha256:
        raise ContentChangedError(_CHANGED)


class _Registry:
    """The flow files that contents are or become, and whose file ids are taken."""

    def __init__(self, contents: Sequence[Content], *, stage_only: bool) -> None:
        self._stage_only = stage_only
        hashes = [content.sha256 for content in contents]
        flow_files = models.FlowFile.objects.filter(sha256__in=hashes).only(*_FIELDS_OF_KNOWN)
        self._known = {flow_file.sha256: flow_file for flow_file in flow_files}
        # Who judges anew holds the row, so that one of two does; the other takes it as it is then,
        # whatever its status has become.
        refused = [
            flow_file.pk
            for flow_file in self._known.values()
            if flow_file.status not in codes.ACCEPTED_STATUSES
        ]
        locked = models.FlowFile.objects.filter(id__in=refused).order_by("id")
        self._known |= {
            flow_file.sha256: flow_file for flow_file in locked.select_for_update(no_key=True)
        }
        unknown = [content for content in contents if self._is_to_judge(content.sha256)]
        identifiers = {content.envelope.header.file_identifier for content in unknown}
        holders = models.FlowFile.objects.filter(
            file_identifier__in=identifiers,
            status__in=codes.ACCEPTED_STATUSES,
            reuses_file_identifier=False,
        )
        self._holders = {_identifier(flow_file): flow_file for flow_file in holders}
        self._presented: set[str] = set()
        self._judged: dict[str, tuple[models.FlowFile, Sequence[findings.FileIssue]]] = {}
        self._finished_strictly: set[int] = set()

    def _is_to_judge(self, sha256: str) -> bool:
        known = self._known.get(sha256)
        return known is None or known.status not in codes.ACCEPTED_STATUSES

    def register(self, content: Content, staged_at: datetime.datetime) -> None:
        sha256 = content.sha256
        before = self._known.get(sha256)
        content.is_new = self._is_to_judge(sha256) and sha256 not in self._judged
        # To present once more what had only been staged is to finish it.
        content.is_repeat = sha256 in self._presented or (
            before is not None
            and before.status in codes.ACCEPTED_STATUSES
            and before.status != codes.FlowFileStatus.STAGED
        )
        self._presented.add(sha256)
        if content.is_new:
            flow_file = _flow_file(content, staged_at)
            flow_file.pk = before.pk if before else None
            issues = list(content.envelope.issues)
            if not content.envelope.rejection:
                issues += self._hold_identifier(flow_file, content)
            rejection = next((issue for issue in issues if issue.severity == "REJECTED"), None)
            if rejection:
                flow_file.status = codes.FlowFileStatus.REJECTED
                flow_file.reason = f"line {rejection.line_number}: {rejection.message}"
            else:
                flow_file.count_lines(
                    {
                        grammar.GROUPS[code].kind: count
                        for code, count in content.envelope.group_line_counts.items()
                    }
                )
            flow_file.warning_count = sum(issue.severity == "WARNING" for issue in issues)
            self._known[sha256] = flow_file
            self._judged[sha256] = flow_file, issues
        elif before and content.rules.is_strict and not before.is_strict:
            self._finished_strictly.add(before.pk)
        content.flow_file = self._known[sha256]

    def _hold_identifier(
        self, flow_file: models.FlowFile, content: Content
    ) -> Iterator[findings.FileIssue]:
        holder = self._holders.setdefault(_identifier(flow_file), flow_file)
        if holder is flow_file:
            return
        flow_file.reuses_file_identifier = content.rules.accept_reused_file_ids
        if not content.rules.accept_reused_file_ids:
            is_undecided = holder.status == codes.FlowFileStatus.STAGED and holder.is_strict
            if is_undecided and not self._stage_only:
                is_stored = holder.sha256 not in self._judged
                raise UndecidedFileIdError(content, holder_id=holder.pk if is_stored else None)
            yield findings.FileIssue(
                code="reused-file-id",
                line_number=1,
                group_code="ZHV",
                item="J1064",
                name="File Identifier",
                value=flow_file.file_identifier,
                expected=(
                    f"as it has for {holder.file_name} (SHA-256 {holder.sha256[:12]});"
                    " to load this content all the same: --accept-reused-file-ids"
                ),
            )

    def save(self) -> None:
        flow_files = [flow_file for flow_file, _ in self._judged.values()]
        judged_before = {flow_file.sha256 for flow_file in flow_files if flow_file.pk}
        for flow_file in flow_files:
            if flow_file.sha256 in judged_before:
                staged_lines.delete_lines_of(flow_file.pk)
                flow_file.issues.all().delete()
                flow_file.save(force_update=True)
        rows.insert(
            [flow_file for flow_file in flow_files if flow_file.sha256 not in judged_before]
        )
        # What has been transformed meanwhile is left as it became.
        models.FlowFile.objects.filter(
            id__in=self._finished_strictly, status=codes.FlowFileStatus.STAGED
        ).update(is_strict=True)
        rows.insert(
            [
                models.LineIssue(
                    flow_file=flow_file,
                    line_number=issue.line_number,
                    kind=grammar.ENVELOPE_KINDS.get(issue.group_code, ""),
                    mpan_core="",
                    severity=issue.severity,
                    code=issue.code,
                    item=issue.item,
                    value=issue.value,
                    message=issue.message,
                )
                for flow_file, issues in self._judged.values()
                for issue in issues
            ]
        )


def _identifier(flow_file: models.FlowFile) -> tuple[str, str, str]:
    return flow_file.file_identifier, flow_file.sender, flow_file.sender_role


def _flow_file(content: Content, staged_at: datetime.datetime) -> models.FlowFile:
    found = content.envelope
    return models.FlowFile(
        sha256=content.sha256,
        file_name=content.source.name,
        status=codes.FlowFileStatus.STAGED,
        staged_at=staged_at,
        size=found.size,
        encoding=found.encoding,
        line_count=found.line_count,
        blank_line_count=found.blank_line_count,
        is_strict=content.rules.is_strict,
        **envelope_fields(found.header, found.trailer),
    )


def envelope_fields(header: headers.Header, trailer: trailers.Trailer) -> Mapping[str, Any]:
    """Return what header and trailer say, by the fields of a flow file."""
    return {
        "file_identifier": header.file_identifier,
        "flow": header.flow,
        "sender_role": header.sender_role,
        "sender": header.sender,
        "recipient_role": header.recipient_role,
        "recipient": header.recipient,
        "file_created_at": _london(header.created_at),
        "sending_application": header.sending_application,
        "receiving_application": header.receiving_application,
        "broadcast": header.broadcast,
        "test_flag": header.test_flag,
        "declared_group_count": trailer.group_count,
        "checksum": trailer.checksum,
        "declared_flow_count": trailer.flow_count,
        "file_completed_at": _london(trailer.completed_at),
    }


def _london(clock_time: datetime.datetime | None) -> datetime.datetime | None:
    return None if clock_time is None else clock_time.replace(tzinfo=LONDON)
