"""Codes, times and foreign text in the words that people read."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Iterable, Mapping

from django.db import models as django_models
from django.utils import dateparse, html, safestring, timezone

from warehouse import codes, models


NOTHING = "–"  # noqa: RUF001 - a dash, as tables have it

# J0001, as Market Domain Data lists them; roles come and go, so an unknown one is shown as sent.
_ROLES: Mapping[str, str] = {
    "A": "half-hourly data aggregator",
    "B": "non-half-hourly data aggregator",
    "C": "half-hourly data collector",
    "D": "non-half-hourly data collector",
    "G": "ISR agent",
    "M": "meter operator",
    "P": "registration agent",
    "R": "distributor",
    "S": "settlement system administrator",
    "V": "prepayment infrastructure provider",
    "W": "revenue protection",
    "X": "supplier",
    "3": "unmetered supplies operator",
    "4": "meter administrator",
    "5": "smart metering system operator",
    "6": "non-half-hourly data retriever",
    "8": "meter asset provider",
    "9": "communications provider",
}


OUTCOMES: Mapping[str, str] = {
    **dict(codes.FlowFileStatus.choices),
    codes.FlowFileStatus.STAGED: "pending",
}
_ITEM_NAMES: dict[str, str] = {}
_OPTION = re.compile(r"--([a-z][a-z-]*[a-z])")

# What each value of the view `reading_standing` is called on screen, and what it means.
STANDING_WORDS: Mapping[str, str] = {
    "current": "counts",
    "repeated": "sent again",
    "superseded": "replaced",
    "withdrawn": "taken back",
    "withdrawal": "takes back",
}
STANDINGS: Mapping[str, str] = {
    "current": "the reading to go by",
    "repeated": "says the same as one that counts; it changes nothing",
    "superseded": "another reading of the same time counts instead: validated, or stated later",
    "withdrawn": "the sender took it back; do not quote it",
    "withdrawal": "takes another reading back, and is none itself",
}
# Those whose values are not to be quoted; a repeated one is the same as one that counts.
NOT_COUNTING = ("superseded", "withdrawn")


def in_words(choices: type[django_models.TextChoices], code: str) -> str:
    """Return what a code means, with the code; one that the catalogue lacks stays as sent."""
    if not code.strip():
        return NOTHING
    label = _labels(choices).get(code)
    return f"{label} ({code})" if label else f"unknown code ({visible(code)})"


def of_column(name: str, reading: models.Reading) -> str:
    """Return what the code in this field of a reading means."""
    return in_words(codes.OF_COLUMNS[name], getattr(reading, name))


@functools.cache
def _labels(choices: type[django_models.TextChoices]) -> Mapping[str, str]:
    """Keep what Django makes anew at each call, for the sake of long lists."""
    return {value: str(label) for value, label in choices.choices}


def site_visit(code: str) -> str:
    return in_words(codes.SiteVisitCode, code)


def participant(role: str, identifier: str) -> str:
    """Return a market participant with its role in words."""
    if not role and not identifier:
        return NOTHING
    name = visible(identifier) or "unnamed"
    return f"{name}, {_ROLES.get(role, 'role')} ({visible(role)})"


def visible(text: str) -> str:
    """
    Return text of unknown origin with everything that does not print written as an escape.

    What steers a terminal or turns the direction of writing would change how its surroundings
    read.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def told(text: str) -> str:
    """Return a message in visible text; options of commands, which few readers type, in words."""
    return _OPTION.sub(lambda option: f"“{option[1].replace('-', ' ')}”", visible(text))


def outcome(flow_file: models.FlowFile) -> str:
    """Return what became of a file; one that is staged and no more is pending for all who look."""
    return OUTCOMES[flow_file.status]


def item(number: str) -> str:
    """Return a catalogue item by its number, with its name where that is known."""
    name = _ITEM_NAMES.get(number)
    return f"{name} ({visible(number)})" if name else visible(number) or NOTHING


def learn_items(names: Mapping[str, str]) -> None:
    """Take over the names of items, by their numbers, from whoever knows the catalogue."""
    _ITEM_NAMES.update(names)


def clock_time(moment: datetime.datetime | None) -> str:
    """Return UK clock time; the zone is told where clocks go back and an hour comes twice."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    text = f"{local.day} {local:%b %Y %H:%M}"
    if local.second:
        text += f":{local.second:02d}"
    is_repeated = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{text} {local:%Z}" if is_repeated else text


def clock_time_tag(moment: datetime.datetime | None) -> safestring.SafeString:
    """Return UK clock time as an element that programs can read as well."""
    if moment is None:
        return html.format_html("{}", NOTHING)
    return html.format_html(
        '<time datetime="{}">{}</time>',
        timezone.localtime(moment).isoformat(),
        clock_time(moment),
    )


def has_times(moments: Iterable[datetime.datetime | None]) -> bool:
    """Tell whether any of these is not of midnight, so that the time of day says something."""
    return any(
        (local.hour, local.minute, local.second) != (0, 0, 0)
        for moment in moments
        if moment is not None
        for local in [timezone.localtime(moment)]
    )


def moment_tag(moment: datetime.datetime | None, *, has_time: bool) -> safestring.SafeString:
    """Return a day as an element that programs can read as well, with its time if asked."""
    if moment is None or has_time:
        return clock_time_tag(moment)
    local = timezone.localtime(moment)
    return html.format_html('<time datetime="{}">{}</time>', local.isoformat(), day(moment))


def mpan_tag(mpan_core: str) -> safestring.SafeString:
    """Return an MPAN in the groups that bills have, with gaps that are not copied with it."""
    groups = (mpan_core[:2], mpan_core[2:6], mpan_core[6:10], mpan_core[10:])
    spans = html.format_html_join("", "<span>{}</span>", ((group,) for group in groups))
    return html.format_html('<span class="mpan">{}</span>', spans)


def minute_tag(moment: datetime.datetime | None) -> safestring.SafeString:
    """Return UK clock time without its seconds: when something arrived, not when it was read."""
    return clock_time_tag(moment.replace(second=0, microsecond=0) if moment else None)


def read_day(text: str) -> datetime.date | None:
    """Return a day that an address asks for, or none."""
    try:
        return dateparse.parse_date(text)
    except ValueError:  # such as the 31st of June
        return None


@functools.lru_cache(maxsize=4096)  # a page tells each day several times
def day(moment: datetime.datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y}"


def finding(code: str) -> str:
    """Return a finding's code as words."""
    return visible(code).replace("-", " ")


def more(count: int, shown: int, most_counted: int) -> str:
    """Return how many of what there is are not shown, if any; it is counted so far and no more."""
    if count <= shown:
        return ""
    if count > most_counted:
        return f"and more than {most_counted - shown:,} more"
    return f"and {count - shown:,} more"
