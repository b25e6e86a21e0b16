"""
What to do about a finding: shown wherever the finding is.

Whoever finds something knows the remedy, and tells it here; the warehouse only shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import html, safestring

from warehouse import codes, models, words
from warehouse.queries import issues


_REMEDIES: dict[str, str] = {}
_OF_FAILED = "Load the file again. If it fails again, tell whoever keeps this program the reason."


def learn(remedies: Mapping[str, str]) -> None:
    """Take over what to do about findings, by their codes."""
    _REMEDIES.update(remedies)


def of(code: str) -> str:
    """Return what to do about a finding; nothing where nobody has told."""
    return words.told(_REMEDIES.get(code, ""))


def of_issue(issue: models.LineIssue | issues.Listed) -> str:
    """Return what to do about an issue; of a line that was forgotten there is nothing to do."""
    return "" if issue.kind == codes.FORGOTTEN else of(issue.code)


def of_file(flow_file: models.FlowFile, first_finding: str) -> str:
    """Return what to do about a file that was refused; where it failed no finding tells."""
    is_failed = flow_file.status == codes.FlowFileStatus.FAILED
    return _OF_FAILED if is_failed else of(first_finding)


def below(text: str, remedy: str) -> safestring.SafeString:
    """Return what is told of a finding with its remedy on a line of its own."""
    if not remedy:
        return html.format_html("{}", text)
    return html.format_html('{}<br><span class="remedy">{}</span>', text, remedy)
