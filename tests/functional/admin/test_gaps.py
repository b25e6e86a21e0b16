"""The reports of gaps and jumps: pages, paging, CSV, and the record of who was shown what."""

from __future__ import annotations

import csv
import html
import io
import pathlib
import re

import pytest
from django import db, test
from django.http import StreamingHttpResponse

from tests import builder
from tests.functional.admin import flow_files
from warehouse import audits
from warehouse.admin import gaps as pages


def _quarters(mpan: str, *values: int) -> builder.Lines:
    """Return the lines of a meter that is read each quarter from 2014 on."""
    days = [f"{year}{month}01" for year in (2014, 2015) for month in ("01", "04", "07", "10")]
    readings = [
        builder.reading(read_at=f"{day}000000", value=f"{value}.0")
        for day, value in zip(days, values, strict=False)
    ]
    return builder.meter_point(mpan, builder.meter("=A1", *readings))


def _load(folder: pathlib.Path) -> None:
    lines = [
        *_quarters(builder.MPAN, 100, 200, 300, 400, 500, 600, 700, 800),
        *_quarters(builder.OTHER_MPAN, 100, 200, 300, 400),
        *_quarters(builder.THIRD_MPAN, 100, 200, 300, 400, 500, 600, 9999),
    ]
    flow_files.load(
        folder,
        {
            "quarters.uff": flow_files.text(lines, identifier="1", created="20151012120000"),
            "later.uff": flow_files.text(
                _quarters(builder.MPAN, 101),
                identifier="2",
                sender="OTHR",
                created="20151011120000",
            ),
        },
    )


@pytest.fixture(scope="module")
def _loaded(keep: flow_files.Keep) -> None:
    keep(_load)


def _rows(client: test.Client, path: str) -> list[dict[str, str]]:
    response = client.get(path)
    assert isinstance(response, StreamingHttpResponse)
    assert response["Content-Disposition"].endswith('.csv"')
    return [*csv.DictReader(io.StringIO(response.getvalue().decode()))]


def _days(page: str) -> list[str]:
    return re.findall(r'data-label="Days">(\d+)<', page)


def _link(page: str, kind: str) -> str:
    """Return the address of the only link of a kind, empty if there is none."""
    found = re.search(rf'<a href="([^"]*)" {kind}', page)
    return html.unescape(found[1]) if found else ""


def _count_meter_points() -> None:
    """Have the server know how many there are, and not count again in this transaction."""
    with db.connection.cursor() as cursor:
        cursor.execute("ANALYZE meter_point")


def _looked_at(name: str) -> set[tuple[str, str]]:
    found = audits.LookUp.objects.filter(user_name=name)
    return {*found.values_list("mpan_core", "looked_at")}


