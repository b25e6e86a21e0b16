"""The search box of readings, meters and meter points: one way of searching, one answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.contrib.admin.views import main
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from warehouse import keys, models, words
from warehouse.admin import read_only
from warehouse.queries import search, terms


Row = TypeVar("Row", bound=Model)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A meter point to try instead, and the words for it."""

    label: str
    url: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What was searched, what to make of it, and what to try if that is nothing."""

    heading: str
    advice: Sequence[str] = ()
    suggestions: Sequence[Suggestion] = ()
    issues_url: str = ""


class SearchAdmin(read_only.ReadOnlyAdmin, Generic[Row]):
    """A list that is searched by MPAN or meter serial number."""

    search_fields = ("mpan_core",)  # shows the box; what is searched is told below
    search_help_text = (
        "An MPAN: its 13 digits, all 21 of a supply number, or how it begins. Or a meter serial"
        " number, or how it begins or ends. Spaces and capitals make no difference. Or a list of"
        " them, with commas between."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        term = search_term.strip()
        return search.narrowed(found_by(request, term), queryset) if term else queryset, False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        term = typed(request)
        if not term:
            return super().changelist_view(request, extra_context)
        found = found_by(request, term)
        if self.opens_single_hit(request) and found.only_meter_point is not None:
            return HttpResponseRedirect(url_of(found))
        return super().changelist_view(
            request, {"answer": _answer(found), "found": found, **(extra_context or {})}
        )

    def opens_single_hit(self, request: HttpRequest) -> bool:
        """Tell whether a term that can mean one meter point only goes straight there."""
        return request.method == "GET" and self.has_view_permission(request)


def typed(request: HttpRequest) -> str:
    """Return what is searched; nothing is where the list's own form refuses it, for a NUL."""
    term = request.GET.get(main.SEARCH_VAR, "").strip()
    return "" if "\0" in term else term


def found_by(request: HttpRequest, term: str) -> search.Found:
    """Look up once a request: the list, its heading and its way out all ask."""
    known: search.Found | None = getattr(request, "found", None)
    if known is None or known.term.typed != term:
        known = search.look_up(term)
        request.found = known  # type: ignore[attr-defined] # a request carries what middleware likes
    return known


def url_of(found: search.Found) -> str:
    """Return the address of the only meter point found, at the meter if one was searched."""
    if len(found.meters) == 1:
        return meter_url(found.meters[0])
    return meter_point_url(found.only_meter_point or "")


def meter_point_url(mpan_core: str) -> str:
    return reverse("admin:warehouse_meterpoint_change", args=[mpan_core])


def meter_url(meter: models.Meter) -> str:
    """Return the address of a meter's place on the page of its meter point."""
    return f"{meter_point_url(meter.mpan_core)}#meter-{meter.pk}"


def _answer(found: search.Found) -> Answer:
    if found.items:
        return _answer_to_list(found)
    if found.term.mpan_core:
        return _answer_to_mpan(found)
    if found.meter_points:
        return _answer_of_several(found)
    return _answer_to_nothing(found)


def _answer_to_list(found: search.Found) -> Answer:
    asked = found.items[: terms.MOST_ITEMS]
    advice = []
    if len(found.items) > len(asked):
        advice.append(f"Only the first {len(asked)} of {len(found.items)} were looked up.")
    if found.has_more:
        advice.append(f"Only the first {search.MOST_METERS} meters are shown.")
    if found.missing:
        missing = ", ".join(map(words.visible, found.missing))
        advice.append(f"Nothing is found for {missing}.")
    of_all = ", ".join(asked)
    readings = Suggestion(label="Their readings", url=search_url("reading_changelist", of_all))
    csv = Suggestion(label="Their readings as CSV", url=search_url("reading_download", of_all))
    return Answer(
        heading=f"{len(asked) - len(found.missing)} of {len(asked)} found",
        advice=advice,
        suggestions=[readings, csv] if found.meter_points else (),
    )


def search_url(name: str, typed: str) -> str:
    """Return the address of a page of the warehouse, searched for this."""
    return f"{reverse(f'admin:warehouse_{name}')}?{urlencode({main.SEARCH_VAR: typed})}"


