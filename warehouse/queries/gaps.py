"""Where readings are missing, and where they jump: all meter points, a stretch at a time."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from django import db
from django.db import transaction
from django.db.models import Max, QuerySet

import sql
from warehouse import codes, models
from warehouse.queries import history


# Meter points at once, where all are looked through: whatever is found among them is in memory.
LOOKED_THROUGH_AT_ONCE = 50_000
# The most days of which the readings are passed over: a quarter's are among them.
DAYS_OF_LATE = 120
# Before those asked about: what is read once a quarter has two readings in them.
DAYS_OF_TWO_READINGS = datetime.timedelta(days=190)
# To pass over more readings of a meter point costs more than to look up the last of each register.
MOST_PASSED_OVER, SAMPLE = 25, 20  # on average of so many meter points
LAST_ADVANCES = 3  # among which jumps are looked for: the statement names each
USUAL_READINGS = 40  # that tell what is usual for a register
LEAST_ADVANCES = 3  # of which it has to be known
FEWEST_TIMES = 2  # the usual that is sudden at all: what the statement looks for first


class Gap(NamedTuple):
    """A meter point without a reading to quote of late, and its latest, if it ever had one."""

    mpan_core: str
    days: int | None
    serial_number: str
    register: str
    read_at: datetime.datetime | None
    value: decimal.Decimal | None
    sender_role: str
    sender: str
    file_name: str
    line_number: int
    flow_file_id: int


class Jump(NamedTuple):
    """An advance a day that is many times what is usual for its register."""

    mpan_core: str
    serial_number: str
    register: str
    from_at: datetime.datetime
    from_value: decimal.Decimal
    read_at: datetime.datetime
    value: decimal.Decimal
    per_day: float
    usual_per_day: float
    sender_role: str
    sender: str
    file_name: str
    line_number: int
    flow_file_id: int


Found = TypeVar("Found", Gap, Jump)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stretch(Generic[Found]):
    """What was found, and through which meter point was looked; empty if none is left."""

    rows: Sequence[Found]
    through: str


def measured_at(now: datetime.datetime) -> datetime.datetime | None:
    """
    Return the time up to which anything is known, if anything is loaded.

    It is when the newest loaded file was made (J0280). Measured against today, all meter points
    of a store to which nothing is added any more would be gaps. A clock of a sender's that is
    ahead is left out.
    """
    loaded = models.FlowFile.objects.filter(
        status__in=codes.LOADED_STATUSES, file_created_at__lte=now
    )
    newest: datetime.datetime | None = loaded.aggregate(at=Max("file_created_at"))["at"]
    return newest


def meter_points(*, after: str, through: str) -> int:
    """Return how many meter points lie behind one up to another, or behind it if that is empty."""
    behind = models.MeterPoint.objects.filter(mpan_core__gt=after)
    return (behind.filter(mpan_core__lte=through) if through else behind).count()


def about_meter_points() -> int:
    """Return how many meter points there may be, as the server has counted last; 0 if never."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(reltuples, 0)::bigint FROM pg_class"
            " WHERE oid = 'meter_point'::regclass"
        )
        return int(cursor.fetchone()[0])


def gaps(
    *,
    days: int,
    until: datetime.datetime,
    now: datetime.datetime,
    sender: str,
    after: str = "",
    at_once: int = LOOKED_THROUGH_AT_ONCE,
) -> Iterator[Stretch[Gap]]:
    """Yield the meter points without a reading to quote in so many days, by MPAN."""
    asked = {
        "now": now,
        "since": until - datetime.timedelta(days=days),
        "lately": until - datetime.timedelta(days=min(days, DAYS_OF_LATE)),
    }
    for rows, through in _stretches("10_list_gaps", lambda _: asked, after, at_once):
        yield Stretch(
            rows=[
                Gap(
                    mpan_core=row["mpan_core"],
                    days=(until - row["read_at"]).days if row["read_at"] else None,
                    register=row["identifier"] or "",
                    read_at=row["read_at"],
                    value=row["value"],
                    **beside,
                )
                for row, beside in _with_beside(rows, sender)
            ],
            through=through,
        )


