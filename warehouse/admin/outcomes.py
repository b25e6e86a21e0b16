"""What became of a file, as an icon with its words: neither shape nor color stands alone."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import html, safestring

from warehouse import codes, models, words


# Drawn on a square of 16: a tick, one that is not whole, a cross, a clock.
_CROSS = "M3 3l10 10M13 3L3 13"
_SHAPES: Mapping[str, str] = {
    codes.FlowFileStatus.LOADED: "M2 9l4 4 8-10",
    codes.FlowFileStatus.LOADED_WITH_REJECTIONS: "M8 2l6.5 12h-13zM8 6v4M8 11.5v1",
    codes.FlowFileStatus.REJECTED: _CROSS,
    codes.FlowFileStatus.FAILED: _CROSS,
    codes.FlowFileStatus.STAGED: "M8 1.5a6.5 6.5 0 1 0 .01 0zM8 4v4.5l3 2",
}


def icon(flow_file: models.FlowFile) -> safestring.SafeString:
    return html.format_html(
        '<svg class="became became-{}" viewBox="0 0 16 16" aria-hidden="true">'
        '<path d="{}"/></svg>',
        flow_file.status.lower(),
        _SHAPES[flow_file.status],
    )


def tag(flow_file: models.FlowFile) -> safestring.SafeString:
    return html.format_html("{}\N{NO-BREAK SPACE}{}", icon(flow_file), words.outcome(flow_file))
