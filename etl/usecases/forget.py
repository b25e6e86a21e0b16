"""Erase a meter point: what is stored of it, the lines that say it, and who looked at it."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import functools
from collections.abc import Mapping, Sequence

from django.db.models import Exists, F, OuterRef, QuerySet

from etl.models import StagedLine
from etl.postgres import staged_lines, transactions
from etl.usecases import digests, raw_lines
from warehouse import audits, codes, keys, marks, models
from warehouse.queries import marks as mark_queries


_OF_METER_POINT = (
    models.Reading,
    models.SiteVisit,
    models.Register,
    models.Meter,
    models.MeterPoint,
    audits.LookUp,
)
_REDACTED_ISSUE = {"kind": staged_lines.FORGOTTEN, "mpan_core": "", "value": ""}
_Block = tuple[int, int]  # the ids of the first and the last line below one MPAN


class UnknownMeterPointError(Exception):
    """Nothing is stored of this meter point."""


class PendingFileError(Exception):
    """A file that is not transformed yet speaks of the meter point."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forgotten:
    """How much was erased; lines that had been rejected are not among these."""

    line_count: int
    file_count: int


def forget_meter_point(
    *, mpan_core: str, reason: str, forgotten_by: str, forgotten_at: datetime.datetime
) -> Forgotten:
    """
    Erase a meter point for ever, in one transaction, and leave a tombstone that does not name it.

    Deleted are its readings, site visits, registers, meters and look-ups. Of its raw lines, and
    all that stand below its MPAN, their number is left; of their issues the code, and whether
    they were asked about. Notes that name the MPAN are erased wherever they are. What is left of
    a file is proved by a digest from then on, unless it was wrong before, which is still told.
    All raw lines are looked through.

    :raises UnknownMeterPointError: if there is nothing of it
    :raises PendingFileError: if a file that speaks of it is to be transformed first
    """
    work = functools.partial(_forget, mpan_core, reason, forgotten_by, forgotten_at)
    return transactions.commit(work)


def _forget(
    mpan_core: str, reason: str, forgotten_by: str, forgotten_at: datetime.datetime
) -> Forgotten:
    transactions.take_turn(alone=True)  # nobody transforms a file that takes it for known
    blocks = _blocks(mpan_core)
    rows = {
        row_id >> 32
        for model in (models.Reading, models.SiteVisit)
        for row_id in model.objects.filter(mpan_core=mpan_core).values_list("id", flat=True)
    }
    issues = models.LineIssue.objects.filter(mpan_core=mpan_core)
    notes = mark_queries.that_name(mpan_core)
    is_known = notes.exists() or any(
        model.objects.filter(mpan_core=mpan_core).exists() for model in _OF_METER_POINT
    )
    touched = {*blocks, *rows, *issues.values_list("flow_file_id", flat=True)}
    if not touched and not is_known:
        raise UnknownMeterPointError(f"nothing is stored of meter point {mpan_core}")
    introduced = models.MeterPoint.objects.filter(mpan_core=mpan_core)
    touched |= {line_id >> 32 for line_id in introduced.values_list("line_id", flat=True)}
    files = models.FlowFile.objects.filter(id__in=touched).order_by("id")
    kept = list(files.filter(purged_at=None))
    for flow_file in kept:
        if flow_file.status == codes.FlowFileStatus.STAGED:
            raise PendingFileError(
                f"{flow_file.file_name} speaks of the meter point and is not transformed yet:"
                " run `manage.py transform_pending` first"
            )
    purged = {flow_file.pk: flow_file.digest for flow_file in files.exclude(purged_at=None)}
    sound = {pk for pk, digest in digests.of_files([*purged]).items() if digest == purged[pk]}

    counts = {
        **{flow_file.pk: _redact(flow_file, blocks.get(flow_file.pk, ())) for flow_file in kept},
        **{pk: _counts_of_rows(mpan_core, pk) for pk in purged},
    }
    for flow_file_id, of_file in counts.items():
        _take_off(flow_file_id, of_file)
    own = issues.filter(flow_file=OuterRef("flow_file"), line_number=OuterRef("line_number"))
    _redact_notes(marks.IssueMark.objects.filter(Exists(own)))
    _redact_notes(notes)
    issues.update(**_REDACTED_ISSUE, message=staged_lines.FORGOTTEN)
    for model in _OF_METER_POINT:
        model.objects.filter(mpan_core=mpan_core).delete()
    digests.take(sorted(sound))
    forgotten = Forgotten(
        line_count=sum(sum(of_file.values()) for of_file in counts.values()),
        file_count=len(touched),
    )
    audits.ForgottenMeterPoint.objects.create(
        forgotten_at=forgotten_at,
        forgotten_by=forgotten_by,
        reason=reason,
        **dataclasses.asdict(forgotten),
    )
    return forgotten


