"""Readings and site visits as rows: what a card and the history of a meter point tell of each."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Iterator, Mapping, Sequence

from warehouse import codes, models, words
from warehouse.admin import addresses, raw_lines, remedies
from warehouse.queries import history, register_history


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The file and the line that a row comes from, with the ways there."""

    file_name: str
    file_url: str
    line_number: int
    line_url: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Issue:
    """What is wrong with the line of a reading, where that is told, and what to do about it."""

    finding: str
    url: str
    remedy: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadingRow:
    key: int
    url: str
    read_at: str
    serial_number: str
    register: str
    value: str
    standing: str
    standing_word: str
    because: tuple[str, str] | None
    advance: str
    per_day: str
    advance_since: str
    kind: str
    is_doubted: bool
    remarks: Sequence[str]
    issues: Sequence[Issue]
    source: Source
    # Those of other registers that were read with it, and are alike but for values and lines.
    others: Sequence[ReadingRow] = ()
    is_visit: bool = False

    @property
    def together(self) -> Sequence[ReadingRow]:
        return (self, *self.others)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VisitRow:
    at: str
    text: str
    additional_information: str
    serial_number: str
    source: Source
    is_visit: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """What is known beside readings and visits: the time, their files, issues of their lines."""

    now: datetime.datetime
    files: Mapping[int, models.FlowFile]
    issues: Mapping[int, Sequence[models.LineIssue]]
    has_times: bool  # some are not of midnight, so that a time is told


def advance_in_words(entry: register_history.Entry) -> str:
    """Return how far the register went on, since when, and how far a day; else a dash."""
    if entry.advance is None or entry.advance_since is None:
        return words.NOTHING
    since = words.day(entry.advance_since)
    return f"{_signed(entry.advance)} since {since}, {_per_day(entry)}"


def _per_day(entry: register_history.Entry) -> str:
    if entry.per_day is None:
        return ""
    return f"{entry.per_day:,.1f} a day".replace("-", "−")  # noqa: RUF001 - the sign of a number


def of_reading(entry: register_history.Entry, serial_number: str, known: Known) -> ReadingRow:
    reading = entry.reading
    is_in_future = reading.read_at > known.now
    return ReadingRow(
        key=reading.pk,
        url=addresses.url_of_reading(reading),
        read_at=words.moment_tag(reading.read_at, has_time=known.has_times),
        serial_number=words.visible(serial_number),
        register=words.visible(reading.identifier),
        value=str(reading.value),
        standing=entry.standing,
        standing_word=words.STANDING_WORDS[entry.standing],
        because=because(entry.standing, entry.because),
        advance="" if entry.advance is None else _signed(entry.advance),
        per_day=_per_day(entry),
        advance_since=words.day(entry.advance_since) if entry.advance_since else "",
        kind=_kind(reading),
        is_doubted=is_in_future or register_history.is_doubted(reading),
        remarks=[*(["dated in the future"] if is_in_future else []), *_remarks(entry)],
        issues=[
            Issue(
                finding=words.finding(issue.code),
                url=addresses.page("admin:warehouse_lineissue_change", issue.pk),
                remedy=remedies.of(issue.code),
            )
            for issue in known.issues.get(reading.pk, ())
        ],
        source=_source(reading, known),
    )


def because(standing: str, other: models.Reading | None) -> tuple[str, str] | None:
    """Return the words for the reading that made this one stand as it does, and its address."""
    if other is None:
        return None
    told = {
        "superseded": f"by {other.value}",
        "repeated": "as before",
        "withdrawn": f"on {words.day(other.stated_at)}",
        "withdrawal": f"{other.value}",
    }
    return told[standing], addresses.url_of_reading(other)


def _kind(reading: models.Reading) -> str:
    """Return type and validation in words; that it failed stands among the remarks instead."""
    kind = words.of_column("reading_type", reading)
    if reading.validation_status == codes.ValidationStatus.FAILED:
        return kind
    return f"{kind}, {words.of_column('validation_status', reading)}"


def _signed(number: decimal.Decimal) -> str:
    return f"−{-number}" if number < 0 else f"+{number}"  # noqa: RUF001 - the sign of a number


def _remarks(entry: register_history.Entry) -> Iterator[str]:
    reading = entry.reading
    if reading.validation_status == codes.ValidationStatus.FAILED:
        yield words.of_column("validation_status", reading)
    if reading.reading_flag == codes.ReadingFlag.SUSPECT:
        yield "flagged as suspect"
    elif reading.reading_flag not in {"", codes.ReadingFlag.VALID}:
        yield f"flag: {words.of_column('reading_flag', reading)}"
    if reading.reason_code:
        yield f"reason: {words.of_column('reason_code', reading)}"
    if reading.reading_status:
        yield f"after checking: {words.of_column('reading_status', reading)}"
    if entry.advance is not None and entry.advance < 0:
        yield "lower than before: a dial that wrapped, an estimate too high, or an error"
    if reading.md_reset_at is not None:
        yield f"maximum demand reset {words.clock_time(reading.md_reset_at)}"
    if reading.md_reset_count:
        yield f"maximum demand resets: {reading.md_reset_count}"
    if reading.reading_method == codes.ReadingMethod.VIEWED:
        yield "seen on a site visit"


def of_visit(visit: history.Visit, known: Known) -> VisitRow:
    text = words.site_visit(visit.visit.check_code)
    return VisitRow(
        at=words.moment_tag(visit.at, has_time=known.has_times),
        text=f"{text}, reported on this day" if visit.is_reported else text,
        additional_information=words.visible(visit.visit.additional_information),
        serial_number=words.visible(visit.serial_number),
        source=_source(visit.visit, known),
    )


def _source(row: models.Reading | models.SiteVisit, known: Known) -> Source:
    flow_file = known.files[row.flow_file_id]
    return Source(
        file_name=words.visible(flow_file.file_name),
        file_url=addresses.url_of_file(flow_file.pk),
        line_number=row.line_number,
        line_url=raw_lines.url(row.pk, flow_file),
    )
