"""
The D0010 grammar as data: groups, parents, ranges, items, formats, valid sets.

Source: Data Transfer Catalogue (DTC) 15.4, flow D0010 "Meter Readings", versions 001 and 002.
Positions count from 1 behind the group code, as `split_part(payload, '|', 1 + position)` does.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """A data item of a group: its J-number, its format as the catalogue writes it."""

    number: str
    name: str
    format: str
    is_mandatory: bool = False
    valid_set: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """
    A line type: its code, the group it stands under, how often, and its items in order.

    `kind` is what a line of it is, whatever a flow's code for that: a word of `staged_line`.
    """

    code: str
    kind: str
    name: str
    parent: str | None
    occurs: str
    items: tuple[Item, ...]


VALIDATION_STATUSES = frozenset("VUF")
READING_TYPES = frozenset("ACDFIMPQRSTUVWXYZ")
BOOLEANS = frozenset("TF")
READING_METHODS = frozenset("NP")
REASON_CODES = frozenset(f"{number:02d}" for number in range(1, 28))
SITE_VISIT_CODES = frozenset(
    f"{number:02d}"
    for first, last in ((1, 11), (13, 44), (50, 58), (88, 89))
    for number in range(first, last + 1)
)

_SITE_VISIT_ITEMS = (
    Item(
        number="J0024",
        name="Site Visit Check Code",
        format="CHAR(2)",
        is_mandatory=True,
        valid_set=SITE_VISIT_CODES,
    ),
    Item(number="J0012", name="Additional Information", format="CHAR(200)"),
)

GROUPS: Mapping[str, Group] = {
    group.code: group
    for group in (
        Group(
            code="026",
            kind="meter_point",
            name="MPAN Cores",
            parent=None,
            occurs="1-*",
            items=(
                Item(number="J0003", name="MPAN Core", format="NUM(13)", is_mandatory=True),
                Item(
                    number="J0022",
                    name="BSC Validation Status",
                    format="CHAR(1)",
                    is_mandatory=True,
                    valid_set=VALIDATION_STATUSES,
                ),
            ),
        ),
        Group(
            code="027",
            kind="visit_at_meter_point",
            name="Site Visit Information",
            parent="026",
            occurs="0-*",
            items=_SITE_VISIT_ITEMS,
        ),
        Group(
            code="028",
            kind="meter",
            name="Meter/Reading Types",
            parent="026",
            occurs="1-*",
            items=(
                Item(number="J0004", name="Meter Id", format="CHAR(10)", is_mandatory=True),
                Item(
                    number="J0171",
                    name="Reading Type",
                    format="CHAR(1)",
                    is_mandatory=True,
                    valid_set=READING_TYPES,
                ),
            ),
        ),
        Group(
            code="029",
            kind="visit_at_meter",
            name="Site Visit Information",
            parent="028",
            occurs="0-*",
            items=_SITE_VISIT_ITEMS,
        ),
        Group(
            code="030",
            kind="reading",
            name="Register Readings",
            parent="028",
            occurs="0-*",
            items=(
                Item(
                    number="J0010", name="Meter Register Id", format="CHAR(2)", is_mandatory=True
                ),
                Item(
                    number="J0016",
                    name="Reading Date & Time",
                    format="DATETIME",
                    is_mandatory=True,
                ),
                Item(
                    number="J0040", name="Register Reading", format="NUM(9,1)", is_mandatory=True
                ),
                Item(number="J0044", name="MD Reset Date & Time", format="DATETIME"),
                Item(number="J1013", name="Number of MD Resets", format="NUM(3)"),
                Item(
                    number="J0045",
                    name="Meter Reading Flag",
                    format="BOOLEAN",
                    valid_set=BOOLEANS,
                ),
                # Version 001 ends before this item (DTC CP 3419).
                Item(
                    number="J1888",
                    name="Reading Method",
                    format="CHAR(1)",
                    is_mandatory=True,
                    valid_set=READING_METHODS,
                ),
            ),
        ),
        # The catalogue's range is "1", yet no real file carries the group: 0-1 (spec, section 4).
        Group(
            code="032",
            kind="result",
            name="Meter Reading Validation Result",
            parent="030",
            occurs="0-1",
            items=(
                Item(
                    number="J0332",
                    name="Meter Reading Reason Code",
                    format="CHAR(2)",
                    valid_set=REASON_CODES,
                ),
                Item(
                    number="J0047",
                    name="Meter Reading Status",
                    format="BOOLEAN",
                    is_mandatory=True,
                    valid_set=BOOLEANS,
                ),
            ),
        ),
        Group(
            code="033",
            kind="visit_at_reading",
            name="Site Visit Information",
            parent="030",
            occurs="0-*",
            items=_SITE_VISIT_ITEMS,
        ),
    )
}

# What a line is that belongs to no group: of the envelope, or of none that is known.
ENVELOPE_KINDS: Mapping[str, str] = {"ZHV": "header", "ZPT": "trailer"}
UNKNOWN_KIND = "unknown"

FLOW = "D0010"
VERSIONS = ("001", "002")


@functools.cache
def descendants(code: str) -> tuple[str, ...]:
    """Return the codes of all groups that stand under this one."""
    children = [group.code for group in GROUPS.values() if group.parent == code]
    return tuple(children + [below for child in children for below in descendants(child)])
