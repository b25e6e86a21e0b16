from __future__ import annotations

import pathlib
import re

import pytest
from django import test

from tests import builder
from tests.functional.admin import flow_files, meter_points
from warehouse import models
from warehouse.admin import read_only, readings


pytestmark = pytest.mark.usefixtures("_history")


class TestReadingList:
    def test_of_a_file_leads_to_its_lines(self, staff: test.Client) -> None:
        reading = meter_points.reading_of("after.uff")
        line = f'<a href="/etl/stagedline/{reading.pk}/change/">line 4</a>'

        of_file = staff.get("/warehouse/reading/", {"file": reading.flow_file_id})

        assert line in of_file.content.decode()
        found = staff.get("/warehouse/reading/", {"q": builder.MPAN})
        assert line not in found.content.decode()

    def test_tells_what_each_reading_is_worth(self, staff: test.Client) -> None:
        page = staff.get("/warehouse/reading/", {"q": builder.MPAN}).content.decode()

        rows = page.partition('id="result_list"')[2].partition("<tbody>")[2].split("<tr")[1:]
        told = {
            name: standing
            for row in rows
            for name in re.findall(r">([^<]+)\.uff</a>", row)
            for standing in re.findall(r'<span class="standing"[^>]*>([^<]+)</span>', row)
        }
        assert told == {
            "first": "counts",
            "second": "counts",
            "wrong": "taken back",
            "taken back": "takes back",
            "right": "counts",
            "once more": "sent again",
            "low": "counts",
            "exchange": "counts",
            "after": "counts",
            "peak": "counts",
            "peak 2": "counts",
        }
        struck = [row for row in rows if 'class="does-not-count"' in row]
        assert len(struck) == 1
        assert ">wrong.uff<" in struck[0]

    def test_tells_what_is_doubted(self, staff: test.Client, tmp_path: pathlib.Path) -> None:
        (tmp_path / "more").mkdir()
        suspect = builder.reading(read_at="20230601000000", value="7.0", flag="F")
        flow_files.load(tmp_path / "more", meter_points.file("doubtful", "NEW 2", "R", suspect))

        page = staff.get("/warehouse/reading/", {"q": builder.MPAN}).content.decode()

        doubted = '>counts</span></span> <span class="doubted">doubted</span>'
        assert page.count(doubted) == 1


class TestReadingPage:
    def test_tells_when_its_file_was_made(self, staff: test.Client) -> None:
        page = staff.get(
            meter_points.address_of(meter_points.reading_of("first.uff"))
        ).content.decode()

        made = page.partition("File made, UK time:")[2]
        assert re.search(r"<time [^>]*>([^<]+)<", made)[1] == "1 Feb 2024 12:00"  # type: ignore[index] # it is there

    def test_leads_to_the_issues_of_its_line(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        far = builder.reading(read_at="21000101000000")
        flow_files.load(tmp_path / "more", meter_points.file("far", "NEW 2", "R", far))
        reading = meter_points.reading_of("far.uff")
        issue = models.LineIssue.objects.get(code="future-date")

        page = staff.get(meter_points.address_of(reading)).content.decode()

        assert f'<a href="/warehouse/lineissue/{issue.pk}/change/">future date</a>' in page

    @pytest.mark.parametrize(
        ("name", "standing"),
        [
            ("first", "counts: the reading to go by"),
            ("wrong", "taken back: the sender took it back; do not quote it"),
            ("once more", "sent again: says the same as one that counts; it changes nothing"),
        ],
    )
    def test_tells_whether_it_counts(self, staff: test.Client, name: str, standing: str) -> None:
        reading = meter_points.reading_of(f"{name}.uff")

        page = staff.get(meter_points.address_of(reading)).content.decode()

        assert standing in page

    def test_leads_back_and_on(self, staff: test.Client) -> None:
        reading = meter_points.reading_of("second.uff")

        page = staff.get(meter_points.address_of(reading)).content.decode()

        assert f'<a href="{meter_points.ADDRESS}">Meter point {builder.MPAN}</a>' in page
        assert (
            f'<a href="{meter_points.ADDRESS}#reading-{reading.pk}" class="closelink">Close</a>'
            in page
        )
        before = meter_points.address_of(meter_points.reading_of("first.uff"))
        assert f'<a href="{before}" rel="prev">' in page
        assert 'rel="next"' in page
        assert "+50.5 since 1 Jan 2023, 1.6 a day" in page
        first = staff.get(
            meter_points.address_of(meter_points.reading_of("first.uff"))
        ).content.decode()
        assert 'rel="prev"' not in first

    def test_leads_to_what_replaced_it(self, staff: test.Client) -> None:
        taken_back = meter_points.address_of(meter_points.reading_of("taken back.uff"))

        page = staff.get(
            meter_points.address_of(meter_points.reading_of("wrong.uff"))
        ).content.decode()

        assert f'do not quote it (<a href="{taken_back}">on 1 Feb 2024</a>)' in page


class TestSearchedReadings:
    @pytest.mark.parametrize(
        ("asked", "count"),
        [
            ({}, 11),
            ({"since": "2023-05-01"}, 2),
            ({"until": "2023-01-01"}, 1),
            ({"register": "MD"}, 2),
            ({"type": "I"}, 1),
            ({"since": "2023-06-31"}, 0),
            ({"since": "0001-01-01", "until": "9999-12-31"}, 11),
        ],
        ids=["all", "from a day", "to a day", "register", "type", "no day", "all days"],
    )
    def test_are_narrowed(self, staff: test.Client, asked: dict[str, str], count: int) -> None:
        response = staff.get("/warehouse/reading/", {"q": builder.MPAN, **asked})

        assert len(response.context["cl"].result_list) == count
        for name, value in asked.items():
            assert re.search(rf'name="{name}"[^>]* value="{value}"', response.content.decode())

    def test_are_taken_away_as_narrowed(self, staff: test.Client) -> None:
        asked = {"q": builder.MPAN, "register": "MD", "since": "2023-05-01"}

        taken = staff.get("/warehouse/reading/download/", asked)

        lines = b"".join(taken.streaming_content).splitlines()  # type: ignore[attr-defined] # it is streamed
        assert len(lines) == 2

    def test_are_paged_to_the_last(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readings.ReadingAdmin, "list_per_page", 2)
        monkeypatch.setattr(read_only.CappedPaginator, "MOST_PAGES", 3)
        address, shown = "/warehouse/reading/?q=" + builder.MPAN, set[int]()

        for _ in range(20):
            page = staff.get(f"{address}&p=3")
            for response in (staff.get(address), staff.get(f"{address}&p=2"), page):
                shown |= {row.pk for row in response.context["cl"].result_list}
            older = getattr(page.context["cl"], "older_url", "")
            if not older:
                break
            address = f"/warehouse/reading/{older}"

        assert len(shown) == 11
