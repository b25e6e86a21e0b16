"""The help page: what the words on screen mean, and what to say to a caller."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from warehouse import codes, words


_CODES = (
    ("Reading types (J0171)", codes.ReadingType),
    ("Validation (J0022)", codes.ValidationStatus),
    ("Flag, and status after checking (J0045, J0047)", codes.ReadingFlag),
    ("Reading method (J1888)", codes.ReadingMethod),
    ("Why a reading is suspect (J0332)", codes.ReasonCode),
    ("Site visits (J0024)", codes.SiteVisitCode),
)


def page(request: HttpRequest) -> HttpResponse:
    """Show what everybody may know who is logged in: it names no meter point."""
    context = {
        **admin.site.each_context(request),
        "title": "Help",
        "standings": [
            (word, words.STANDINGS[code], code) for code, word in words.STANDING_WORDS.items()
        ],
        "codes": [(heading, choices.choices) for heading, choices in _CODES],
    }
    return TemplateResponse(request, "admin/warehouse/help.html", context)
