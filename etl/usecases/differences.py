"""What `reconcile` finds, whichever way it looks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from etl.domain import clock
from etl.postgres import staged_lines
from warehouse import keys


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """Something of one file that is not as it should be."""

    flow_file_id: int
    what: str
    expected: int
    found: int


def unexpected(flow_file_id: int, what: str, *, found: int = 1) -> Difference:
    return Difference(flow_file_id=flow_file_id, what=what, expected=0, found=found)


def parameters(first_file_id: int, last_file_id: int) -> Mapping[str, Any]:
    """Return what the statements are to be told about these files and those between."""
    first_stretch, last_stretch = staged_lines.stretches(first_file_id, last_file_id)
    return {
        "first_file_id": first_file_id,
        "last_file_id": last_file_id,
        "first_line_id": staged_lines.line_ids(first_file_id)[0],
        "last_line_id": staged_lines.line_ids(last_file_id)[1],
        "first_stretch": first_stretch,
        "last_stretch": last_stretch,
        "time_zone": clock.TIME_ZONE,
        "blanks": keys.BLANKS,
    }