def jumps(
    *,
    times: int,
    days: int,
    until: datetime.datetime,
    now: datetime.datetime,
    sender: str,
    after: str = "",
    at_once: int = LOOKED_THROUGH_AT_ONCE,
) -> Iterator[Stretch[Jump]]:
    """Yield the jumps of so many times the usual, of readings of so many days, by MPAN."""
    since = until - datetime.timedelta(days=days)

    def asked(after: str) -> Mapping[str, Any]:
        return {
            "now": now,
            "since": since,
            "lately": first_look_since(after=after, since=since, now=now),
            "times": float(times),
            "readings": USUAL_READINGS,
            "advances": LEAST_ADVANCES,
        }

    for rows, through in _stretches("20_list_jumps", asked, after, at_once):
        yield Stretch(
            rows=[
                Jump(
                    mpan_core=row["mpan_core"],
                    register=row["identifier"],
                    from_at=row["from_at"],
                    from_value=row["from_value"],
                    read_at=row["read_at"],
                    value=row["value"],
                    per_day=round(row["per_day"], 2),
                    usual_per_day=round(row["usual_per_day"], 2),
                    **beside,
                )
                for row, beside in _with_beside(rows, sender)
            ],
            through=through,
        )


def first_look_since(
    *, after: str, since: datetime.datetime, now: datetime.datetime
) -> datetime.datetime:
    """Return from when on readings are passed over, or `now` for not at all where too many are."""
    lately = since - DAYS_OF_TWO_READINGS
    some = [*_behind(after)[:SAMPLE]]
    of_late = models.Reading.objects.filter(
        mpan_core__in=some, read_at__gte=lately, read_at__lte=now
    )
    most = MOST_PASSED_OVER * len(some)
    return lately if of_late[: most + 1].count() <= most else now


def _behind(after: str) -> QuerySet[models.MeterPoint, str]:
    behind = models.MeterPoint.objects.filter(mpan_core__gt=after).order_by("mpan_core")
    return behind.values_list("mpan_core", flat=True)


def _stretches(
    statement: str, asked: Callable[[str], Mapping[str, Any]], after: str, at_once: int
) -> Iterator[tuple[Sequence[Mapping[str, Any]], str]]:
    """Yield what a statement finds at so many meter points, one stretch behind the other."""
    while True:
        behind = _behind(after)
        ends = [*behind[at_once - 1 : at_once + 1]]
        through = ends[0] if len(ends) > 1 else ""
        last = through or "~"  # which is behind all digits
        middle = next(iter(behind[at_once // 2 : at_once // 2 + 1]), last)
        bounds = {**asked(after), "after": after, "middle": middle, "through": last}
        with transaction.atomic(), db.connection.cursor() as cursor:
            # The planner takes the readings of a register for one: it would rather fetch and sort
            # all of a meter point than walk back from the last by the key.
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            # On a cluster each shard has a meter point whole, so LIMIT is the same there; else
            # the setting means nothing.
            cursor.execute("SET LOCAL citus.subquery_pushdown = on")
            if at_once < LOOKED_THROUGH_AT_ONCE:
                # To start more processes takes as long as a page has.
                cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            cursor.execute(sql.statement("gaps", statement), bounds)
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        yield rows, through
        if not through:
            return
        after = through


def _with_beside(
    rows: Sequence[Mapping[str, Any]], sender: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """
    Yield each row of a sender, or of any, with what it names: meter, line, file and sender.

    Files are asked for apart, since on a cluster they are not where readings are.
    """
    numbers = history.serial_numbers(
        {(row["mpan_core"], row["serial_key"]) for row in rows if row["serial_key"]}
    )
    files = models.FlowFile.objects.in_bulk({row["line_id"] >> 32 for row in rows})
    for row in rows:
        flow_file = files[row["line_id"] >> 32]
        if sender not in {"", flow_file.sender}:
            continue
        serial_key = row["serial_key"] or ""
        yield (
            row,
            {
                # A meter that is missing, of which `reconcile` tells, is named by its key.
                "serial_number": numbers.get((row["mpan_core"], serial_key), serial_key),
                "sender_role": flow_file.sender_role,
                "sender": flow_file.sender,
                "file_name": flow_file.file_name,
                "line_number": row["line_id"] & 0xFFFF_FFFF,
                "flow_file_id": flow_file.pk,
            },
        )
