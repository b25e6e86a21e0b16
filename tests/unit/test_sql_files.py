"""Keeps the SQL steps, the catalogue of findings and the grammar from drifting apart."""

from __future__ import annotations

import pathlib
import re

import pytest
from django.db.models import TextChoices

import sql
from etl.domain import findings, grammar
from warehouse import models


JUDGING = {
    name: sql.statement("transform", name) for name in sql.names("transform") if "_judge_" in name
}
STEP_OF_KIND = {
    "meter_point": "10_judge_meter_points",
    "meter": "20_judge_meters",
    "reading": "30_judge_readings",
    "result": "40_judge_results",
    "visit_at_meter_point": "50_judge_other_lines",
    "visit_at_meter": "50_judge_other_lines",
    "visit_at_reading": "50_judge_other_lines",
}


class TestStatements:
    @pytest.mark.parametrize(
        "path", sorted((sql.FOLDER / "transform").glob("*.sql")), ids=lambda path: path.stem
    )
    def test_of_the_transform_stand_one_in_a_file(self, path: pathlib.Path) -> None:
        code = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))

        assert code.count(";") == 1
        assert code.rstrip().endswith(";")


# A join to a table of the warehouse, up to the next clause.
JOIN = re.compile(
    r"JOIN (?:meter_point|meter|register|reading|site_visit)\b(?: AS \w+)?\s+ON\b(.+?)"
    r"(?=(?:LEFT |INNER |CROSS )JOIN|WHERE|GROUP BY|ORDER BY|UNION|\n\)|\n[A-Z]|;|\Z)",
    re.DOTALL,
)


class TestJoins:
    @pytest.mark.parametrize("path", sorted(sql.FOLDER.glob("*/*.sql")), ids=lambda p: p.stem)
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
            # A code that is compared with is none that is given out.
            for token in re.findall(r"THEN\s+'([a-z]+-[a-z/J0-9-]+)'", part):
                code, _, item = token.partition("/")
                assert findings.CATALOGUE[code].severity == severity
                assert findings.CATALOGUE[code].scope == "line"
                assert not item or any(
                    item == known.number
                    for group in grammar.GROUPS.values()
                    for known in group.items
                )

    def test_of_lines_are_all_named_by_a_step(self) -> None:
        texts = [
            *JUDGING.values(),
            sql.statement("functions", "d0010_line_end"),
            sql.statement("transform", "32_reject_readings_under_rejected_meters"),
        ]
        named = {
            token.partition("/")[0]
            for text in texts
            for token in re.findall(r"'([a-z]+-[a-z-]+(?:/J\d{4})?)'", text)
        }

        assert named == {
            finding.code for finding in findings.CATALOGUE.values() if finding.scope == "line"
        }


ITEMS = [(group, item) for group in grammar.GROUPS.values() for item in group.items]
POSITIONS = {
    item.number: position
    for group in grammar.GROUPS.values()
    for position, item in enumerate(group.items, start=1)
}
# A field of a raw line that becomes a column: its place, its name, its item.
CUT = re.compile(
    r"split_part\((?:\w+\.)?payload, '\|', (\d+)\)(?:, %\(blanks\)s\))?"
    r"\s*(?:END )?AS (\w+),? -- (J\d{4})"
)
# What has no item of its own: a position out of the grammar, or the first items of several groups.
UNNAMED_CUTS = {
    "60_record_line_issues": ["'|', 1 + item.position"],
    "40_compare_other_lines": ["'|', 2", "'|', 3"],
    "50_check_references": ["'|', 2"],
    "30_compare_readings": [],
}


def judged_column(item: grammar.Item, step: str) -> str:
    """Return the name that a step gives to the text of an item."""
    (name,) = {name for _, name, number in CUT.findall(JUDGING[step]) if number == item.number}
    # Of key items what is judged has no blanks at its ends, and then no "_text" at its own.
    return rf"(?:field|item)\.(?:{name}|{name.removesuffix('_text')})"


class TestGrammar:
    @pytest.mark.parametrize("path", sorted(sql.FOLDER.glob("*/*.sql")), ids=lambda p: p.stem)
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

    @pytest.mark.parametrize("group", grammar.GROUPS.values(), ids=lambda group: group.code)
    def test_says_how_many_items_a_step_finds_in_a_line(self, group: grammar.Group) -> None:
        items, step = group.items, STEP_OF_KIND[group.kind]

        cut = [(int(place), number) for place, _, number in CUT.findall(JUDGING[step])]
        ends = re.findall(r"d0010_line_end\(\w+\.payload, (\d+),", JUDGING[step])
        sums = re.findall(r"<> 3 \+ (\d+)\s", JUDGING[step])

        assert cut[-len(items) :] == [
            (place, item.number) for place, item in enumerate(items, start=2)
        ]
        assert set(ends) == {str(len(items))}
        assert set(sums) <= {str(1 + len(items))}

    @pytest.mark.parametrize(
        ("group", "item"), ITEMS, ids=[f"{group.code} {item.number}" for group, item in ITEMS]
    )
    def test_is_what_a_step_judges_an_item_by(
        self, group: grammar.Group, item: grammar.Item
    ) -> None:
        step = STEP_OF_KIND[group.kind]
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

    @pytest.mark.parametrize("group", grammar.GROUPS.values(), ids=lambda group: group.code)
    def test_says_which_group_comes_once(self, group: grammar.Group) -> None:
        comes_once = group.occurs == "0-1"

        assert ("'repeated-group'" in JUDGING[STEP_OF_KIND[group.kind]]) == comes_once

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
