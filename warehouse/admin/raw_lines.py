"""
The way from a row to the line it came from, which the pipeline may keep or not.

The pipeline tells here where it shows one.
"""

from __future__ import annotations

from django.utils import html, safestring

from warehouse import codes, models, words
from warehouse.admin import addresses


_PAGES: list[str] = []


def learn_page(name: str) -> None:
    """Take over the name of the page that shows a raw line, whose id it takes."""
    _PAGES[:] = [name]


def line_id(flow_file_id: int, line_number: int) -> int:
    return flow_file_id << 32 | line_number


def is_rejected_unseen(flow_file: models.FlowFile) -> bool:
    """
    Tell whether a file was rejected at first sight, and never staged.

    One that is refused later, because it was to load whole or not at all, keeps the lines that
    explain it.
    """
    return flow_file.status == codes.FlowFileStatus.REJECTED and flow_file.transformed_at is None


def are_kept(flow_file: models.FlowFile) -> bool:
    """Tell from the file's own row whether there are raw lines of it."""
    return flow_file.purged_at is None and not is_rejected_unseen(flow_file)


def why_not_whole(flow_file: models.FlowFile) -> str:
    """Return why raw lines do not give the file once more; nothing where they do."""
    if flow_file.purged_at is not None:
        return f"The raw lines of this file were purged on {words.day(flow_file.purged_at)}."
    if flow_file.digest or flow_file.forgotten_line_count:
        return "A meter point of this file was forgotten, and its raw lines."
    if is_rejected_unseen(flow_file):
        return "The file was rejected before its raw lines were stored."
    return ""


def url(line_id: int, flow_file: models.FlowFile) -> str:
    """
    Return the address of the page of a raw line.

    It is empty where no pipeline has told of one, or where the file keeps no lines.
    """
    if not _PAGES or not are_kept(flow_file):
        return ""
    return addresses.page(_PAGES[0], line_id)


def link(line_id: int, flow_file: models.FlowFile) -> safestring.SafeString:
    """Return the number of a line, with a link to it where there is one."""
    number = line_id & 0xFFFF_FFFF
    address = url(line_id, flow_file)
    if not address:
        return html.format_html("line {}", number)
    return html.format_html('<a href="{}">line {}</a>', address, number)
