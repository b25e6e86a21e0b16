"""
The reports of what is missing and of what jumps: pages by the MPAN, and the whole as CSV.

No index tells what to report, so a page shows what it finds at few meter points, at once. A script
looks further from there, step by step, until the page is full; without it a link does.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core import exceptions
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import html, safestring, timezone

from warehouse import codes, keys, words
from warehouse.admin import audit, downloads, searching
from warehouse.queries import files, gaps, sheets


MOST_ROWS = 25  # of a page, and what else is of its last meter point
# Meter points that a page looks through, and each step further: a tenth of a second at most.
AT_ONCE = {"gaps": 2_500, "jumps": 1_000}
FURTHER = 10_000
MOST_METER_POINTS = 10**12
DAYS, MOST_DAYS = 90, 36_500
TIMES, MOST_TIMES = 10, 1_000_000

_Row = gaps.Gap | gaps.Jump
_Stretches = Iterator[gaps.Stretch[Any]]


def gaps_page(request: HttpRequest) -> HttpResponseBase:
    """Show where readings are missing."""
    return _report(request, "gaps", gaps.gaps, _gap, gaps.Gap._fields)


def jumps_page(request: HttpRequest) -> HttpResponseBase:
    """Show where readings jump."""
    times = _number(request, "times", TIMES, gaps.FEWEST_TIMES, MOST_TIMES)
    find = functools.partial(gaps.jumps, times=times)
    return _report(request, "jumps", find, _jump, gaps.Jump._fields, times=times)


def _report(
    request: HttpRequest,
    name: str,
    find: Callable[..., _Stretches],
    in_words: Callable[[Any], Mapping[str, Any]],
    columns: Sequence[str],
    **asked: int,
) -> HttpResponseBase:
    """
    Show a page of a report, or hand on all of it.

    :raises PermissionDenied: if the user may not see readings, or posts
    """
    if request.method != "GET" or not request.user.has_perm("warehouse.view_reading"):
        raise exceptions.PermissionDenied
    now = timezone.now()
    until = gaps.measured_at(now)
    asked["days"] = _number(request, "days", DAYS, 1, MOST_DAYS)
    sender = request.GET.get("sender", "").replace("\0", "")
    stretches = functools.partial(find, days=asked["days"], until=until, now=now, sender=sender)
    if until and request.GET.get("format") == "csv":
        return _csv(request, name, stretches(), columns)
    found = _found(request, stretches, in_words, AT_ONCE[name]) if until else {}
    found |= {"name": name, "query": urlencode({**asked, "sender": sender})}
    if request.GET.get("part") == "found":  # for a script, which puts it into the page
        return TemplateResponse(request, "admin/warehouse/gaps_found.html", found)
    context = {
        **admin.site.each_context(request),
        "title": "Meter points without readings" if name == "gaps" else "Sudden jumps",
        "asked": {**asked, "sender": sender},
        "senders": _senders(sender),
        "measured_at": words.day(until) if until else "",
        "last_advances": gaps.LAST_ADVANCES,
        "least_advances": gaps.LEAST_ADVANCES,
        **found,
    }
    return TemplateResponse(request, "admin/warehouse/gaps.html", context)


def _number(request: HttpRequest, name: str, default: int, least: int, most: int) -> int:
    typed = request.GET.get(name, "").strip()
    is_number = typed.isascii() and typed.isdecimal() and len(typed) <= len(str(most))
    return min(max(int(typed), least), most) if is_number else default


def _senders(asked: str) -> Sequence[tuple[str, str]]:
    found = [*files.senders()]
    if asked and asked not in found:
        found.append(asked)
    return [(sender, words.visible(sender)) for sender in found]


def _found(
    request: HttpRequest,
    find: Callable[..., _Stretches],
    in_words: Callable[[Any], Mapping[str, Any]],
    at_once: int,
) -> dict[str, Any]:
    """Return what is found behind the place that is asked for, and where to go on."""
    after = request.GET.get("after", "")
    after = after if keys.mpan_core(after) == after else ""
    looked = _number(request, "looked", 0, 0, MOST_METER_POINTS) if after else 0
    # A page is told how many rows stand before its own: it is to be filled, at some more length.
    shown = _number(request, "shown", 0, 0, MOST_ROWS - 1)
    stretch = next(find(after=after, at_once=FURTHER if "shown" in request.GET else at_once))
    rows, through, lacking = stretch.rows, stretch.through, MOST_ROWS - shown
    is_full = len(rows) > lacking or (len(rows) == lacking and bool(through))
    if is_full:
        through = rows[lacking - 1].mpan_core
        rows = [row for row in rows if row.mpan_core <= through]
    audit.record(request, [row.mpan_core for row in rows], codes.LookedAt.LIST)
    looked += gaps.meter_points(after=after, through=through)
    about = gaps.about_meter_points()
    step = {"after": through, "looked": looked}
    return {
        "rows": [{**_beside(row), **in_words(row)} for row in rows],
        "is_none": not shown + len(rows),
        "is_full": is_full,
        "after": after,
        "through": through,
        "looked": f"{looked:,}",
        "about": f"{float(f'{about:.2g}'):,.0f}" if about > looked else "",
        "step": urlencode(step if is_full else {**step, "shown": shown + len(rows)}),
    }


def _csv(
    request: HttpRequest, name: str, stretches: _Stretches, columns: Sequence[str]
) -> StreamingHttpResponse:
    # The id of the file is for links.
    def rows() -> Iterable[tuple[object, ...]]:
        for stretch in stretches:
            mpan_cores = [row.mpan_core for row in stretch.rows]
            audit.record(request, mpan_cores, codes.LookedAt.DOWNLOAD)
            yield from (row[:-1] for row in stretch.rows)

    return downloads.response(name, sheets.csv(columns[:-1], rows()))


def _beside(row: _Row) -> Mapping[str, Any]:
    url = reverse("admin:warehouse_flowfile_change", args=[row.flow_file_id])
    return {
        "mpan": _link(searching.meter_point_url(row.mpan_core), row.mpan_core),
        "sender": words.participant(row.sender_role, row.sender),
        "file": _link(url, words.visible(row.file_name)),
        "line_number": row.line_number,
    }


def _gap(row: gaps.Gap) -> Mapping[str, Any]:
    return {
        "days": "never" if row.days is None else f"{row.days:,}",
        "latest": _reading(row.value, row.read_at),
        "register": _register(row) if row.read_at else words.NOTHING,
    }


def _jump(row: gaps.Jump) -> Mapping[str, Any]:
    return {
        "register": _register(row),
        "before": _reading(row.from_value, row.from_at),
        "latest": _reading(row.value, row.read_at),
        "per_day": f"{row.per_day:,.1f}",
        "usual": f"{row.usual_per_day:,.1f}",
    }


def _register(row: _Row) -> str:
    return f"{words.visible(row.register)} of meter {words.visible(row.serial_number)}"


def _reading(value: object, read_at: datetime.datetime | None) -> safestring.SafeString:
    if read_at is None:
        return html.format_html("{}", words.NOTHING)
    return html.format_html("{} on {}", value, words.moment_tag(read_at, has_time=False))


def _link(url: str, text: str) -> safestring.SafeString:
    return html.format_html('<a href="{}">{}</a>', url, text)
