from __future__ import annotations

import os
import re

import pytest

from etl.domain import findings
from tests import conftest
from tests.faults import test_kills, test_lost_server, test_races


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


def fault_rows() -> list[list[str]]:
    """Return the cells of the table of faults."""
    text = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- faults:")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[3:]]


class TestFaults:
    @pytest.mark.parametrize("row", fault_rows(), ids=lambda row: str(row[3]).rpartition(":")[2])
    def test_names_a_test_for_each_row(self, row: list[str]) -> None:
        found = re.fullmatch(r"`(?:(\w+)=\d+ )?uv run pytest (\S+)::(\w+)`", row[3])

        assert found
        variable, path, test_class = found.groups()
        text = (conftest.ROOT / path).read_text(encoding="utf-8")
        assert f"\nclass {test_class}:" in text
        assert variable is None or variable in text
        assert row[2] == "nothing"

    def test_says_how_often_chance_was_tried(self) -> None:
        tried = [row[1] for row in fault_rows()]

        assert tried[0] == f"{3 * test_kills.STATEMENTS} times or more"
        assert tried[2] == f"{2 * (test_kills.STATEMENTS // 2)} times or more"
        if not {"D0010_KILLS", "D0010_CRASHES", "D0010_RACES"} & os.environ.keys():
            assert tried[1] == f"{test_kills.RANDOM_KILLS} times"
            assert tried[4] == f"{test_lost_server.ENDED_SESSIONS} times"
            assert tried[5] == f"{test_lost_server.CRASHES} times"
            assert tried[6] == f"{test_races.RACES} rounds"
