from __future__ import annotations

import datetime
import pathlib
import re
from typing import Any

import pytest
from django import db, test
from pytest_django import fixtures

from tests import builder
from tests.functional.admin import flow_files
from warehouse import models
from warehouse.queries import history


ADDRESS = f"/warehouse/meterpoint/{builder.MPAN}/change/"


def _file(name: str, serial: str, reading_type: str, *readings: builder.Lines) -> dict[str, str]:
    meter = builder.meter(serial, *readings, reading_type=reading_type)
    content = builder.flow_file(builder.meter_point(builder.MPAN, meter), file_id=name)
    return {f"{name}.uff": content.decode()}


def _reading_of(file_name: str) -> models.Reading:
    """Return the only reading of a file."""
    flow_file = models.FlowFile.objects.get(file_name=file_name)
    (reading,) = (
        reading
        for reading in models.Reading.objects.filter(mpan_core=builder.MPAN)
        if reading.flow_file_id == flow_file.pk
    )
    return reading


def _address_of(reading: models.Reading) -> str:
    return f"/warehouse/reading/{reading.mpan_core}-{reading.pk}/change/"


def _reading(month: str, value: str, **rest: str) -> builder.Lines:
    return builder.reading(read_at=f"{month}01000000", value=value, **rest)


def _load_history(folder: pathlib.Path) -> None:
    visit = builder.flow_file(
        builder.meter_point(builder.MPAN, builder.line("027|20|card left|")),
        file_id="visit",
    )
    flow_files.load(
        folder,
        {
            **_file("first", "OLD 1", "R", _reading("202301", "100.0")),
            **_file("second", "OLD 1", "R", _reading("202302", "150.5")),
            **_file("wrong", "OLD 1", "C", _reading("202303", "999.0")),
            **_file("taken back", "OLD 1", "W", _reading("202303", "999.0")),
            **_file("right", "OLD 1", "R", _reading("202303", "190.0")),
            **_file("once more", "OLD 1", "R", _reading("202303", "190.0")),
            **_file("low", "OLD 1", "R", _reading("202304", "180.0")),
            **_file("exchange", "NEW 2", "I", _reading("202304", "5.0")),
            **_file("after", "NEW 2", "R", _reading("202305", "25.0")),
            **_file(
                "peak", "NEW 2", "R", _reading("202304", "40.0", register="MD", md_resets="1")
            ),
            **_file(
                "peak 2", "NEW 2", "R", _reading("202305", "60.0", register="MD", md_resets="1")
            ),
            "visit.uff": visit.decode(),
        },
    )


@pytest.fixture(scope="module")
def _history(keep: flow_files.Keep) -> None:
    keep(_load_history)


pytestmark = pytest.mark.usefixtures("_history")


