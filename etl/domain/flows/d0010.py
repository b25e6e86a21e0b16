"""
D0010, "Meter Readings".

Source: Data Transfer Catalogue (DTC) 15.4, versions 001 and 002.
"""

from __future__ import annotations

from etl.domain import grammar


_VALIDATION_STATUSES = frozenset("VUF")
_READING_TYPES = frozenset("ACDFIMPQRSTUVWXYZ")
_BOOLEANS = frozenset("TF")
_READING_METHODS = frozenset("NP")
_REASON_CODES = frozenset(f"{number:02d}" for number in range(1, 28))
_SITE_VISIT_CODES = frozenset(
    f"{number:02d}"
    for first, last in ((1, 11), (13, 44), (50, 58), (88, 89))
    for number in range(first, last + 1)
)

_SITE_VISIT_ITEMS = (
    grammar.Item(
        "J0024", "Site Visit Check Code", "CHAR(2)", is_mandatory=True, valid_set=_SITE_VISIT_CODES
    ),
    grammar.Item("J0012", "Additional Information", "CHAR(200)"),
)

FLOW = grammar.Flow(
    name="D0010",
    title="Meter Readings",
    versions=("001", "002"),
    groups=(
        grammar.Group(
            code="026",
            kind="meter_point",
            name="MPAN Cores",
            parent=None,
            items=(
                grammar.Item("J0003", "MPAN Core", "NUM(13)", is_mandatory=True),
                grammar.Item(
                    "J0022",
                    "BSC Validation Status",
                    "CHAR(1)",
                    is_mandatory=True,
                    valid_set=_VALIDATION_STATUSES,
                ),
            ),
        ),
        grammar.Group(
            code="027",
            kind="visit_at_meter_point",
            name="Site Visit Information",
            parent="026",
            items=_SITE_VISIT_ITEMS,
        ),
        grammar.Group(
            code="028",
            kind="meter",
            name="Meter/Reading Types",
            parent="026",
            items=(
                grammar.Item("J0004", "Meter Id", "CHAR(10)", is_mandatory=True),
                grammar.Item(
                    "J0171", "Reading Type", "CHAR(1)", is_mandatory=True, valid_set=_READING_TYPES
                ),
            ),
        ),
        grammar.Group(
            code="029",
            kind="visit_at_meter",
            name="Site Visit Information",
            parent="028",
            items=_SITE_VISIT_ITEMS,
        ),
        grammar.Group(
            code="030",
            kind="reading",
            name="Register Readings",
            parent="028",
            items=(
                grammar.Item("J0010", "Meter Register Id", "CHAR(2)", is_mandatory=True),
                grammar.Item("J0016", "Reading Date & Time", "DATETIME", is_mandatory=True),
                grammar.Item("J0040", "Register Reading", "NUM(9,1)", is_mandatory=True),
                grammar.Item("J0044", "MD Reset Date & Time", "DATETIME"),
                grammar.Item("J1013", "Number of MD Resets", "NUM(3)"),
                grammar.Item("J0045", "Meter Reading Flag", "BOOLEAN", valid_set=_BOOLEANS),
                # Version 001 ends before this item (DTC CP 3419).
                grammar.Item(
                    "J1888",
                    "Reading Method",
                    "CHAR(1)",
                    is_mandatory=True,
                    valid_set=_READING_METHODS,
                    since="002",
                ),
            ),
        ),
        # The catalogue's range is "1", yet no real file carries the group: at most one.
        grammar.Group(
            code="032",
            kind="result",
            name="Meter Reading Validation Result",
            parent="030",
            is_single=True,
            items=(
                # Mandatory in the catalogue. The result counts without one, with a warning.
                grammar.Item(
                    "J0332", "Meter Reading Reason Code", "CHAR(2)", valid_set=_REASON_CODES
                ),
                grammar.Item(
                    "J0047",
                    "Meter Reading Status",
                    "BOOLEAN",
                    is_mandatory=True,
                    valid_set=_BOOLEANS,
                ),
            ),
        ),
        grammar.Group(
            code="033",
            kind="visit_at_reading",
            name="Site Visit Information",
            parent="030",
            items=_SITE_VISIT_ITEMS,
        ),
    ),
)
