"""Whether a reading counts, as the view `reading_standing` tells it, for each row of a query."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Iterable, Sequence

from django import db
from django.db.models import CharField, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql import datastructures

from warehouse import codes, models


# Asked row by row, so that it costs as much for ten readings of millions as for ten of ten, and a
# long list begins at once. A reading that is alone at its register and time, as nearly all are,
# needs no look at the view, whose windows cost ten times as much as to find that out. The view is
# not joined: the planner would then tell the standings of the whole table.
STANDING = RawSQL(
    """
    CASE
        WHEN
            reading.reading_type <> 'W'
            AND NOT EXISTS (
                SELECT
                FROM reading AS other
                WHERE
                    other.mpan_core = reading.mpan_core
                    AND other.read_at = reading.read_at
                    AND other.serial_key = reading.serial_key
                    AND other.identifier = reading.identifier
                    AND other.id <> reading.id
            )
            THEN 'current'
        ELSE (
            SELECT told.standing
            FROM reading_standing AS told
            WHERE
                told.mpan_core = reading.mpan_core
                AND told.read_at = reading.read_at
                AND told.id = reading.id
        )
    END
    """,
    [],
    output_field=CharField(),
)


# The same for rows that are at hand, by one pass over what was read at the same times: a meter
# point may have very many readings of one time, through which each row would go again.
_OF_SOME = """
    SELECT told.id, told.standing
    FROM reading_standing AS told
    WHERE
        told.mpan_core = any(%s::text[])
        AND told.read_at = any(%s::timestamptz[])
        AND told.serial_key = any(%s::text[])
        AND told.identifier = any(%s::text[])
"""


# What a reading's standing is has no index: a list that is asked for one looks at so many a page.
MOST_LOOKED_THROUGH = 1_000


def among_first(
    readings: QuerySet[models.Reading], standing: str, *, most: int
) -> tuple[QuerySet[models.Reading], tuple[datetime.datetime, int] | None]:
    """
    Return at most so many of those of the first readings of a list that have this standing.

    And time and id of the last one that was looked at, if there may be more behind it.
    """
    told = readings.annotate(told=STANDING)
    looked_at = told.values_list("mpan_core", "read_at", "id", "told")
    rows = list(looked_at[:MOST_LOOKED_THROUGH])
    found = [row for row in rows if row[3] == standing][:most]
    having = models.Reading.objects.filter(
        mpan_core__in={row[0] for row in found}, id__in=[row[2] for row in found]
    ).order_by(*readings.query.order_by)
    is_cut = len(rows) == MOST_LOOKED_THROUGH
    return having, (rows[-1][1], rows[-1][2]) if is_cut else None


def narrowed(readings: QuerySet[models.Reading], standing: str) -> QuerySet[models.Reading]:
    """Return all of the readings that have this standing; each is looked at."""
    return readings.alias(told=STANDING).filter(told=standing)


def tell(readings: Iterable[models.Reading]) -> None:
    """Set the `standing` of each of these readings, by one query."""
    asked = {reading.pk: reading for reading in readings}
    if not asked:
        return
    with db.connection.cursor() as cursor:
        cursor.execute(
            _OF_SOME,
            [
                sorted({reading.mpan_core for reading in asked.values()}),
                sorted({reading.read_at for reading in asked.values()}),
                sorted({reading.serial_key for reading in asked.values()}),
                sorted({reading.identifier for reading in asked.values()}),
            ],
        )
        told = dict(cursor.fetchall())
    for key, reading in asked.items():
        reading.standing = told.get(key, "current")  # where it was erased in between


def tell_whole(readings: Sequence[models.Reading], *, is_cut: bool) -> None:
    """
    Set the `standing` of each reading of a meter point, the oldest first.

    Where they are cut off, more of the oldest's time may be missing. One that is alone at its
    register and time counts, so that of nearly all meter points nothing is asked.
    """
    at_once = collections.Counter(map(_register_and_time, readings))
    cut_at = readings[0].read_at if is_cut else None
    asked = []
    for reading in readings:
        is_alone = at_once[_register_and_time(reading)] == 1 and reading.read_at != cut_at
        if is_alone and reading.reading_type != codes.ReadingType.WITHDRAWN:
            reading.standing = "current"
        else:
            asked.append(reading)
    tell(asked)


def _register_and_time(reading: models.Reading) -> tuple[object, ...]:
    return (reading.read_at, reading.serial_key, reading.identifier)


def of_whole_registers(readings: QuerySet[models.Reading]) -> QuerySet[models.Reading]:
    """
    Return readings of which none of the same register and time is left out, with their standings.

    They are read through the view, whose windows tell all standings in one pass over what is
    asked for, at a cost that is the same however many readings share an MPAN and a time. What
    narrows them is to be the MPAN, the time or the meter.
    """
    readings = readings.all()
    table = str(readings.query.get_initial_alias())
    # By no public way does a model read a view for once.
    readings.query.alias_map[table] = datastructures.BaseTable("reading_standing", table)
    told = RawSQL("reading.standing", [], output_field=CharField())
    return readings.annotate(standing=told)  # type: ignore[no-redef] # the model names it
