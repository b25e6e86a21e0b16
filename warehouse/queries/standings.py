"""Whether a reading counts, as the view `reading_standing` tells it, for each row of a query."""

from __future__ import annotations

from django.db.models import CharField, QuerySet
from django.db.models.expressions import RawSQL

from warehouse import models


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


def with_standing(readings: QuerySet[models.Reading]) -> QuerySet[models.Reading]:
    """Return the readings, each with its `standing`."""
    return readings.annotate(standing=STANDING)  # type: ignore[no-redef] # the model names it
