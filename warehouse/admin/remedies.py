"""
What to do about a finding: shown wherever the finding is.

Whoever finds something knows the remedy, and tells it here; the warehouse only shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import html, safestring

from warehouse import words


_REMEDIES: dict[str, str] = {}


def learn(remedies: Mapping[str, str]) -> None:
    """Take over what to do about findings, by their codes."""
    _REMEDIES.update(remedies)


def of(code: str) -> str:
    """Return what to do about a finding; nothing where nobody has told."""
    return words.told(_REMEDIES.get(code, ""))


def below(text: str, code: str) -> safestring.SafeString:
    """Return what is told of a finding with its remedy on a line of its own."""
    remedy = of(code)
    if not remedy:
        return html.format_html("{}", text)
    return html.format_html('{}<br><span class="remedy">{}</span>', text, remedy)
