"""Charts of what arrived: the files of each day, a small one for each of those who sent most."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from django.utils import safestring, timezone

from warehouse import words
from warehouse.admin import drawing
from warehouse.queries import arrivals


_HEIGHT = 130
_LEAST_HIGHEST = 4  # so that the ticks are whole numbers


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    title: str
    description: str
    drawn: safestring.SafeString


def of_senders(found: Sequence[arrivals.Daily]) -> Sequence[Chart]:
    """Return a chart of each sender, and one of the others together, over the same days."""
    today = timezone.localdate()
    days = [today - datetime.timedelta(days=ago) for ago in range(arrivals.RECENT_DAYS)]
    return [_chart(one, [*reversed(days)]) for one in found]


def _chart(one: arrivals.Daily, days: Sequence[datetime.date]) -> Chart:
    name = words.participant(one.sender_role, one.sender) if one.sender else "All others"
    most = max(one.files.values())
    plot = drawing.Plot(
        first=arrivals.midnight(days[0]),
        last=arrivals.day_after(days[-1]),
        lowest=0,
        highest=max(most, _LEAST_HIGHEST),
        height=_HEIGHT,
    )
    for day in days:
        if count := one.files.get(day):
            label = f"{_files(count)} on {words.day(arrivals.midnight(day))}"
            plot.bar(arrivals.midnight(day), arrivals.day_after(day), count, label)
    total, came = sum(one.files.values()), len(one.files)
    last = words.day(arrivals.midnight(max(one.files)))
    return Chart(
        title=name,
        description=f"{_files(total)} on {came} of {len(days)} days, at most {most:,} on one;"
        f" the last on {last}.",
        drawn=plot.svg(f"Files a day from {name}", "files a day", ()),
    )


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"
