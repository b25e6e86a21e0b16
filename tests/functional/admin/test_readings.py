from __future__ import annotations

import pathlib
import re
from urllib.parse import urlencode

import pytest
from django import test

from tests import builder, depth
from tests.functional.admin import flow_files, meter_points
from warehouse import models
from warehouse.admin import read_only, readings
from warehouse.queries import standings


pytestmark = pytest.mark.usefixtures("_history", "_large_file")

LIST = "/warehouse/reading/"


def _load_file(folder: pathlib.Path) -> None:
    """Load a file of two meter points in turn, each of whose second readings is replaced."""
    blocks = [
        builder.meter_point(
            mpan_core,
            builder.meter(
                serial_number,
                *(
                    builder.reading(read_at=f"2022010{day}000000", value=value)
                    for day in (1, 2, 3)
                ),
                builder.reading(read_at="20220102000000", value="9.0"),
            ),
        )
        for serial_number, mpan_core, value in (
            ("B1", builder.OTHER_MPAN, "1.0"),
            ("C1", builder.THIRD_MPAN, "2.0"),
            ("B2", builder.OTHER_MPAN, "3.0"),
        )
    ]
    content = builder.flow_file(*blocks, file_id="large").decode()
    flow_files.load(folder, {"large.uff": content})


@pytest.fixture(scope="module")
def _large_file(keep: flow_files.Keep) -> None:
    keep(_load_file)


def _file() -> dict[str, str]:
    return {"file": f"{models.FlowFile.objects.get(file_name='large.uff').pk}"}


def _walk(staff: test.Client, query: dict[str, str]) -> list[int]:
    """Return the ids of the readings on all pages of a list and of those that it leads to."""
    shown, address = [], f"{LIST}?{urlencode(query)}"
    for _ in range(30):
        listed = staff.get(address).context["cl"]
        for number in listed.paginator.page_range:
            listed = staff.get(f"{address}&p={number}").context["cl"]
            shown += [row.pk for row in listed.result_list]
        if not hasattr(listed, "further_url"):
            return shown
        address = f"{LIST}{listed.further_url}"
    raise AssertionError("the list has no end")


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


class TestPages:
    @pytest.fixture(autouse=True)
    def _are_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readings.ReadingAdmin, "list_per_page", 2)
        monkeypatch.setattr(read_only.CappedPaginator, "MOST_PAGES", 2)

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"q": builder.MPAN}, 11),
            ({"q": f"{builder.MPAN}, {builder.OTHER_MPAN}"}, 19),
            ({"q": "B1"}, 4),
            ({"q": builder.MPAN, "until": "2023-04-30"}, 9),
        ],
        ids=["meter point", "two with readings of one time", "serial number", "narrowed"],
    )
    def test_of_a_search_go_on_to_the_oldest(
        self, staff: test.Client, query: dict[str, str], count: int
    ) -> None:
        shown = _walk(staff, query)

        times = dict(models.Reading.objects.values_list("id", "read_at"))
        assert len(shown) == len({*shown}) == count
        assert shown == sorted(shown, key=lambda pk: (times[pk], pk), reverse=True)

    def test_of_a_file_go_on_to_its_first_line(self, staff: test.Client) -> None:
        shown = _walk(staff, _file())

        assert len(shown) == 12
        assert shown == sorted({*shown}, reverse=True)

    def test_begin_anew_when_the_list_is_another(self, staff: test.Client) -> None:
        first = staff.get(LIST, _file()).context["cl"]
        last = staff.get(LIST, {**_file(), "p": "2"}).context["cl"]
        assert not hasattr(first, "further_url")

        page = staff.get(f"{LIST}{last.further_url}")

        behind = page.context["cl"]
        assert behind.first_url == f"?file={_file()['file']}"
        html = page.content.decode()
        assert "back to the first" in html
        assert 'name="before"' not in html
        assert re.search(r'href="[^"]*before=[^"]*p=2|href="[^"]*p=2[^"]*before=', html)

    @pytest.mark.parametrize(
        "place",
        ["x", "1-", "-1", "1-x", "9" * 30 + "-1", "\0"],
        ids=["word", "no id", "no time", "no number", "time beyond all", "NUL character"],
    )
    def test_at_no_place_are_empty(self, staff: test.Client, place: str) -> None:
        response = staff.get(LIST, {**_file(), "before": place})

        assert response.status_code == 200
        assert list(response.context["cl"].result_list) == []


class TestStanding:
    @pytest.mark.parametrize("most", depth.some([2, 1, 3, 100], one_of=2))
    @pytest.mark.parametrize(
        ("query", "standing", "count"),
        [
            ("history", "current", 8),
            ("history", "repeated", 1),
            ("history", "superseded", 0),
            ("file", "superseded", 3),
            ("file", "current", 9),
            ("file", "nonsense", 0),
        ],
    )
    def test_narrows_all_that_is_looked_through(
        self,
        staff: test.Client,
        monkeypatch: pytest.MonkeyPatch,
        most: int,
        query: str,
        standing: str,
        count: int,
    ) -> None:
        monkeypatch.setattr(readings.ReadingAdmin, "list_per_page", 2)
        monkeypatch.setattr(read_only.CappedPaginator, "MOST_PAGES", 1)
        monkeypatch.setattr(standings, "MOST_LOOKED_THROUGH", most)
        asked = _file() if query == "file" else {"q": builder.MPAN}

        shown = _walk(staff, {**asked, "standing": standing})

        assert len(shown) == len({*shown}) == count

    def test_says_how_many_were_looked_through(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readings.ChangeList, "looked_through", "8")
        monkeypatch.setattr(standings, "MOST_LOOKED_THROUGH", 8)

        page = staff.get(LIST, {**_file(), "standing": "superseded"}).content.decode()

        told = " ".join(page.partition('class="paginator"')[2].partition("</p>")[0].split())
        assert "2 readings of this standing among 8 looked through; <a href=" in told

    def test_narrows_a_download_whole(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(standings, "MOST_LOOKED_THROUGH", 2)
        asked = {**_file(), "standing": "superseded", "before": "1-1"}

        taken = staff.get(f"{LIST}download/", asked)

        lines = b"".join(taken.streaming_content).splitlines()  # type: ignore[attr-defined] # it is streamed
        assert len(lines) == 1 + 3

    def test_is_offered_where_readings_are_asked_for(self, staff: test.Client) -> None:
        asked = {**_file(), "standing": "superseded"}
        assert '<option value="superseded" selected>' in staff.get(LIST, asked).content.decode()
        assert 'name="standing"' not in staff.get(LIST).content.decode()
