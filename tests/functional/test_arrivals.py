"""Who sent files, what seems to be missing, and what an operator's metrics say of it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

import pytest
from django import test
from django.utils import timezone

from tests import conftest
from warehouse import codes, models
from warehouse.queries import arrivals


pytestmark = pytest.mark.django_db


def arrive(
    sender: str,
    *,
    days_ago: Sequence[int] = (0,),
    file_ids: Sequence[str] = (),
    status: codes.FlowFileStatus = codes.FlowFileStatus.LOADED,
) -> None:
    """Store files without content: one a day, or one for each id, today."""
    ids = file_ids or [f"A{day}" for day in days_ago]
    days = [0] * len(ids) if file_ids else days_ago
    noon = timezone.localtime().replace(hour=12)
    models.FlowFile.objects.bulk_create(
        models.FlowFile(
            sha256=f"{sender}{file_id}",
            file_name=f"{file_id}.uff",
            file_identifier=file_id,
            sender=sender,
            sender_role="D",
            status=status,
            size=1,
            encoding="utf-8",
            reading_count=2,
            staged_at=noon - datetime.timedelta(days=day),
        )
        for file_id, day in zip(ids, days, strict=True)
    )


class TestDays:
    def test_are_told_with_the_files_of_each_sender(self) -> None:
        arrive("UDMS", days_ago=[0, 1, 29, 30])
        arrive("OTHR", days_ago=[2])
        arrive("", days_ago=[3])
        today = timezone.localdate()

        found, is_cut = arrivals.by_day()

        ago = {
            one.sender: {(today - day).days: count for day, count in one.files.items()}
            for one in found
        }
        assert ago == {"UDMS": {0: 1, 1: 1, 29: 1}, "OTHR": {2: 1}, "": {3: 1}}
        assert [one.sender for one in found] == ["UDMS", "OTHR", ""]
        assert not is_cut

    def test_tell_those_who_sent_most_and_the_others_together(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(arrivals, "MOST_DRAWN", 1)
        for sender, count in (("AAAA", 1), ("UDMS", 3), ("OTHR", 2)):
            arrive(sender, days_ago=range(count))

        found, _ = arrivals.by_day()

        totals = [(one.sender, sum(one.files.values())) for one in found]
        assert totals == [("UDMS", 3), ("", 3)]

    def test_count_the_latest_files_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrivals, "MOST_FILES_DRAWN", 2)
        arrive("UDMS", days_ago=[0, 1, 2])

        found, is_cut = arrivals.by_day()

        assert sum(found[0].files.values()) == 2
        assert is_cut


class TestSenders:
    def test_are_told_with_what_they_sent_in_the_last_days(self) -> None:
        arrive("UDMS", days_ago=[0, 1, 29, 30])
        arrive("OTHR", status=codes.FlowFileStatus.REJECTED)
        arrive("LONG", days_ago=[arrivals.PAUSE_DAYS])

        found = {one.sender: one for one in arrivals.senders()}

        assert found.keys() == {"UDMS", "OTHR"}
        udms, othr = found["UDMS"], found["OTHR"]
        assert (udms.files, udms.rejected_files, udms.loaded_readings) == (3, 0, 6)
        assert (othr.files, othr.rejected_files, othr.loaded_readings) == (1, 1, 0)
        assert timezone.localdate(udms.last_arrival) == timezone.localdate()

    @pytest.mark.parametrize(
        ("days_ago", "is_silent"),
        [
            ([3, 4, 5], True),
            ([2, 4, 5], False),
            ([3, 5, 6], True),
            ([40, 41], False),
            ([0, 50, 51], False),
        ],
        ids=[
            "longer than a day", "as long as once before", "longer than once before",
            "with one pause known", "back again",
        ],
    )  # fmt: skip
    def test_are_silent_for_longer_than_they_ever_were(
        self,
        days_ago: Sequence[int],
        is_silent: bool,  # noqa: FBT001 - of parametrize
    ) -> None:
        arrive("UDMS", days_ago=days_ago)

        [found] = arrivals.senders()

        assert (found.is_silent, found.silent_days) == (is_silent, min(days_ago))

    @pytest.mark.parametrize(
        ("file_ids", "missing", "gaps"),
        [
            (["0000000007", "0000000008", "0000000009"], 0, []),
            (["7", "8", "0000000010", "11", "14", "15"], 3, [(9, 9), (12, 13)]),
            (["7", "8", "9", "10", "5000"], None, []),
            (["A7", "A9", "AB"], None, []),
            (["7", "A8", "9", "10"], 1, [(8, 8)]),
        ],
        ids=["in a row", "gaps", "another roll", "letters", "some letters"],
    )
    def test_are_told_with_the_gaps_in_their_file_ids(
        self, file_ids: Sequence[str], missing: int | None, gaps: Sequence[tuple[int, int]]
    ) -> None:
        arrive("UDMS", file_ids=file_ids)
        arrive("OTHR", file_ids=["8", "9"])  # whose numbers are its own

        found = {one.sender: one for one in arrivals.senders()}["UDMS"]

        assert (found.missing_file_ids, found.gaps) == (missing, gaps)

    def test_that_miss_something_come_first(self) -> None:
        arrive("AAAA")
        arrive("GAPS", file_ids=["1", "2", "4"])
        arrive("MUTE", days_ago=[9, 10, 11])

        found = [one.sender for one in arrivals.senders(most=2)]

        assert found == ["MUTE", "GAPS"]

    def test_are_shown_on_the_start_page(self, admin_client: test.Client) -> None:
        arrive("MUTE", days_ago=[9, 10, 11])
        arrive("GAPS", file_ids=[str(number) for number in range(0, 20, 2)])

        page = admin_client.get("/").content.decode()

        assert "silent for 9 days, before that for 1 at most" in page
        assert "<td>1, 3, 5, 7, 9, and 4 more</td>" in page


class TestMetrics:
    def test_tell_what_an_operator_watches(self, run: conftest.Run) -> None:
        arrive("UDMS", days_ago=[9, 10, 11])
        arrive('a"b\\c\nd', status=codes.FlowFileStatus.STAGED)

        ended = run("metrics")

        assert (ended.code, ended.err) == (0, "")
        assert 'd0010_files{outcome="loaded"} 3\n' in ended.out
        assert 'd0010_files{outcome="staged"} 1\n' in ended.out
        assert "\nd0010_readings 6\n" in ended.out
        assert 'd0010_sender_is_silent{sender="UDMS",role="D"} 1\n' in ended.out
        assert r'timestamp_seconds{sender="a\"b\\c\nd",role="D"} ' in ended.out
        assert re.search(r"^d0010_oldest_pending_age_seconds -?\d", ended.out, re.MULTILINE)

    def test_have_the_form_of_the_text_format(self, run: conftest.Run) -> None:
        arrive("UDMS")

        lines = run("metrics").out.splitlines()

        sample = r'd0010_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?\d+(\.\d+)?'
        assert all(
            re.fullmatch(rf"# (HELP d0010_\w+ .+|TYPE d0010_\w+ gauge)|{sample}", line)
            for line in lines
        )


class TestRest:
    def test_tells_the_same_to_programs(self, admin_client: test.Client) -> None:
        arrive("UDMS", file_ids=["101", "102", "105", "106"])

        (told,) = admin_client.get("/api/v1/arrivals/").json()

        assert (told["sender"], told["files"], told["missing_file_ids"]) == ("UDMS", 4, 2)
        assert told["gaps"] == [[103, 104]]
        assert not told["is_silent"]
