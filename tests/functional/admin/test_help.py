from __future__ import annotations

import re

import pytest
from django import test

from warehouse import codes, words


class TestHelp:
    def test_tells_codes_standings_and_what_to_say(self, support: test.Client) -> None:
        page = support.get("/help/").content.decode()

        assert "What to say to a caller" in page
        for code, label in codes.ReadingType.choices:
            assert f"<dt>{code}</dt><dd>{str(label).replace(chr(39), '&#x27;')}</dd>" in page
        for word in words.STANDING_WORDS.values():
            assert f'<span class="standing">{word}</span>' in page

    def test_is_on_each_page(self, support: test.Client) -> None:
        assert '<a href="/help/">Help</a>' in support.get("/warehouse/reading/").content.decode()

    @pytest.mark.django_db
    def test_is_for_those_who_are_logged_in(self, client: test.Client) -> None:
        assert client.get("/help/").status_code == 302


class TestWords:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("load it with --accept-test-files, if", "load it with “accept test files”, if"),
            ("all the same: --accept-reused-file-ids", "all the same: “accept reused file ids”"),
            ("nothing -- here", "nothing -- here"),
        ],
        ids=["within", "at the end", "no option"],
    )
    def test_tell_no_option_of_a_command(self, text: str, told: str) -> None:
        assert words.told(text) == told

    def test_tell_an_item_by_name_and_number(self, support: test.Client) -> None:
        support.get("/help/")  # by then the pipeline has told the names

        assert re.fullmatch(r"[A-Za-z &,]+ \(J0040\)", words.item("J0040"))
        assert words.item("J9999") == "J9999"
        assert words.item("") == "–"  # noqa: RUF001 - a dash, as tables have it
