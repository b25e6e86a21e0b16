from __future__ import annotations

import ast
import pathlib
import re
from collections.abc import Iterator

import pytest
from django.db.models import TextChoices

import sql
from etl.domain import flows, grammar
from tests import conftest
from tests.unit import sql_texts
from warehouse import codes


FLOWS = [pytest.param(flow, id=flow.name) for flow in flows.KNOWN.values()]
CODES = {group.code for flow in flows.KNOWN.values() for group in flow.groups}
OF_FLOWS = conftest.ROOT / "etl" / "domain" / "flows"


class TestFlow:
    @pytest.mark.parametrize("flow", FLOWS)
    def test_has_the_items_of_every_other_in_its_lines_of_a_kind(self, flow: grammar.Flow) -> None:
        assert {group.kind: group.items for group in flow.groups} == {
            kind: group.items for kind, group in flows.GROUPS.items()
        }

    @pytest.mark.parametrize("flow", FLOWS)
    def test_puts_a_kind_under_the_kind_that_every_other_does(self, flow: grammar.Flow) -> None:
        def parents(flow: grammar.Flow) -> dict[str, str | None]:
            return {
                group.kind: group.parent and flow.by_code[group.parent].kind
                for group in flow.groups
            }

        assert parents(flow) == parents(flows.KNOWN["D0010"])

    def test_has_a_name_of_its_own_and_known_versions(self) -> None:
        for name, flow in flows.KNOWN.items():
            assert [flows.of(f"{name}{version}") for version in flow.versions] == [flow] * len(
                flow.versions
            )
        assert flows.of("D0010003").groups == ()

    def test_has_one_place_for_an_item_wherever_it_stands(self) -> None:
        places: dict[str, set[int]] = {}
        for group in flows.GROUPS.values():
            for place, item in enumerate(group.items):
                places.setdefault(item.number, set()).add(place)

        assert all(len(found) == 1 for found in places.values())


class TestValidSets:
    @pytest.mark.parametrize(
        ("number", "words", "more"),
        [
            ("J0022", codes.ValidationStatus, ""),
            ("J0171", codes.ReadingType, "O"),
            ("J0045", codes.ReadingFlag, ""),
            ("J0047", codes.ReadingFlag, ""),
            ("J1888", codes.ReadingMethod, ""),
            ("J0332", codes.ReasonCode, ""),
            ("J0024", codes.SiteVisitCode, ""),
        ],
    )
    def test_are_the_codes_that_have_words(
        self, number: str, words: type[TextChoices], more: str
    ) -> None:
        assert {*flows.parameters({})[f"codes_{number}"], *more} == set(words.values)


def texts_of_python(path: pathlib.Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value
            yield text if isinstance(text, str) else text.decode("latin-1")


def codes_in(texts: Iterator[str]) -> set[str]:
    return {word for text in texts for word in re.split(r"\W+", text)} & CODES


class TestGroupCodes:
    def test_stand_in_the_files_of_flows_alone(self) -> None:
        of_product = [
            path
            for folder in ("etl", "warehouse", "sql")
            for path in (conftest.ROOT / folder).rglob("*.py")
        ]
        found = {
            path.relative_to(conftest.ROOT): codes_in(texts_of_python(path)) for path in of_product
        }

        named_by = {path for path, named in found.items() if named}
        assert named_by == {
            path.relative_to(conftest.ROOT)
            for path in OF_FLOWS.glob("*.py")
            if path.name != "__init__.py"
        }

    @pytest.mark.parametrize(
        "path", sorted(sql.FOLDER.glob("*/*.sql")), ids=lambda path: path.stem
    )
    def test_stand_in_no_statement(self, path: pathlib.Path) -> None:
        found = sql_texts.Parsed(path.read_text(encoding="utf-8"))

        assert codes_in(iter(found.texts)) == set()
