from __future__ import annotations

import collections
import importlib
import re
import subprocess
import sys

import pytest

from etl.domain import findings
from tests import conftest, depth
from tests.faults import (
    test_embedded_server,
    test_hostile_files,
    test_kills,
    test_lost_server,
    test_races,
    test_sftp,
)


class TestReadme:
    @pytest.mark.parametrize("finding", findings.CATALOGUE.values(), ids=list(findings.CATALOGUE))
    def test_says_of_a_finding_what_it_means_and_what_to_do(
        self, finding: findings.Finding
    ) -> None:
        text = (conftest.ROOT / "etl/README.md").read_text(encoding="utf-8")
        what = finding.expectation.replace("|", "\\|")

        row = (
            f"| `{finding.code}` | {finding.scope} | {finding.severity.lower()}"
            f" | {what} | {finding.remedy} |"
        )

        assert row in text.splitlines()

    def test_knows_no_other_findings(self) -> None:
        text = (conftest.ROOT / "etl/README.md").read_text(encoding="utf-8")

        rows = [
            line for line in text.splitlines() if "| rejected |" in line or "| warning |" in line
        ]

        assert len(rows) == len(findings.CATALOGUE)


def fault_rows() -> list[list[str]]:
    """Return the cells of the table of faults."""
    text = (conftest.ROOT / "tests/README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- faults:")[2].strip()
    return [line.strip("| ").split(" | ") for line in table.splitlines()[3:]]


PYTEST = (sys.executable, "-m", "pytest")


@pytest.fixture(scope="module")
def collected() -> collections.Counter[str]:
    """Count the tests of each class, and of each function outside of one."""
    paths = sorted({row[3].split()[-1].partition("::")[0] for row in fault_rows()})
    listed = subprocess.run(
        [*PYTEST, "--thorough", "--collect-only", "-q", "-p", "no:cacheprovider", *paths],
        cwd=conftest.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [line.partition("[")[0] for line in listed.stdout.splitlines() if "::" in line]
    return collections.Counter("::".join(name.split("::")[:2]) for name in names)


as_documented = pytest.mark.skipif(depth.times() > 1, reason="the table has what --thorough tries")


class TestFaults:
    # How often chance, or each kind of statement, is tried within a test.
    TRIED_WITHIN = (
        f"{3 * test_kills.STATEMENTS} times or more",
        f"{4 * test_kills.BESIDE} times or more",
        f"{test_kills.RANDOM_KILLS} times",
        f"{2 * (test_kills.STATEMENTS // 2 + test_kills.BESIDE // 4)} times or more",
        f"{3 * 4} times",
        f"{test_kills.STATEMENTS * 3 // 2 + test_kills.BESIDE - 1} times or more",
        f"{test_lost_server.ENDED_SESSIONS} times",
        f"{test_lost_server.CRASHES} times",
        f"{test_embedded_server.KILLS} times",
        f"{test_races.RACES} rounds",
        f"{test_sftp.RANDOM_KILLS} times",
    )

    @pytest.mark.parametrize("row", fault_rows(), ids=lambda row: str(row[3]).rpartition(":")[2])
    def test_names_a_test_for_each_row(self, row: list[str]) -> None:
        found = re.fullmatch(r"`uv run pytest (?:--times=\d+ |--thorough )?(\S+)::(\w+)`", row[3])

        assert found
        path, name = found.groups()
        assert hasattr(importlib.import_module(path.replace("/", ".")[: -len(".py")]), name)
        assert row[2] == "nothing"

    @pytest.mark.thorough  # another process collects all of them
    @pytest.mark.parametrize(
        "row", fault_rows()[len(TRIED_WITHIN) :], ids=lambda row: str(row[3]).rpartition(":")[2]
    )
    def test_counts_the_tests_of_a_row(
        self, row: list[str], collected: collections.Counter[str]
    ) -> None:
        count = collected[row[3].strip("`").split()[-1]]

        assert row[1] == f"{count} time{'' if count == 1 else 's'}"

    @pytest.mark.thorough
    @as_documented
    def test_says_how_often_it_is_tried_within_a_test(self) -> None:
        rows = fault_rows()[: len(self.TRIED_WITHIN)]

        assert [row[1] for row in rows] == [*self.TRIED_WITHIN]

    @pytest.mark.thorough
    @as_documented
    def test_says_which_sizes_are_tried(self) -> None:
        [row] = [row for row in fault_rows() if row[3].endswith("::TestSize`")]

        for text in (
            f"gzip bomb of {test_hostile_files.BOMB >> 20} MiB",
            f"line of {test_hostile_files.LONG_LINE >> 30} GiB",
            f"{test_hostile_files.LONG_LINE >> 23} MiB from a pipe",
            f"{test_hostile_files.ONE_FIELD_LINES:,} lines of one field",
            f"{test_hostile_files.NAMES:,} names",
        ):
            assert text in row[0]
