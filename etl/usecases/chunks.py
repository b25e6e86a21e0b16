"""Flow files some at a time, so that memory and a transaction stay small."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from warehouse import models


_FILES = 2_000
_LINES = 200_000


def of(
    flow_files: QuerySet[models.FlowFile], *, lines: int = _LINES
) -> Iterator[Sequence[models.FlowFile]]:
    """Yield the files in the order of their ids, each chunk as it is when its turn comes."""
    after = 0
    while found := list(flow_files.filter(id__gt=after).order_by("id")[:_FILES]):
        totals = itertools.accumulate(flow_file.line_count for flow_file in found)
        fitting = sum(total <= lines for total in totals)
        chunk = found[: max(fitting, 1)]
        yield chunk
        after = chunk[-1].pk
