"""Line issues as files to take away: what is wrong in which file, line by line."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from warehouse import models


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
        *Listed._fields[5:],
    )
    # Within a transaction the server hands rows over as it finds them.
    with transaction.atomic():
        yield from map(Listed._make, rows.iterator(chunk_size=_ROWS_A_FETCH))
