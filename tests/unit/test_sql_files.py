"""Keeps the SQL steps, the catalogue of findings and the grammar from drifting apart."""

from __future__ import annotations

import re

import pytest
from django.db.models import TextChoices

from etl.domain import findings, grammar
from etl.postgres import steps
from warehouse import models


FOLDER = steps.SQL_FOLDER / "transform"
JUDGING = {
    name: (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    for name in steps.STEPS
    if "_judge_" in name
}


class TestSteps:
    def test_are_all_the_files_of_the_folder_in_order(self) -> None:
        assert [path.stem for path in sorted(FOLDER.glob("*.sql"))] == list(steps.STEPS)

    @pytest.mark.parametrize("name", steps.STEPS)
    def test_are_one_statement_each(self, name: str) -> None:
        text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        code = re.sub(r"--.*", "", text)

        assert code.count(";") == 1
        assert code.rstrip().endswith(";")


class TestFindings:
    @pytest.mark.parametrize("name", JUDGING)
    def test_that_a_step_names_have_the_severity_of_the_catalogue(self, name: str) -> None:
        rejections, _, warnings = JUDGING[name].partition("AS rejections")

        for part, severity in ((rejections, "REJECTED"), (warnings, "WARNING")):
            for token in re.findall(r"THEN\s+'([a-z/J0-9-]+)'", part):
                code, _, item = token.partition("/")
                assert findings.CATALOGUE[code].severity == severity
                assert findings.CATALOGUE[code].scope == "line"
                assert not item or any(
                    item == known.number
                    for group in grammar.GROUPS.values()
                    for known in group.items
                )

    def test_of_lines_are_all_named_by_a_step(self) -> None:
        named = {
            token.partition("/")[0]
            for text in JUDGING.values()
            for token in re.findall(r"'([a-z]+-[a-z-]+(?:/J\d{4})?)'", text)
        }

        assert named == {
            finding.code for finding in findings.CATALOGUE.values() if finding.scope == "line"
        }


class TestGrammar:
    @pytest.mark.parametrize(
        ("name", "group_codes"),
        [
            ("10_judge_meter_points", ["026"]),
            ("20_judge_meters", ["028"]),
            ("30_judge_validation_results", ["032"]),
            ("40_judge_readings", ["030", "028", "026"]),
            # What the site visits share.
            ("50_judge_other_lines", ["027"]),
        ],
    )
    def test_gives_the_position_of_each_item_that_a_step_cuts_out(
        self, name: str, group_codes: list[str]
    ) -> None:
        own, *above = [
            list(enumerate((item.number for item in grammar.GROUPS[code].items), start=1))
            for code in group_codes
        ]

        cut = [
            (int(place) - 1, number)
            for place, number in re.findall(r"'\|', (\d+)\)[^-]*-- (J\d{4})", JUDGING[name])
        ]

        assert cut[-len(own) :] == own
        assert set(cut[: -len(own)]) <= {item for items in above for item in items}
        assert JUDGING[name].count("split_part(") == len(cut)

    @pytest.mark.parametrize(
        ("codes", "words"),
        [
            (grammar.VALIDATION_STATUSES, models.ValidationStatus),
            (grammar.READING_TYPES | {"O"}, models.ReadingType),
            (grammar.BOOLEANS, models.ReadingFlag),
            (grammar.READING_METHODS, models.ReadingMethod),
            (grammar.REASON_CODES, models.ReasonCode),
            (grammar.SITE_VISIT_CODES, models.SiteVisitCode),
        ],
        ids=["J0022", "J0171", "J0045", "J1888", "J0332", "J0024"],
    )
    def test_knows_the_codes_that_have_words(
        self, codes: frozenset[str], words: type[TextChoices]
    ) -> None:
        assert codes == set(words.values)