@pytest.mark.usefixtures("_loaded")
class TestGaps:
    def test_are_measured_against_the_newest_file(self, support: test.Client) -> None:
        page = support.get("/gaps/").content.decode()

        assert "12 Oct 2015, when the newest loaded file was made" in page
        assert builder.MPAN not in page
        assert builder.THIRD_MPAN in page
        assert '<td class="number" data-label="Days">376</td>' in page
        assert "400.0 on " in page
        assert "UDMS, non-half-hourly data collector (D)" in page

    def test_are_recorded_as_lists_are(self, support: test.Client) -> None:
        support.get("/gaps/")

        assert _looked_at("stella") == {
            (builder.OTHER_MPAN, "LIST"), (builder.THIRD_MPAN, "LIST")
        }  # fmt: skip

    def test_are_taken_away_whole_as_csv(self, operations: test.Client) -> None:
        rows = _rows(operations, "/gaps/?days=200&format=csv")

        assert [(row["mpan_core"], row["days"], row["serial_number"]) for row in rows] == [
            (builder.OTHER_MPAN, "376", "'=A1")
        ]
        assert rows[0]["file_name"] == "quarters.uff"
        assert _looked_at("otto") == {(builder.OTHER_MPAN, "DOWNLOAD")}

    def test_are_narrowed_by_sender(self, support: test.Client) -> None:
        page = support.get("/gaps/?sender=OTHR").content.decode()

        assert '<option value="OTHR" selected>' in page
        assert "<p>None. Looked through 3 meter points, to the last one.</p>" in page

    def test_go_on_behind_the_last_of_a_page(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "MOST_ROWS", 1)

        first = support.get("/gaps/").content.decode()
        second = support.get(f"/gaps/{_link(first, 'rel')}").content.decode()

        assert [*_days(first), *_days(second)] == ["103", "376"]
        assert "Looked through 2" in first
        assert "Looked through 3 meter points, to the last one." in second
        assert _link(second, "rel") == _link(second, "data-further") == ""

    def test_look_through_few_meter_points_and_then_further(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(pages.AT_ONCE, "gaps", 1)
        monkeypatch.setattr(pages, "FURTHER", 1)
        _count_meter_points()
        page, days = support.get("/gaps/?days=50").content.decode(), []
        assert "None yet. Looked through 1 of about 3 meter points." in page

        while link := _link(page, "data-further"):
            page = support.get(f"/gaps/{link}&part=found").content.decode()
            days.append(_days(page))

        assert days == [["103"], ["376"]]
        assert "<p>Looked through 3 meter points, to the last one.</p>" in page
        assert "<html" not in page
        assert {mpan for mpan, _ in _looked_at("stella")} == {
            builder.OTHER_MPAN, builder.THIRD_MPAN
        }  # fmt: skip

    def test_guess_nothing_where_more_were_looked_through_or_none_is_left(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(pages.AT_ONCE, "gaps", 1)
        first, second, _ = sorted([builder.MPAN, builder.OTHER_MPAN, builder.THIRD_MPAN])
        _count_meter_points()

        more = support.get(f"/gaps/?after={first}&looked=8").content.decode()
        last = support.get(f"/gaps/?after={second}").content.decode()

        assert "Looked through 9 meter points." in more
        assert "Looked through 1 meter point, to the last one." in last

    def test_look_further_until_the_page_is_full(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(pages.AT_ONCE, "gaps", 1)
        monkeypatch.setattr(pages, "MOST_ROWS", 2)

        first = support.get("/gaps/?days=5").content.decode()
        further = support.get(f"/gaps/{_link(first, 'data-further')}").content.decode()
        behind = support.get(f"/gaps/{_link(further, 'rel')}").content.decode()

        assert [_days(page) for page in (first, further, behind)] == [["11"], ["103"], ["376"]]
        assert "Looked through 2" in further
        assert _link(behind, "rel") == _link(behind, "data-further") == ""

    @pytest.mark.parametrize("typed", ["x", "", "-5", "9" * 30, "\0", "\u0663"])
    @pytest.mark.parametrize("name", ["days", "times", "after", "sender", "looked", "shown"])
    def test_take_whatever_is_typed(self, support: test.Client, name: str, typed: str) -> None:
        assert support.get("/jumps/", {name: typed}).status_code == 200


@pytest.mark.usefixtures("_loaded")
class TestJumps:
    def test_are_told_with_what_is_usual(self, support: test.Client) -> None:
        page = support.get("/jumps/?days=200").content.decode()

        assert builder.THIRD_MPAN in page
        assert builder.MPAN not in page
        assert "9999.0 on " in page
        assert '<td class="number" data-label="Usual">1.1</td>' in page
        assert "None" in support.get("/jumps/?days=200&times=200").content.decode()

    def test_are_taken_away_whole_as_csv(self, support: test.Client) -> None:
        [row] = _rows(support, "/jumps/?days=200&format=csv")

        assert (row["value"], row["per_day"], row["usual_per_day"]) == ("9999.0", "103.29", "1.11")