def _cells(page: str) -> list[dict[str, str]]:
    """Return the rows of the history; a row is its cells by their labels."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        {
            label: " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for label, cell in re.findall(
                r'<td[^>]*data-label="([^"]+)"[^>]*>(.*?)</td>', row, re.DOTALL
            )
        }
        for row in body.split("<tr")[1:]
    ]


def _rows(page: str) -> dict[str, dict[str, str]]:
    """Return the rows of the history by file name."""
    return {cells["From"].partition(".uff")[0]: cells for cells in _cells(page)}


def _get_while_a_load_commits(staff: test.Client, *, before_query: int) -> int:
    """Ask for the page, and let a new meter with a reading and a visit appear on the way."""
    waiting = before_query
    appeared = (before_query + 1) << 40
    flow_file = models.FlowFile.objects.earliest("id")

    def execute(run: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        nonlocal waiting
        waiting -= 1
        if waiting == -1:
            serial_key = f"RACE{before_query}"
            models.Meter.objects.create(
                id=appeared,
                mpan_core=builder.MPAN,
                serial_key=serial_key,
                serial_number=f"RACE {before_query}",
            )
            models.Register.objects.create(
                id=appeared, mpan_core=builder.MPAN, serial_key=serial_key, identifier="S"
            )
            key = flow_file.pk << 32 | 1000 + before_query
            moment = datetime.datetime(2023, 7, 1, tzinfo=datetime.timezone.utc)
            models.Reading.objects.create(
                id=key,
                mpan_core=builder.MPAN,
                serial_key=serial_key,
                identifier="S",
                read_at=moment,
                stated_at=moment,
                value="1.0",
            )
            models.SiteVisit.objects.create(
                id=key,
                mpan_core=builder.MPAN,
                serial_key=serial_key,
                reading_id=key,
                check_code="20",
            )
        return run(sql, parameters, many, context)

    with db.connection.execute_wrapper(execute):
        return staff.get(ADDRESS).status_code


class TestHistory:
    def test_tells_what_each_reading_is_worth(self, staff: test.Client) -> None:
        rows = _rows(staff.get(ADDRESS).content.decode())

        assert {name: row["Standing"] for name, row in rows.items() if "Standing" in row} == {
            "first": "current",
            "second": "current",
            "wrong": "withdrawn",
            "taken back": "withdrawal",
            "right": "current",
            "once more": "repeated",
            "low": "current",
            "exchange": "current",
            "after": "current",
            "peak": "current",
            "peak 2": "current",
        }

    @pytest.mark.parametrize(
        ("name", "advance"),
        [
            ("first", ""),
            ("second", "+50.5 since 1 Jan 2023"),
            ("wrong", ""),
            ("right", "+39.5 since 1 Feb 2023"),
            ("low", "−10.0 since 1 Mar 2023"),  # noqa: RUF001 - the sign of a number
            ("exchange", ""),
            ("after", "+20.0 since 1 Apr 2023"),
            ("peak 2", ""),
        ],
        ids=[
            "none before the first",
            "since the one before",
            "none for a withdrawn one",
            "over a withdrawn one",
            "downwards",
            "none across meters",
            "on the new meter",
            "none of maximum demand",
        ],
    )
    def test_measures_advances(self, staff: test.Client, name: str, advance: str) -> None:
        rows = _rows(staff.get(ADDRESS).content.decode())

        assert rows[name]["Advance"] == advance

    @pytest.mark.parametrize("first", ["F", "I"], ids=["final first", "initial first"])
    def test_begins_a_register_anew_after_its_final_reading(
        self, staff: test.Client, tmp_path: pathlib.Path, first: str
    ) -> None:
        (tmp_path / "more").mkdir()
        values = {"F": "300.0", "I": "0.0"}
        both = [
            builder.meter("OLD 1", _reading("202305", values[kind]), reading_type=kind)
            for kind in (first, "I" if first == "F" else "F")
        ]
        content = builder.flow_file(builder.meter_point(builder.MPAN, *both), file_id="both")
        after = _file("afterwards", "OLD 1", "R", _reading("202306", "12.0"))
        flow_files.load(tmp_path / "more", {"both.uff": content.decode(), **after})

        page = staff.get(ADDRESS).content.decode()

        rows = _cells(page)
        at_once = [row for row in rows if row["From"].startswith("both.uff")]
        assert [(row["Reading"], row["Advance"]) for row in at_once] == [
            ("0.0", ""),
            ("300.0", "+120.0 since 1 Apr 2023"),
        ]
        assert _rows(page)["afterwards"]["Advance"] == "+12.0 since 1 May 2023"

    def test_measures_no_advance_between_types_of_one_reading(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        routine = _file("routine", "NEW 2", "C", _reading("202305", "25.0"))
        flow_files.load(tmp_path / "more", routine)

        rows = _rows(staff.get(ADDRESS).content.decode())

        assert rows["after"]["Standing"] == "superseded"
        assert rows["routine"]["Advance"] == "+20.0 since 1 Apr 2023"

    def test_is_cut_in_words(self, staff: test.Client, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = staff.get(ADDRESS).content.decode()
        monkeypatch.setattr(history, "MOST_READINGS", 3)

        cut = staff.get(ADDRESS).content.decode()

        told = "The latest 3 readings and site visits at most; the export has all readings."
        assert told not in whole
        assert told in cut
        assert "No reading that counts among the latest 3." in cut  # of the old meter
        assert [row["Reading"] for row in _cells(cut) if "Reading" in row] == [
            "60.0",
            "25.0",
            "40.0",
        ]

    def test_is_cut_in_words_where_visits_are_many(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flow_file = models.FlowFile.objects.earliest("id")
        models.MeterPoint.objects.create(mpan_core=builder.OTHER_MPAN, line_id=1)
        for number in (1, 2):
            models.SiteVisit.objects.create(
                id=flow_file.pk << 32 | 1000 + number,
                mpan_core=builder.OTHER_MPAN,
                serial_key="",
                check_code="20",
            )
        monkeypatch.setattr(history, "MOST_READINGS", 1)

        page = staff.get(f"/warehouse/meterpoint/{builder.OTHER_MPAN}/change/").content.decode()

        assert "The latest 1 readings and site visits at most" in page
        assert page.count("<strong>Site visit:</strong>") == 1

    def test_shows_what_is_committed_while_it_is_read(self, staff: test.Client) -> None:
        """A load may commit a meter, its register and a reading between any two queries."""
        for place in range(20):
            shown = _get_while_a_load_commits(staff, before_query=place)

            assert shown == 200

    @pytest.mark.parametrize("is_newer_first", [True, False], ids=["newer first", "older first"])
    def test_is_told_in_the_order_in_which_files_were_made(
        self,
        staff: test.Client,
        tmp_path: pathlib.Path,
        is_newer_first: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        (tmp_path / "more").mkdir()
        files = {}
        for day, value in (("10", "31.0"), ("05", "30.0"))[:: 1 if is_newer_first else -1]:
            meter = builder.meter("NEW 2", _reading("202306", value))
            content = builder.flow_file(
                builder.meter_point(builder.MPAN, meter),
                file_id=f"made {day}",
                header=f"ZHV|made {day}|D0010002|D|UDMS|X|MRCY|202406{day}080000||||OPER|",
            )
            files[f"{day}.uff"] = content.decode()
        flow_files.load(tmp_path / "more", files)

        rows = [row for row in _cells(staff.get(ADDRESS).content.decode()) if "Standing" in row]

        assert [(row["Reading"], row["Standing"], row["Advance"]) for row in rows[:2]] == [
            ("31.0", "current", "+6.0 since 1 May 2023"),
            ("30.0", "superseded", ""),
        ]

    def test_shows_what_is_at_no_known_meter(self, staff: test.Client) -> None:
        """Nothing but `reconcile` proves that the rows which a reading names are there."""
        whole = _rows(staff.get(ADDRESS).content.decode())
        models.Meter.objects.filter(serial_number="NEW 2").delete()
        models.Register.objects.filter(serial_key="NEW2").delete()

        page = staff.get(ADDRESS).content.decode()

        assert [row["Meter"] for row in _rows(page).values() if row["Meter"] == "NEW2"] == [
            "NEW2"
        ] * sum(row["Meter"] == "NEW 2" for row in whole.values())
        assert "Meter NEW2" in page
        listed = staff.get("/warehouse/reading/", {"q": builder.MPAN}).content.decode()
        assert '<td class="field-serial_number">NEW2</td>' in listed

    def test_has_site_visits_in_place(self, staff: test.Client) -> None:
        rows = _rows(staff.get(ADDRESS).content.decode())

        assert rows["visit"]["Site visit"] == (
            "Site visit: no access (20), reported on this day card left"
        )
        assert next(iter(rows)) == "visit"

    def test_leads_to_file_and_raw_line(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="after.uff")

        page = staff.get(ADDRESS).content.decode()

        assert f"/warehouse/flowfile/{flow_file.pk}/change/" in page
        assert f"/etl/stagedline/{(flow_file.pk << 32) + 4}/change/" in page

    def test_takes_the_same_queries_however_long_it_is(
        self,
        staff: test.Client,
        django_assert_num_queries: fixtures.DjangoAssertNumQueries,
    ) -> None:
        other = f"/warehouse/meterpoint/{builder.OTHER_MPAN}/change/"
        models.MeterPoint.objects.create(mpan_core=builder.OTHER_MPAN, line_id=1)
        staff.get(ADDRESS)

        # Session, user, point, look-up, readings, standings, visits, how many meters, meters,
        # files, issues and how many, registers; but without any of these neither standings, nor
        # meters, nor files are asked for.
        with django_assert_num_queries(13):
            staff.get(ADDRESS)
        with django_assert_num_queries(10):
            staff.get(other)


class TestReadingList:
    def test_of_a_file_leads_to_its_lines(self, staff: test.Client) -> None:
        reading = _reading_of("after.uff")
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
            "first": "current",
            "second": "current",
            "wrong": "withdrawn",
            "taken back": "withdrawal",
            "right": "current",
            "once more": "repeated",
            "low": "current",
            "exchange": "current",
            "after": "current",
            "peak": "current",
            "peak 2": "current",
        }
        struck = [row for row in rows if 'class="does-not-count"' in row]
        assert len(struck) == 1
        assert ">wrong.uff<" in struck[0]

    def test_tells_what_is_doubted(self, staff: test.Client, tmp_path: pathlib.Path) -> None:
        (tmp_path / "more").mkdir()
        suspect = builder.reading(read_at="20230601000000", value="7.0", flag="F")
        flow_files.load(tmp_path / "more", _file("doubtful", "NEW 2", "R", suspect))

        page = staff.get("/warehouse/reading/", {"q": builder.MPAN}).content.decode()

        doubted = '>current</span></span> <span class="doubted">doubted</span>'
        assert page.count(doubted) == 1


class TestLatest:
    def test_stands_first_the_newest_meter_first(self, staff: test.Client) -> None:
        page = staff.get(ADDRESS).content.decode()

        latest = re.findall(r'class="latest-value"[^>]*>([^<]+)<', page)
        assert latest == ["60.0", "25.0", "180.0"]

    def test_tells_what_is_doubtful_as_the_history_does(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        doubtful = builder.reading(
            read_at="20230601000000", value="7.0", flag="F", below=builder.line("032|03|F|")
        )
        (tmp_path / "more").mkdir()
        flow_files.load(tmp_path / "more", _file("doubtful", "NEW 2", "R", doubtful))

        page = staff.get(ADDRESS).content.decode()

        remarks = [
            "flagged as suspect",
            "reason: negative consumption (03)",
            "after checking: suspect (F)",
            "lower than before: a dial that wrapped, an estimate too high, or an error",
        ]
        card = page.partition(">7.0</a>")[2].partition("</div>")[0]
        assert re.findall(r'<span class="doubted">([^<]+)</span>', card) == remarks
        history = _rows(page)["doubtful"]["Type"]
        assert all(remark in history for remark in remarks)

    @pytest.mark.parametrize(
        ("reading_type", "value"),
        [("W", "25.0"), ("R", "25.0")],
        ids=["withdrawn", "repeated"],
    )
    def test_is_one_that_counts(
        self, staff: test.Client, tmp_path: pathlib.Path, reading_type: str, value: str
    ) -> None:
        (tmp_path / "more").mkdir()
        again = _file("again", "NEW 2", reading_type, _reading("202305", value))
        flow_files.load(tmp_path / "more", again)

        page = staff.get(ADDRESS).content.decode()

        reading = _reading_of("exchange.uff" if reading_type == "W" else "after.uff")
        assert f'class="latest-value" href="{_address_of(reading)}"' in page

    def test_is_the_value_that_superseded_another(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        corrected = _file("corrected", "NEW 2", "R", _reading("202305", "24.0"))
        flow_files.load(tmp_path / "more", corrected)

        page = staff.get(ADDRESS).content.decode()

        latest = re.findall(r'class="latest-value"[^>]*>([^<]+)<', page)
        assert latest == ["60.0", "24.0", "180.0"]

    def test_tells_what_failed_validation_and_what_is_in_the_future(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        meter = builder.meter(
            "NEW 2", builder.reading(read_at="21000101000000", value="70.0", flag="")
        )
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, meter, validation_status="F"), file_id="far"
        )
        flow_files.load(tmp_path / "more", {"far.uff": content.decode()})

        page = staff.get(ADDRESS).content.decode()

        card = page.partition(">70.0</a>")[2].partition("</div>")[0]
        assert re.findall(r'<span class="doubted">([^<]+)</span>', card) == [
            "dated in the future",
            "failed validation (F)",
        ]
        row = _rows(page)["far"]["Type"]
        assert "routine (R) dated in the future failed validation (F)" in row
        # The issue of its line, in both places.
        issue = models.LineIssue.objects.get(code="future-date")
        link = f'<a href="/warehouse/lineissue/{issue.pk}/change/">future date</a>'
        assert page.count(link) == 2
        assert "issue: future date" in row

    def test_tells_what_failed_validation_beside_its_flag_once(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        meter = builder.meter("NEW 2", builder.reading(read_at="20230601000000", flag="F"))
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, meter, validation_status="F"), file_id="both"
        )
        flow_files.load(tmp_path / "more", {"both.uff": content.decode()})

        row = _rows(staff.get(ADDRESS).content.decode())["both"]["Type"]

        assert row.startswith(
            "routine (R) failed validation (F) flagged as suspect issue: missing result . "
        )


class TestReadingPage:
    def test_tells_when_its_file_was_made(self, staff: test.Client) -> None:
        page = staff.get(_address_of(_reading_of("first.uff"))).content.decode()

        made = page.partition("File made, UK time:")[2]
        assert re.search(r"<time [^>]*>([^<]+)<", made)[1] == "1 Feb 2024 12:00"  # type: ignore[index] # it is there

    def test_leads_to_the_issues_of_its_line(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        far = builder.reading(read_at="21000101000000")
        flow_files.load(tmp_path / "more", _file("far", "NEW 2", "R", far))
        reading = _reading_of("far.uff")
        issue = models.LineIssue.objects.get(code="future-date")

        page = staff.get(_address_of(reading)).content.decode()

        assert f'<a href="/warehouse/lineissue/{issue.pk}/change/">future date</a>' in page

    @pytest.mark.parametrize(
        ("name", "standing"),
        [
            ("first", "current: it counts"),
            ("wrong", "withdrawn: it was taken back"),
            ("once more", "repeated: the same was stated before; it changes nothing"),
        ],
    )
    def test_tells_whether_it_counts(self, staff: test.Client, name: str, standing: str) -> None:
        reading = _reading_of(f"{name}.uff")

        page = staff.get(_address_of(reading)).content.decode()

        assert standing in page


class TestNotFound:
    def test_leads_to_the_help_of_the_search(self, staff: test.Client) -> None:
        response = staff.get(f"/warehouse/meterpoint/{builder.THIRD_MPAN}/change/", follow=True)

        assert response.redirect_chain == [(f"/warehouse/meterpoint/?q={builder.THIRD_MPAN}", 302)]
        page = response.content.decode()
        assert f"No meter point has the MPAN {builder.THIRD_MPAN}." in page
        assert "Perhaps it was deleted" not in page

    @pytest.mark.parametrize("key", ["a%26b%3D%23", "%00", "1%00", "\u202e", "1_002F2"], ids=ascii)
    def test_takes_any_key_for_text(self, staff: test.Client, key: str) -> None:
        response = staff.get(f"/warehouse/meterpoint/{key}/change/")

        assert response.status_code == 302
        assert response["Location"].startswith("/warehouse/meterpoint/?q=")
        assert "&" not in response["Location"]

    def test_is_told_to_nobody_who_may_not_look(self, newcomer: test.Client) -> None:
        address = f"/warehouse/meterpoint/{builder.THIRD_MPAN}/change/"

        assert newcomer.get(address).status_code == 403


class TestChart:
    def test_is_told_in_words_as_well(self, staff: test.Client) -> None:
        page = staff.get(ADDRESS).content.decode()

        assert (
            "Register S of meter OLD 1. 4 readings that count, from 100.0 on 1 Jan 2023 00:00 to"
            " 180.0 on 1 Apr 2023 00:00; the lowest is 100.0, the highest 190.0."
            " Not counted, marked by crosses: 1."
        ) in page

    def test_draws_a_line_through_what_counts(self, staff: test.Client) -> None:
        page = staff.get(ADDRESS).content.decode()

        assert len(re.findall(r'<polyline points="([^"]+)"', page)) == 2  # none for the peaks


class TestHostileValues:
    def test_stand_as_text(self, staff: test.Client) -> None:
        text = '<script>alert(1)</script> " \u202e' + "x" * 150
        models.FlowFile.objects.filter(file_name="after.uff").update(file_name=text)
        models.SiteVisit.objects.filter(check_code="20").update(additional_information=text)
        models.Meter.objects.filter(serial_number="NEW 2").update(serial_number='<b>"\u202e=1')

        page = staff.get(ADDRESS).content.decode()

        assert "<script>alert" not in page
        assert "<b>" not in page
        assert "\u202e" not in page
        assert "&lt;b&gt;&quot;\\u202e=1" in page
