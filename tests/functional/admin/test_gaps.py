"""The reports of gaps and jumps: pages, paging, CSV, and the record of who was shown what."""

from __future__ import annotations

import csv
import io
import pathlib

import pytest
from django import test
from django.http import StreamingHttpResponse

from tests import builder
from tests.functional.admin import flow_files
from warehouse import audits
from warehouse.admin import gaps as pages
from warehouse.queries import gaps


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
        assert "<p>None.</p>" in page

    def test_go_on_behind_the_last_of_a_page(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "MOST_ROWS", 1)

        first = support.get("/gaps/").context
        assert [row["days"] for row in first["rows"]] == ["103"]
        second = support.get(f"/gaps/{first['next_url']}").context

        assert [row["days"] for row in second["rows"]] == ["376"]
        assert second["next_url"] == ""

    def test_say_how_far_they_looked(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gaps, "LOOKED_THROUGH_AT_ONCE", 1)
        monkeypatch.setattr(gaps, "MOST_LOOKED_THROUGH", 1)

        page = support.get("/gaps/?days=9999").content.decode()

        assert "None among these 1 meter points." in page
        assert f"after={min(builder.MPAN, builder.THIRD_MPAN)}" in page

    @pytest.mark.parametrize("typed", ["x", "", "-5", "9" * 30, "\0", "\u0663"])
    @pytest.mark.parametrize("name", ["days", "times", "after", "sender"])
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
