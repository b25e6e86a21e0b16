from __future__ import annotations

import datetime
import html
import pathlib
import re

import pytest
from django import test
from django.core import management
from django.utils import timezone

from tests import builder
from tests.functional.admin import flow_files
from warehouse import codes, models, words
from warehouse.queries import arrivals


def _load_arrivals(folder: pathlib.Path) -> None:
    flow_files.load(
        folder,
        {
            "good.uff": builder.simple().decode(),
            "partly.uff": builder.flow_file(
                builder.meter_point(
                    builder.MPAN,
                    builder.meter("A1", builder.reading(), builder.reading(value="x")),
                ),
                file_id="2",
                sender="OTHR",
            ).decode(),
            "cut short.uff": "ZHV|3|D0010002|D|UDMS|X|MRCY|20160302153151||||OPER|\n",
        },
    )
    staged = folder / "waiting.uff"
    staged.write_bytes(builder.simple(file_id="4", value="7.0"))
    management.call_command("load_d0010", str(staged), stage_only=True)


@pytest.fixture(scope="module")
def _arrivals(keep: flow_files.Keep) -> None:
    keep(_load_arrivals)


@pytest.mark.usefixtures("_arrivals")
class TestStartPage:
    def test_tells_what_arrived_by_sender(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert '<td>OTHR</td><td class="number">1</td><td class="number">0</td>' in page
        assert '<td>UDMS</td><td class="number">3</td><td class="number">1</td>' in page

    def test_tells_what_waits_and_what_needs_a_human(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert "1 file pending" in page
        assert "cut short.uff" in page
        assert "the file is cut short" in page
        assert "1 line rejected" in page

    @pytest.mark.parametrize(
        ("minutes", "told"),
        [
            (59, '<span class="quiet">for 59\xa0minutes</span>.'),
            (61, '<span class="overdue">for 1\xa0hour, 1\xa0minute: longer than an hour</span>.'),
        ],
        ids=["less than an hour", "more than an hour"],
    )
    def test_tells_for_how_long_a_file_is_pending(
        self, staff: test.Client, minutes: int, told: str
    ) -> None:
        since = timezone.now() - datetime.timedelta(minutes=minutes)
        models.FlowFile.objects.filter(status="STAGED").update(staged_at=since)

        page = staff.get("/").content.decode()

        assert told in page
        assert ("have them transformed" in page) == (minutes > 60)

    def test_shows_outcomes_by_icon_and_words(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert re.search(r'<svg class="became became-rejected".*?</svg>\xa0rejected</td>', page)

    def test_draws_what_each_sent_a_day(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        day = words.day(timezone.now())
        for sender, told in (("UDMS", "3 files"), ("OTHR", "1 file")):
            name = f"{sender}, non-half-hourly data collector (D)"
            chart = page.partition(f"<figcaption>{name}</figcaption>")[2].partition("</figure>")[0]
            assert f"<title>Files a day from {name}</title>" in chart
            assert f"<title>{told} on {day}</title></rect>" in chart
            assert f"{told} on 1 of 30 days, at most {told[0]} on one; the last on {day}." in chart
        assert "are drawn" not in page

    def test_draws_so_many_senders_and_files_and_says_so(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(arrivals, "MOST_DRAWN", 1)
        monkeypatch.setattr(arrivals, "MOST_FILES_DRAWN", 4)

        page = staff.get("/").content.decode()

        assert re.findall(r"<figcaption>(\w+)", page) == ["UDMS", "All"]
        assert "Only the latest 4 files are drawn." in page

    def test_counts_the_readings_of_loaded_files_only(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        # 1 of a loaded file, none of the one that waits.
        numbers = "".join(f'<td class="number">{number}</td>' for number in (3, 1, 1, 0))
        assert f"<td>UDMS</td>{numbers}" in page

    @pytest.mark.parametrize(
        ("what", "name"), [("rejected", "cut short.uff"), ("with rejected lines", "partly.uff")]
    )
    def test_leads_to_as_many_more_as_it_says(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch, what: str, name: str
    ) -> None:
        monkeypatch.setattr(arrivals, "MOST_LISTED", 1)
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight - datetime.timedelta(days=6)
        found = models.FlowFile.objects.get(file_name=name)
        # One more at the first moment of the days shown, one just before it, one failed.
        for place, (staged_at, status) in enumerate(
            [
                (first, found.status),
                (first - datetime.timedelta(seconds=1), found.status),
                (first, codes.FlowFileStatus.FAILED),
            ]
        ):
            found.pk = None
            found.sha256, found.file_identifier = f"{place}", f"{place}"
            found.staged_at, found.status = staged_at, status
            found.save()

        page = staff.get("/").content.decode()

        link = re.search(rf'<a href="([^"]*)">(\d+) more {what}</a>', page)
        assert link is not None
        listed = staff.get(html.unescape(link[1])).context["cl"].result_list
        assert len(listed) == 1 + int(link[2]) == (3 if what == "rejected" else 2)

    def test_ends_after_some_rows_and_says_so(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "more senders" not in staff.get("/").content.decode()
        monkeypatch.setattr(arrivals, "MOST_ROWS", 1)

        page = staff.get("/").content.decode()

        assert "<td>OTHR</td>" in page
        assert "<td>UDMS</td>" not in page
        assert "Only the latest 1 row is shown" in page

    def test_searches_meter_points(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert 'action="/warehouse/meterpoint/"' in page
        assert staff.get("/warehouse/meterpoint/", {"q": "a 1"}).status_code == 302

    def test_tells_nothing_to_whom_nothing_is_shown(self, newcomer: test.Client) -> None:
        page = newcomer.get("/").content.decode()

        assert "cut short.uff" not in page
        assert "OTHR" not in page
