from __future__ import annotations

import pytest

from etl.domain import findings
from tests import conftest


class TestReadme:
    @pytest.mark.parametrize("finding", findings.CATALOGUE.values(), ids=list(findings.CATALOGUE))
    def test_says_of_a_finding_what_it_means_and_what_to_do(
        self, finding: findings.Finding
    ) -> None:
        text = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
        what = finding.expectation.replace("|", "\\|")

        row = (
            f"| `{finding.code}` | {finding.scope} | {finding.severity.lower()}"
            f" | {what} | {finding.remedy} |"
        )

        assert row in text.splitlines()

    def test_knows_no_other_findings(self) -> None:
        text = (conftest.ROOT / "README.md").read_text(encoding="utf-8")

        rows = [
            line for line in text.splitlines() if "| rejected |" in line or "| warning |" in line
        ]

        assert len(rows) == len(findings.CATALOGUE)
