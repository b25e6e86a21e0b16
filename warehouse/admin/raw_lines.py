"""The way from a row to the line it came from, which the pipeline may keep or not."""

from __future__ import annotations

from django import urls
from django.utils import html, safestring

from warehouse import codes, models


def line_id(flow_file_id: int, line_number: int) -> int:
    return flow_file_id << 32 | line_number


def are_kept(flow_file: models.FlowFile) -> bool:
    """
    Tell from the file's own row whether there are raw lines of it.

    A file that is rejected at first sight is never staged; one that is refused later, because it
    was to load whole or not at all, keeps the lines that explain it.
    """
    is_rejected_unseen = (
        flow_file.status == codes.FlowFileStatus.REJECTED and flow_file.transformed_at is None
    )
    return flow_file.purged_at is None and not is_rejected_unseen


def url(line_id: int, flow_file: models.FlowFile) -> str:
    """
    Return the address of the page of a raw line.

    It is empty where no pipeline is installed, or where the file keeps no lines.
    """
    if not are_kept(flow_file):
        return ""
    try:
        return urls.reverse("admin:etl_stagedline_change", args=[line_id])
    except urls.NoReverseMatch:
        return ""


def link(line_id: int, flow_file: models.FlowFile) -> safestring.SafeString:
    """Return the number of a line, with a link to it where there is one."""
    number = line_id & 0xFFFF_FFFF
    address = url(line_id, flow_file)
    if not address:
        return html.format_html("line {}", number)
    return html.format_html('<a href="{}">line {}</a>', address, number)