def _blocks(mpan_core: str) -> Mapping[int, Sequence[_Block]]:
    """
    Return by file from where to where lines stand below this MPAN, whatever they are taken for.

    A damaged line and those that it orphans may be of the meter point as well.
    """
    said = StagedLine.objects.filter(mpan_core=mpan_core, kind="meter_point")
    blocks: dict[int, list[_Block]] = {}
    for flow_file_id in sorted({line_id >> 32 for line_id in said.values_list("id", flat=True)}):
        first, last = staged_lines.line_ids(flow_file_id)
        tops = _lines(first, last).filter(kind__in=("meter_point", "trailer"))
        begun = 0
        for line_id, of_line in tops.order_by("id").values_list("id", "mpan_core").iterator():
            if begun:
                blocks.setdefault(flow_file_id, []).append((begun, line_id - 1))
            begun = line_id if of_line == mpan_core else 0
    return blocks


def _lines(first: int, last: int) -> QuerySet[StagedLine]:
    return StagedLine.objects.filter(
        stretch__range=(keys.stretch(first), keys.stretch(last)), id__range=(first, last)
    )


def _redact(flow_file: models.FlowFile, blocks: Sequence[_Block]) -> Mapping[str, int]:
    """Leave nothing in these lines and their issues; return how many had been loaded, by kind."""
    if not blocks:
        return {}
    known = flow_file.digest or flow_file.sha256
    is_sound = raw_lines.sha256_of(flow_file) == known
    counts: collections.Counter[str] = collections.Counter()
    for first, last in blocks:
        numbers_within = (first & 0xFFFF_FFFF, last & 0xFFFF_FFFF)
        issues = flow_file.issues.filter(line_number__range=numbers_within)
        rejected = issues.filter(severity=codes.Severity.REJECTED)
        numbers = {*rejected.values_list("line_number", flat=True)}
        kinds = dict(_lines(first, last).order_by("id").values_list("id", "kind").iterator())
        counts.update(
            kind for line_id, kind in kinds.items() if line_id & 0xFFFF_FFFF not in numbers
        )
        issues.update(**_REDACTED_ISSUE, message=staged_lines.FORGOTTEN)
        of_file = marks.IssueMark.objects.filter(flow_file=flow_file)
        _redact_notes(of_file.filter(line_number__range=numbers_within))
        staged_lines.forget(list(kinds))
    if is_sound:
        digest = raw_lines.sha256_of(flow_file)
        models.FlowFile.objects.filter(id=flow_file.pk).update(digest=digest)
    return counts if flow_file.status in codes.LOADED_STATUSES else {}


def _redact_notes(marked: QuerySet[marks.IssueMark]) -> None:
    marked.exclude(note="").update(note=staged_lines.FORGOTTEN)


def _counts_of_rows(mpan_core: str, flow_file_id: int) -> Mapping[str, int]:
    """Return the same of a file without raw lines: what of it is stored of the meter point."""
    first, last = staged_lines.line_ids(flow_file_id)
    of_file = {"mpan_core": mpan_core, "id__range": (first, last)}
    readings = models.Reading.objects.filter(**of_file)
    return {
        "reading": readings.count(),
        "result": readings.exclude(reading_status="").count(),
        "visit_at_meter_point": models.SiteVisit.objects.filter(**of_file).count(),
    }


def _take_off(flow_file_id: int, counts: Mapping[str, int]) -> None:
    """Count these lines as forgotten instead of as what they were."""
    of_fields = models.FlowFile.counts_of(counts)
    changed = {name: F(name) - count for name, count in of_fields.items()}
    models.FlowFile.objects.filter(id=flow_file_id).update(
        **changed, forgotten_line_count=F("forgotten_line_count") + sum(counts.values())
    )
