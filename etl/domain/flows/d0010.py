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
        number="J0024",
        name="Site Visit Check Code",
        format="CHAR(2)",
        is_mandatory=True,
        valid_set=_SITE_VISIT_CODES,
    ),
    grammar.Item(number="J0012", name="Additional Information", format="CHAR(200)"),
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
                grammar.Item(
                    number="J0003", name="MPAN Core", format="NUM(13)", is_mandatory=True
                ),
                grammar.Item(
                    number="J0022",
                    name="BSC Validation Status",
                    format="CHAR(1)",
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
                grammar.Item(
                    number="J0004", name="Meter Id", format="CHAR(10)", is_mandatory=True
                ),
                grammar.Item(
                    number="J0171",
                    name="Reading Type",
                    format="CHAR(1)",
                    is_mandatory=True,
                    valid_set=_READING_TYPES,
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
                grammar.Item(
                    number="J0010", name="Meter Register Id", format="CHAR(2)", is_mandatory=True
                ),
                grammar.Item(
                    number="J0016",
                    name="Reading Date & Time",
                    format="DATETIME",
                    is_mandatory=True,
                ),
                grammar.Item(
                    number="J0040", name="Register Reading", format="NUM(9,1)", is_mandatory=True
                ),
                grammar.Item(number="J0044", name="MD Reset Date & Time", format="DATETIME"),
                grammar.Item(number="J1013", name="Number of MD Resets", format="NUM(3)"),
                grammar.Item(
                    number="J0045",
                    name="Meter Reading Flag",
                    format="BOOLEAN",
                    valid_set=_BOOLEANS,
                ),
                # Version 001 ends before this item (DTC CP 3419).
                grammar.Item(
                    number="J1888",
                    name="Reading Method",
                    format="CHAR(1)",
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
                    number="J0332",
                    name="Meter Reading Reason Code",
                    format="CHAR(2)",
                    valid_set=_REASON_CODES,
                ),
                grammar.Item(
                    number="J0047",
                    name="Meter Reading Status",
                    format="BOOLEAN",
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
