"""The way from a row to the line it came from, which the pipeline may keep or not."""

from __future__ import annotations

from django import urls
from django.utils import html, safestring


def line_id(flow_file_id: int, line_number: int) -> int:
    return flow_file_id << 32 | line_number


def url(line_id: int) -> str:
    """Return the address of the page of a raw line, empty where no pipeline is installed."""
    try:
        return urls.reverse("admin:etl_stagedline_change", args=[line_id])
    except urls.NoReverseMatch:
        return ""


def link(line_id: int) -> safestring.SafeString:
    """Return the number of a line, with a link to it where there is one."""
    number = line_id & 0xFFFF_FFFF
    address = url(line_id)
    if not address:
        return html.format_html("{}", number)
    return html.format_html('<a href="{}">line {}</a>', address, number)
