from __future__ import annotations

import datetime
import pathlib
import re
from typing import Any

import pytest
from django import db, test
from pytest_django import fixtures

from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import audits, models
from warehouse.admin import charts, read_only, readings
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
            "first": "counts",
            "second": "counts",
            "wrong": "taken back on 1 Feb 2024",
            "taken back": "takes back 999.0",
            "right": "counts",
            "once more": "sent again as before",
            "low": "counts",
            "exchange": "counts",
            "after": "counts",
            "peak": "counts",
            "peak 2": "counts",
        }

    @pytest.mark.parametrize(
        ("name", "advance"),
        depth.some(
            [
                ("first", ""),
                ("second", "+50.5 1.6 a day since 1 Jan 2023"),
                ("wrong", ""),
                ("right", "+39.5 1.4 a day since 1 Feb 2023"),
                ("low", "−10.0 −0.3 a day since 1 Mar 2023"),  # noqa: RUF001 - the sign of a number
                ("exchange", ""),
                ("after", "+20.0 0.7 a day since 1 Apr 2023"),
                ("peak 2", ""),
            ],
            one_of=2,
        ),
        ids=depth.some(
            [
                "none before the first",
                "since the one before",
                "none for a withdrawn one",
                "over a withdrawn one",
                "downwards",
                "none across meters",
                "on the new meter",
                "none of maximum demand",
            ],
            one_of=2,
        ),
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
            ("300.0", "+120.0 4.0 a day since 1 Apr 2023"),
        ]
        assert _rows(page)["afterwards"]["Advance"] == "+12.0 0.4 a day since 1 May 2023"

    def test_measures_no_advance_between_types_of_one_reading(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        routine = _file("routine", "NEW 2", "C", _reading("202305", "25.0"))
        flow_files.load(tmp_path / "more", routine)

        rows = _rows(staff.get(ADDRESS).content.decode())

        assert rows["after"]["Standing"] == "replaced by 25.0"
        assert rows["routine"]["Advance"] == "+20.0 0.7 a day since 1 Apr 2023"

    def test_is_cut_in_words(self, staff: test.Client, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = staff.get(ADDRESS).content.decode()
        monkeypatch.setattr(history, "MOST_READINGS", 3)

        cut = staff.get(ADDRESS).content.decode()

        told = "The latest 3 readings and site visits at most; the list of readings and the export"
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

    @pytest.mark.thorough
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
            ("31.0", "counts", "+6.0 0.2 a day since 1 May 2023"),
            ("30.0", "replaced by 31.0", ""),
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
        flow_files.load(tmp_path / "more", _file("doubtful", "NEW 2", "R", suspect))

        page = staff.get("/warehouse/reading/", {"q": builder.MPAN}).content.decode()

        doubted = '>counts</span></span> <span class="doubted">doubted</span>'
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


class TestQuotable:
    @pytest.mark.django_db(transaction=True)  # as two transforms in one would meet
    def test_stands_large_with_the_doubted_one_beneath(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        suspect = builder.reading(read_at="20230601000000", value="7.0", flag="F")
        flow_files.load(tmp_path / "more", _file("doubtful", "NEW 2", "R", suspect))

        page = staff.get(ADDRESS).content.decode()

        assert re.findall(r'class="latest-value"[^>]*>([^<]+)<', page) == ["60.0", "25.0", "180.0"]
        _, _, beneath = page.partition(">25.0</a>")
        assert beneath.index("Not to be quoted") < beneath.index(">7.0</a>")
        assert re.findall(r'class="doubted-value"[^>]*>([^<]+)<', page) == ["7.0"]

    def test_is_marked_where_the_meter_was_removed(self, staff: test.Client) -> None:
        before = staff.get(ADDRESS).content.decode()
        models.Reading.objects.filter(value="180.0").update(reading_type="F")

        page = staff.get(ADDRESS).content.decode()

        assert "removed" not in before
        assert 'Meter OLD 1 <span class="badge">removed 1 Apr 2023</span>' in page
        assert page.count("removed") == 1

    def test_is_copied_and_taken_away(self, staff: test.Client) -> None:
        page = staff.get(ADDRESS).content.decode()

        assert "<span>12</span><span>0002</span><span>3305</span><span>967</span>" in page
        assert f'data-copy="{builder.MPAN}"' in page
        for address in re.findall(r'href="(/warehouse/reading/download/[^"]+)"', page):
            taken = staff.get(address.replace("&amp;", "&"))
            assert b"".join(taken.streaming_content)  # type: ignore[attr-defined] # it is streamed

    def test_is_found_again_on_the_start_page(
        self, staff: test.Client, support: test.Client
    ) -> None:
        for _ in range(2):
            staff.get(ADDRESS)

        link = f'<a href="{ADDRESS}">'
        assert staff.get("/").content.decode().count(link) == 1
        assert link not in support.get("/").content.decode()


class TestNarrowing:
    @pytest.mark.parametrize(
        ("asked", "left"),
        depth.some(
            [
                ({"since": "2023-05-01"}, {"after", "peak 2", "visit"}),
                ({"until": "2023-01-31"}, {"first"}),
                ({"since": "2023-02-01", "until": "2023-02-01"}, {"second"}),
                ({"register": "MD"}, {"peak", "peak 2"}),
                ({"type": "I"}, {"exchange"}),
                ({"standing": "withdrawn"}, {"wrong"}),
                ({"register": "S", "since": "2023-05-01"}, {"after"}),
                ({"standing": "odd"}, set()),
                (
                    {"since": "0001-01-01", "until": "9999-12-31", "register": "MD"},
                    {"peak", "peak 2"},
                ),
            ],
            one_of=3,
        ),
        ids=depth.some(
            [
                "from a day",
                "to a day",
                "one day",
                "register",
                "type",
                "standing",
                "two at once",
                "what there is not",
                "all days",
            ],
            one_of=3,
        ),
    )
    def test_shows_what_is_asked(
        self, staff: test.Client, asked: dict[str, str], left: set[str]
    ) -> None:
        page = staff.get(ADDRESS, asked).content.decode()

        shown = _rows(page) if left else {}
        assert set(shown) == left
        assert ("Nothing of this kind." in page) == (not left)

    @pytest.mark.parametrize("day", ["2023-06-31", "x", "\u0661", "2023-02-01T00:00"])
    def test_takes_no_date_for_none(self, staff: test.Client, day: str) -> None:
        page = staff.get(ADDRESS, {"since": day}).content.decode()

        assert len(_rows(page)) == 12

    def test_draws_the_history_alone_for_a_script(self, staff: test.Client) -> None:
        whole = staff.get(ADDRESS, {"register": "MD"}).content.decode()
        part = staff.get(ADDRESS, {"register": "MD", "part": "history"}).content.decode()

        assert part.startswith('<section class="module" id="history"')
        assert part.strip() in whole
        assert audits.LookUp.objects.filter(mpan_core=builder.MPAN).count() == 2


class TestReadTogether:
    @pytest.mark.django_db(transaction=True)  # as two transforms in one would meet
    def test_is_one_row(self, staff: test.Client, tmp_path: pathlib.Path) -> None:
        (tmp_path / "more").mkdir()
        files = {}
        for number, month in enumerate(("202401", "202402")):
            both = builder.meter(
                "DAY 3",
                _reading(month, f"{10 + number}.0", register="DY"),
                _reading(month, f"{20 + 2 * number}.0", register="NT"),
            )
            content = builder.flow_file(builder.meter_point(builder.MPAN, both), file_id=month)
            files[f"{month}.uff"] = content.decode()
        flow_files.load(tmp_path / "more", files)

        row = _rows(staff.get(ADDRESS).content.decode())["202402"]

        assert row["Register"] == "DY NT"
        assert row["Reading"] == "DY 11.0 NT 22.0"
        assert row["Advance"] == "DY +1.0 0.0 a day NT +2.0 0.1 a day since 1 Jan 2024"
        assert row["From"] == "202402.uff , line 4 , 5"


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
            ("first", "counts: the reading to go by"),
            ("wrong", "taken back: the sender took it back; do not quote it"),
            ("once more", "sent again: says the same as one that counts; it changes nothing"),
        ],
    )
    def test_tells_whether_it_counts(self, staff: test.Client, name: str, standing: str) -> None:
        reading = _reading_of(f"{name}.uff")

        page = staff.get(_address_of(reading)).content.decode()

        assert standing in page

    def test_leads_back_and_on(self, staff: test.Client) -> None:
        reading = _reading_of("second.uff")

        page = staff.get(_address_of(reading)).content.decode()

        assert f'<a href="{ADDRESS}">Meter point {builder.MPAN}</a>' in page
        assert f'<a href="{ADDRESS}#reading-{reading.pk}" class="closelink">Close</a>' in page
        assert f'<a href="{_address_of(_reading_of("first.uff"))}" rel="prev">' in page
        assert 'rel="next"' in page
        assert "+50.5 since 1 Jan 2023, 1.6 a day" in page
        first = staff.get(_address_of(_reading_of("first.uff"))).content.decode()
        assert 'rel="prev"' not in first

    def test_leads_to_what_replaced_it(self, staff: test.Client) -> None:
        taken_back = _address_of(_reading_of("taken back.uff"))

        page = staff.get(_address_of(_reading_of("wrong.uff"))).content.decode()

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
            "6 readings that count, from 100.0 on 1 Jan 2023 to 25.0 on 1 May 2023; the lowest is"
            " 5.0, the highest 190.0. Not counted, marked by crosses: 1."
        ) in page

    def test_draws_a_line_through_what_counts(self, staff: test.Client) -> None:
        page = staff.get(ADDRESS).content.decode()

        assert len(re.findall(r'<polyline points="([^"]+)"', page)) == 2  # none for the peaks

    @pytest.mark.django_db(transaction=True)  # as two transforms in one would meet
    def test_draws_many_readings_as_few_points(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        start = datetime.datetime(2024, 1, 1)  # noqa: DTZ001 - clock time, as a file has it
        readings = [
            builder.reading(
                read_at=f"{start + datetime.timedelta(days=day):%Y%m%d%H%M%S}",
                value="9000.0" if day == 300 else f"{day}.0",
            )
            for day in range(450)
        ]
        meter = builder.meter("MANY", *readings)
        content = builder.flow_file(builder.meter_point(builder.OTHER_MPAN, meter), file_id="many")
        flow_files.load(tmp_path / "more", {"many.uff": content.decode()})

        page = staff.get(f"/warehouse/meterpoint/{builder.OTHER_MPAN}/change/").content.decode()

        bars, total = re.findall(r"<svg viewBox.*?</svg>", page, re.DOTALL)
        assert 100 < bars.count("<rect") <= charts.MOST_POINTS
        assert 100 < total.count("<circle") <= charts.MOST_POINTS
        assert "450 readings that count" in page
        # The jump, and the way back from it, are told as arrows with their values.
        assert bars.count('class="mark arrow"') == 2
        assert re.findall(r'class="value"[^>]*>([^<]+)<', bars) != []

    def test_marks_exchanges_and_visits(self, staff: test.Client) -> None:
        page = staff.get(ADDRESS).content.decode()

        assert "<title>meter NEW 2 from 1 Apr 2023</title>" in page
        assert page.count('class="mark exchange"') == 2  # in both pictures of register S
        models.SiteVisit.objects.update(reading_id=_reading_of("second.uff").pk, serial_key="OLD1")
        page = staff.get(ADDRESS).content.decode()
        assert "<title>site visit 1 Feb 2023: no access (20)</title>" in page


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