def _answer_to_mpan(found: search.Found) -> Answer:
    mpan_core = found.term.mpan_core
    if found.meter_points:
        suggestion = Suggestion(label="Open its page", url=meter_point_url(mpan_core))
        return Answer(heading=f"MPAN {mpan_core}", suggestions=[suggestion])
    if keys.has_right_check_digit(mpan_core):
        advice = [
            "The MPAN is valid, its check digit is right; no reading for it has been loaded.",
            "Try the serial number of the meter: it may be known under another MPAN.",
        ]
    else:
        advice = [
            (
                "It is mistyped: the last digit does not agree with the other twelve."
                " Compare it with the bill, digit by digit."
            )
        ]
    near = search.near_meter_points(mpan_core)
    if near:
        advice.append("Known MPANs that are one slip of a finger away:")
    issues = models.LineIssue.objects.filter(mpan_core=mpan_core)
    return Answer(
        heading=f"No meter point has the MPAN {mpan_core}.",
        advice=advice,
        suggestions=[_meter_point_suggestion(other) for other in near],
        issues_url=search_url("lineissue_changelist", mpan_core) if issues.exists() else "",
    )


def _answer_of_several(found: search.Found) -> Answer:
    typed = words.visible(found.term.serial_key)
    manner = "is" if found.is_exact else "begins or ends with"
    heading = f"Meters whose serial number {manner} {typed}"
    advice = []
    if found.by_mpan:
        heading = f"Meter points whose MPAN begins with {typed}"
        if found.meters:
            heading += f", and meters whose serial number {manner} it"
    elif not found.is_exact:
        advice.append(f"No meter has exactly the serial number {typed}.")
    if len(found.term.digits) > 10:  # noqa: PLR2004 - a serial number has ten characters
        advice.append(f"An MPAN has 13 digits, here are {len(found.term.digits)}.")
    if found.has_more:
        advice.append(f"These are the first {search.MOST_METERS} meters; type more of it.")
    if len(found.by_mpan) == search.MOST_METERS:
        advice.append(
            f"These are the first {search.MOST_METERS} meter points; type more of the MPAN."
        )
    by_mpan = [_meter_point_suggestion(mpan_core) for mpan_core in found.by_mpan]
    meters = [_meter_suggestion(meter) for meter in found.meters]
    return Answer(heading=heading, advice=advice, suggestions=[*meters[:10], *by_mpan[:10]])


def _answer_to_nothing(found: search.Found) -> Answer:
    heading = f"Nothing is found for {words.visible(found.term.serial_key)}."
    advice = []
    digits = found.term.digits
    if len(digits) > 10:  # noqa: PLR2004 - a serial number has ten characters
        advice.append(f"An MPAN has 13 digits, here are {len(digits)}.")
        meter_points = search.near_meter_points(digits)
        if meter_points:
            difference = "more" if len(digits) < len(meter_points[0]) else "less"
            advice.append(f"Known MPANs with one digit {difference}:")
            suggestions = [_meter_point_suggestion(mpan_core) for mpan_core in meter_points]
            return Answer(heading=heading, advice=advice, suggestions=suggestions)
    meant = [_meter_suggestion(meter) for meter in search.meant_meters(found.term.serial_key)]
    mpan_core = terms.mpan_core_meant(found.term.serial_key)
    if mpan_core:
        meant.append(_meter_point_suggestion(mpan_core))
    if meant:
        advice.append("Did you mean this? O and 0, I and 1, S and 5 are easily mistaken:")
        return Answer(heading=heading, advice=advice, suggestions=meant)
    near = search.near_meters(found.term.serial_key)
    if near:
        advice.append("Meters whose serial numbers begin like it:")
    else:
        advice.append("Try the first or the last characters of the serial number, or the MPAN.")
    return Answer(
        heading=heading,
        advice=advice,
        suggestions=[_meter_suggestion(meter) for meter in near],
    )


def _meter_point_suggestion(mpan_core: str) -> Suggestion:
    return Suggestion(label=mpan_core, url=meter_point_url(mpan_core))


def _meter_suggestion(meter: models.Meter) -> Suggestion:
    return Suggestion(
        label=f"{words.visible(meter.serial_number)} at {meter.mpan_core}",
        url=meter_url(meter),
    )
