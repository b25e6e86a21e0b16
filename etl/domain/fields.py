"""Values of header and trailer: from bytes to what they say, if they say it."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Sequence


_LONGEST_SHOWN = 60  # fits a line of a screen, and any index


# A record is asked for what it says, and again for what is wrong with that.
@functools.lru_cache(maxsize=8)
def values_of(record: bytes, *, count: int) -> Sequence[str]:
    """Return what stands behind the record code, without padding, and at least so many values."""
    # What is not text is refused, yet what can be read of it is kept, and PostgreSQL has no NUL.
    fields = record.replace(b"\0", b"").decode("latin-1").split("|")
    values = [field.strip() for field in fields[1:]]
    return (*values, *[""] * (count - len(values)))


@functools.lru_cache(maxsize=8)
def clock_time(text: str) -> datetime.datetime | None:
    """Return UK clock time as sent, so without a zone; none where there is no such time."""
    is_stamp = len(text) == len("ccyymmddhhmmss") and is_number(text, digits=len(text))
    if not is_stamp or not "1950" <= text[:4] < "2200":
        return None
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:])
    try:
        return datetime.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - see above
    except ValueError:
        return None


def is_number(text: str, *, digits: int) -> bool:
    return 0 < len(text) <= digits and text.isascii() and text.isdigit()


def short(value: str) -> str:
    return value if len(value) <= _LONGEST_SHOWN else f"{value[:_LONGEST_SHOWN]}…"
