"""What the tables hold after a load, in short."""

from __future__ import annotations

from etl.models import StagedLine
from warehouse import models


def counts() -> dict[str, int]:
    return {
        "flow_file": models.FlowFile.objects.count(),
        "meter_point": models.MeterPoint.objects.count(),
        "meter": models.Meter.objects.count(),
        "register": models.Register.objects.count(),
        "reading": models.Reading.objects.count(),
        "staged_line": StagedLine.objects.count(),
    }


def stored(**filters: object) -> set[tuple[str, str, str, str]]:
    """Return (MPAN, serial number, register, value) of the readings."""
    serial_numbers = {
        (meter.mpan_core, meter.serial_key): meter.serial_number
        for meter in models.Meter.objects.all()
    }
    return {
        (
            reading.mpan_core,
            serial_numbers[reading.mpan_core, reading.serial_key],
            reading.identifier,
            str(reading.value),
        )
        for reading in models.Reading.objects.filter(**filters)
    }


SAMPLE_COUNTS = {
    "flow_file": 1,
    "meter_point": 11,
    "meter": 11,
    "register": 13,
    "reading": 13,
    "staged_line": 37,
}
