"""
D0086, "Notification of Change of Supplier Readings".

Source: Data Transfer Catalogue (DTC) 15.4, version 002, by which it must always match D0010.
"""

from __future__ import annotations

from etl.domain.flows import d0010


FLOW = d0010.FLOW.mirrored(
    name="D0086",
    title="Notification of Change of Supplier Readings",
    versions=("002",),
    codes={
        "026": "196",
        "027": "765",
        "028": "197",
        "029": "766",
        "030": "198",
        "032": "07A",
        "033": "199",
    },
)
