"""Keeps the SQL steps, the catalogue of findings and the grammar from drifting apart."""

from __future__ import annotations

import pathlib
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


# A join to a table of the warehouse, up to the next clause.
JOIN = re.compile(
    r"JOIN (?:meter_point|meter|register|reading|site_visit)\b(?: AS \w+)?\s+ON\b(.+?)"
    r"(?=(?:LEFT |INNER |CROSS )JOIN|WHERE|GROUP BY|ORDER BY|UNION|\n\)|\n[A-Z]|;|\Z)",
    re.DOTALL,
)


class TestJoins:
    @pytest.mark.parametrize(
        "path", sorted(steps.SQL_FOLDER.glob("*/*.sql")), ids=lambda p: p.stem
    )
    def test_of_the_warehouse_hold_its_key_or_find_the_row_of_a_line(
        self, path: pathlib.Path
    ) -> None:
        for condition in JOIN.findall(path.read_text(encoding="utf-8")):
            is_of_a_line = re.match(r"\s+line\.id = \w+\.id\b", condition)
            assert is_of_a_line or condition.count("mpan_core") == 2


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


# The step that judges the lines of a group; the site visits share one.
STEP_OF_GROUP = {
    "026": "10_judge_meter_points",
    "027": "50_judge_other_lines",
    "028": "20_judge_meters",
    "029": "50_judge_other_lines",
    "030": "40_judge_readings",
    "032": "30_judge_validation_results",
    "033": "50_judge_other_lines",
}
ITEMS = [(group, item) for group in grammar.GROUPS.values() for item in group.items]
POSITIONS = {
    item.number: position
    for group in grammar.GROUPS.values()
    for position, item in enumerate(group.items, start=1)
}
# A field of a raw line that becomes a column: its place, its name, its item.
CUT = re.compile(
    r"split_part\((?:\w+\.)?payload, '\|', (\d+)\)\)?\s*(?:END )?AS (\w+),? -- (J\d{4})"
)
# What has no item of its own: a position out of the grammar, or the first items of several groups.
UNNAMED_CUTS = {
    "60_record_line_issues": ["'|', 1 + item.position"],
    "82_insert_site_visits": ["'|', 2"],
    "40_compare_other_lines": ["'|', 2", "'|', 3"],
    "50_check_references": ["'|', 2"],
}


def judged_column(item: grammar.Item, step: str) -> str:
    """Return the name that a step gives to the text of an item."""
    (name,) = {name for _, name, number in CUT.findall(JUDGING[step]) if number == item.number}
    return f"(?:field|item)\\.{name}"


class TestGrammar:
    @pytest.mark.parametrize(
        "path", sorted(steps.SQL_FOLDER.glob("*/*.sql")), ids=lambda p: p.stem
    )
    def test_gives_the_position_of_each_item_that_a_statement_cuts_out(
        self, path: pathlib.Path
    ) -> None:
        text = path.read_text(encoding="utf-8")

        named = CUT.findall(text)

        for place, _, number in named:
            assert int(place) - 1 == POSITIONS[number]
        unnamed = re.findall(r"payload, ('\|', [^)]+)\)", CUT.sub("", text))
        assert unnamed == UNNAMED_CUTS.get(path.stem, [])

    def test_has_the_item_first_by_which_its_row_is_known(self) -> None:
        first = {code: group.items[0].number for code, group in grammar.GROUPS.items()}

        assert (first["026"], first["028"], first["030"]) == ("J0003", "J0004", "J0010")
        assert {first[code] for code in ("027", "029", "033")} == {"J0024"}
        assert POSITIONS["J0012"] == 2

    @pytest.mark.parametrize(("code", "step"), STEP_OF_GROUP.items())
    def test_says_how_many_items_a_step_finds_in_a_line(self, code: str, step: str) -> None:
        items = grammar.GROUPS[code].items

        cut = [(int(place), number) for place, _, number in CUT.findall(JUDGING[step])]
        pipes = re.findall(r"\(\[\^\|\]\*\\\|\)\{(\d+)\}", JUDGING[step])
        sums = re.findall(r"<> 3 \+ (\d+) AS is_irregular", JUDGING[step])

        assert cut[-len(items) :] == [
            (place, item.number) for place, item in enumerate(items, start=2)
        ]
        assert set(pipes) == {str(1 + len(items))}
        assert set(sums) <= {str(1 + len(items))}

    @pytest.mark.parametrize(
        ("group", "item"), ITEMS, ids=[f"{group.code} {item.number}" for group, item in ITEMS]
    )
    def test_is_what_a_step_judges_an_item_by(
        self, group: grammar.Group, item: grammar.Item
    ) -> None:
        step = STEP_OF_GROUP[group.code]
        text, column = JUDGING[step], judged_column(item, step)
        longest = {"BOOLEAN": "1"}.get(item.format) or item.format[5:-1]

        judged = re.findall(rf"'([a-z-]+)/{item.number}'", text)

        assert ("missing-item" in judged) == item.is_mandatory
        assert ("unknown-code" in judged) == bool(item.valid_set)
        if item.format.startswith(("CHAR", "BOOLEAN")):
            assert re.search(
                rf"WHEN length\({column}\) > {longest}\s+THEN 'too-long/{item.number}'", text
            )
        else:
            kind = "date" if item.format == "DATETIME" else "number"
            assert f"bad-{'mpan' if item.number == 'J0003' else kind}" in judged

    @pytest.mark.parametrize(("code", "step"), STEP_OF_GROUP.items())
    def test_says_which_group_comes_once(self, code: str, step: str) -> None:
        comes_once = grammar.GROUPS[code].occurs == "0-1"

        assert ("'repeated-group'" in JUDGING[step]) == comes_once

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
