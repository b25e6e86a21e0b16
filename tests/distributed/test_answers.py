"""The same answers to pages, programs and commands, where the tables of readings are spread."""

from __future__ import annotations

import pytest

from tests.distributed import conftest, story


pytestmark = pytest.mark.django_db(transaction=True)


class TestAnswer:
    @pytest.mark.parametrize("address", [*story.PAGES, *story.REST])
    def test_is_the_same_on_many_machines(self, answers: conftest.Answers, address: str) -> None:
        plain, spread = answers

        assert plain[address][0] == 200
        assert spread[address] == plain[address]

    def test_is_the_same_to_an_upload(self, answers: conftest.Answers) -> None:
        plain, spread = answers

        assert plain["upload"][0] == 201
        assert spread["upload"] == plain["upload"]

    @pytest.mark.parametrize("command", story.COMMANDS)
    def test_is_the_same_to_a_command(self, answers: conftest.Answers, command: str) -> None:
        plain, spread = answers

        assert plain[command][0] == 0, plain[command][1:]
        assert spread[command] == plain[command]

    @pytest.mark.parametrize("table", story.TABLES)
    def test_holds_the_same_rows(self, answers: conftest.Answers, table: str) -> None:
        plain, spread = answers

        assert plain[table]
        assert spread[table] == plain[table]
