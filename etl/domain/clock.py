"""The clock of a flow: date-times are London clock time unless stated otherwise (DTC Domains)."""

from __future__ import annotations

import zoneinfo


TIME_ZONE = "Europe/London"
LONDON = zoneinfo.ZoneInfo(TIME_ZONE)
