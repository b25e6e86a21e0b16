"""Line issues as files to take away: what is wrong in which file, line by line."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import dateparse

from warehouse import models
from warehouse.queries import marks


_ROWS_A_FETCH = 2_000


class Listed(NamedTuple):
    """A row: its fields are the columns."""

    file_name: str
    file_id: str
    file_created_at: datetime.datetime | None
    sender: str
    flow: str
    line_number: int
    kind: str
    mpan_core: str
    severity: str
    code: str
    item: str
    value: str
    message: str
    mark: str
    mark_note: str
    marked_by: str
    marked_at: datetime.datetime | None


def listed(issues: QuerySet[models.LineIssue]) -> Iterator[Listed]:
    """
    Yield the rows of these issues in their order, in constant memory, as they stand at one time.

    :raises django.db.OperationalError: if the server goes away
    """
    rows = issues.values_list(
        "flow_file__file_name",
        "flow_file__file_identifier",
        "flow_file__file_created_at",
        "flow_file__sender",
        "flow_file__flow",
        *Listed._fields[5:-4],
        marks.TOLD,
    )
    # Within a transaction the server hands rows over as it finds them.
    with transaction.atomic():
        yield from (_listed(*row) for row in rows.iterator(chunk_size=_ROWS_A_FETCH))


def _listed(*row: Any) -> Listed:
    *said, mark = row
    if mark is None:
        return Listed._make((*said, marks.OPEN, "", "", None))
    marked_at = dateparse.parse_datetime(mark["marked_at"])
    return Listed._make((*said, mark["status"], mark["note"], mark["marked_by"], marked_at))
