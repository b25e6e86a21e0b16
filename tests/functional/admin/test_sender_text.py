from __future__ import annotations

import html
import pathlib

import pytest
from django import test
from django.contrib.auth import models as auth_models
from django.core import management

from tests import builder
from tests.functional.admin import flow_files
from warehouse import audits
from warehouse.admin import sender_text


WRONG_DIGIT = "1200023305968"  # for its last digit


def _load(folder: pathlib.Path) -> None:
    """Load a file of findings of many kinds, some often, and one that is refused whole."""
    meters = [
        builder.meter(
            "A1", *(builder.reading(read_at=f"2024013{day}000000") for day in "23456789")
        ),
        builder.meter("A2", builder.reading(register="TOO LONG", value="")),
    ]
    flow_files.load(
        folder,
        {
            "flawed.uff": builder.flow_file(
                builder.meter_point(builder.MPAN, *meters),
                builder.meter_point(WRONG_DIGIT, builder.meter("A3", builder.reading())),
                file_id="4711",
            ).decode(),
            "parents.uff": builder.flow_file(
                builder.meter_point(
                    "12000233O5967", builder.meter("A1", *[builder.reading()] * 3)
                ),
                builder.meter_point(builder.MPAN, builder.meter("", *[builder.reading()] * 2)),
                ("O26|1200023305967|V|",),
                builder.meter("A1", builder.reading()),
                builder.meter("A2", builder.reading()),
                file_id="4714",
            ).decode(),
            "test.uff": builder.flow_file(test_flag="TR01", file_id="4712").decode(),
            "clean.uff": builder.simple(file_id="4713").decode(),
        },
    )


@pytest.fixture(scope="module")
def _flawed(keep: flow_files.Keep) -> None:
    keep(_load)


pytestmark = pytest.mark.usefixtures("_flawed")


def _text(client: test.Client, name: str) -> str:
    page = flow_files.page_of(client, file_name=name)
    return html.unescape(page.partition('<pre id="sender-text"')[2].partition("</pre>")[0])


class TestTextForTheSender:
    def test_says_which_file_it_is_and_what_is_wrong_where(self, support: test.Client) -> None:
        assert _text(support, "flawed.uff").partition(">")[2] == (
            "File: flawed.uff\n"
            "File id: 4711\n"
            "Flow: D0010002\n"
            "Sender: UDMS\n"
            "Recipient: MRCY\n"
            "Made: 1 Feb 2024 12:00, UK time\n"
            "Lines: 17\n"
            "Outcome: loaded with rejections\n"
            "Rejected lines: 9\n"
            "\n"
            "Rejected: bad date, Reading Date & Time (J0016), 8 times\n"
            "Expected a date and time that exists, as ccyymmddhhmmss, years 1950 to 2199.\n"
            "  line 4: 20240132000000\n"
            "  line 5: 20240133000000\n"
            "  line 6: 20240134000000\n"
            "  line 7: 20240135000000\n"
            "  line 8: 20240136000000\n"
            "  and 3 more\n"
            "\n"
            "Rejected: missing item, Register Reading (J0040), once\n"
            "Expected a value, the item is mandatory.\n"
            "  line 13: nothing\n"
            "\n"
            "Rejected: too long, Meter Register Id (J0010), once\n"
            "Expected no more characters than its format has.\n"
            "  line 13: TOO LONG\n"
            "\n"
            "Warning: mpan check digit, MPAN Core (J0003), once\n"
            "Expected a last digit that agrees with the other twelve.\n"
            f"  line 14: {WRONG_DIGIT}"
        )

    def test_says_what_was_wrong_before_what_it_took_along(self, support: test.Client) -> None:
        told = [part.partition(",")[0] for part in _text(support, "parents.uff").split("\n\n")[1:]]

        assert told == [
            "Rejected: bad mpan",
            "Rejected: missing item",
            "Rejected: unknown group",
            "Rejected: orphan line",
            "Rejected: parent rejected",
        ]

    def test_is_there_for_a_file_that_was_refused_whole(self, support: test.Client) -> None:
        text = _text(support, "test.uff")

        assert "Outcome: rejected\n\nRejected: test file, Test Data Flag (J1063), once" in text
        assert text.endswith("line 1: TR01")

    def test_is_not_there_where_nothing_is_wrong(self, support: test.Client) -> None:
        assert _text(support, "clean.uff") == ""

    def test_ends_the_kinds_of_findings(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender_text, "MOST_KINDS", 2)

        text = _text(support, "flawed.uff")

        assert text.endswith("\n\nand 2 more kinds of findings")
        assert "too long" not in text

    def test_says_nothing_of_what_was_forgotten(self, support: test.Client) -> None:
        management.call_command(
            "forget_meter_point", builder.MPAN, "--reason", "of a test", "--yes"
        )

        text = _text(support, "flawed.uff")

        assert "bad date" not in text
        assert "TOO LONG" not in text
        assert text.endswith(f"  line 14: {WRONG_DIGIT}")

    def test_is_recorded_for_the_meter_points_that_it_names(self, support: test.Client) -> None:
        _text(support, "flawed.uff")

        recorded = audits.LookUp.objects.values_list("mpan_core", "looked_at")
        assert list(recorded) == [(WRONG_DIGIT, "ISSUE")]

    def test_is_for_those_who_may_see_issues(self, newcomer: test.Client) -> None:
        right = auth_models.Permission.objects.get(codename="view_flowfile")
        auth_models.User.objects.get(username="newcomer").user_permissions.add(right)

        assert _text(newcomer, "flawed.uff") == ""
        assert not audits.LookUp.objects.exists()
