from __future__ import annotations

import datetime
import pathlib
from typing import Any

import pytest
from django import db, test
from pytest_django import fixtures

from tests import builder, depth
from tests.functional.admin import flow_files, meter_points
from warehouse import audits, models
from warehouse.queries import history


pytestmark = pytest.mark.usefixtures("_history")


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
        return staff.get(meter_points.ADDRESS).status_code


class TestHistory:
    def test_tells_what_each_reading_is_worth(self, staff: test.Client) -> None:
        rows = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())

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
        rows = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())

        assert rows[name]["Advance"] == advance

    def test_is_cut_in_words(self, staff: test.Client, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = staff.get(meter_points.ADDRESS).content.decode()
        monkeypatch.setattr(history, "MOST_READINGS", 3)

        cut = staff.get(meter_points.ADDRESS).content.decode()

        told = "The latest 3 readings and site visits at most; the list of readings and the export"
        assert told not in whole
        assert told in cut
        assert "No reading that counts among the latest 3." in cut  # of the old meter
        assert [row["Reading"] for row in meter_points.cells(cut) if "Reading" in row] == [
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

    def test_shows_what_is_at_no_known_meter(self, staff: test.Client) -> None:
        """Nothing but `reconcile` proves that the rows which a reading names are there."""
        whole = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())
        models.Meter.objects.filter(serial_number="NEW 2").delete()
        models.Register.objects.filter(serial_key="NEW2").delete()

        page = staff.get(meter_points.ADDRESS).content.decode()

        assert [
            row["Meter"] for row in meter_points.rows(page).values() if row["Meter"] == "NEW2"
        ] == ["NEW2"] * sum(row["Meter"] == "NEW 2" for row in whole.values())
        assert "Meter NEW2" in page
        listed = staff.get("/warehouse/reading/", {"q": builder.MPAN}).content.decode()
        assert '<td class="field-serial_number">NEW2</td>' in listed

    def test_has_site_visits_in_place(self, staff: test.Client) -> None:
        rows = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())

        assert rows["visit"]["Site visit"] == (
            "Site visit: no access (20), reported on this day card left"
        )
        assert next(iter(rows)) == "visit"

    def test_leads_to_file_and_raw_line(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="after.uff")

        page = staff.get(meter_points.ADDRESS).content.decode()

        assert f"/warehouse/flowfile/{flow_file.pk}/change/" in page
        assert f"/etl/stagedline/{(flow_file.pk << 32) + 4}/change/" in page

    def test_takes_the_same_queries_however_long_it_is(
        self,
        staff: test.Client,
        django_assert_num_queries: fixtures.DjangoAssertNumQueries,
    ) -> None:
        other = f"/warehouse/meterpoint/{builder.OTHER_MPAN}/change/"
        models.MeterPoint.objects.create(mpan_core=builder.OTHER_MPAN, line_id=1)
        staff.get(meter_points.ADDRESS)

        # Session, user, point, look-up, readings, standings, visits, how many meters, meters,
        # files, issues and how many, registers; but without any of these neither standings, nor
        # meters, nor files are asked for.
        with django_assert_num_queries(14):
            staff.get(meter_points.ADDRESS)
        with django_assert_num_queries(10):
            staff.get(other)


class TestLongerHistory:
    @pytest.mark.parametrize("first", ["F", "I"], ids=["final first", "initial first"])
    def test_begins_a_register_anew_after_its_final_reading(
        self, staff: test.Client, tmp_path: pathlib.Path, first: str
    ) -> None:
        (tmp_path / "more").mkdir()
        values = {"F": "300.0", "I": "0.0"}
        both = [
            builder.meter("OLD 1", meter_points.reading("202305", values[kind]), reading_type=kind)
            for kind in (first, "I" if first == "F" else "F")
        ]
        content = builder.flow_file(builder.meter_point(builder.MPAN, *both), file_id="both")
        after = meter_points.file(
            "afterwards", "OLD 1", "R", meter_points.reading("202306", "12.0")
        )
        flow_files.load(tmp_path / "more", {"both.uff": content.decode(), **after})

        page = staff.get(meter_points.ADDRESS).content.decode()

        rows = meter_points.cells(page)
        at_once = [row for row in rows if row["From"].startswith("both.uff")]
        assert [(row["Reading"], row["Advance"]) for row in at_once] == [
            ("0.0", ""),
            ("300.0", "+120.0 4.0 a day since 1 Apr 2023"),
        ]
        assert (
            meter_points.rows(page)["afterwards"]["Advance"] == "+12.0 0.4 a day since 1 May 2023"
        )

    def test_measures_no_advance_between_types_of_one_reading(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        routine = meter_points.file(
            "routine", "NEW 2", "C", meter_points.reading("202305", "25.0")
        )
        flow_files.load(tmp_path / "more", routine)

        rows = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())

        assert rows["after"]["Standing"] == "replaced by 25.0"
        assert rows["routine"]["Advance"] == "+20.0 0.7 a day since 1 Apr 2023"

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
            meter = builder.meter("NEW 2", meter_points.reading("202306", value))
            content = builder.flow_file(
                builder.meter_point(builder.MPAN, meter),
                file_id=f"made {day}",
                header=f"ZHV|made {day}|D0010002|D|UDMS|X|MRCY|202406{day}080000||||OPER|",
            )
            files[f"{day}.uff"] = content.decode()
        flow_files.load(tmp_path / "more", files)

        rows = [
            row
            for row in meter_points.cells(staff.get(meter_points.ADDRESS).content.decode())
            if "Standing" in row
        ]

        assert [(row["Reading"], row["Standing"], row["Advance"]) for row in rows[:2]] == [
            ("31.0", "counts", "+6.0 0.2 a day since 1 May 2023"),
            ("30.0", "replaced by 31.0", ""),
        ]


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
        page = staff.get(meter_points.ADDRESS, asked).content.decode()

        shown = meter_points.rows(page) if left else {}
        assert set(shown) == left
        assert ("Nothing of this kind." in page) == (not left)

    @pytest.mark.parametrize("day", ["2023-06-31", "x", "\u0661", "2023-02-01T00:00"])
    def test_takes_no_date_for_none(self, staff: test.Client, day: str) -> None:
        page = staff.get(meter_points.ADDRESS, {"since": day}).content.decode()

        assert len(meter_points.rows(page)) == 12

    def test_draws_the_history_alone_for_a_script(self, staff: test.Client) -> None:
        whole = staff.get(meter_points.ADDRESS, {"register": "MD"}).content.decode()
        part = staff.get(
            meter_points.ADDRESS, {"register": "MD", "part": "history"}
        ).content.decode()

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
                meter_points.reading(month, f"{10 + number}.0", register="DY"),
                meter_points.reading(month, f"{20 + 2 * number}.0", register="NT"),
            )
            content = builder.flow_file(builder.meter_point(builder.MPAN, both), file_id=month)
            files[f"{month}.uff"] = content.decode()
        flow_files.load(tmp_path / "more", files)

        row = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())["202402"]

        assert row["Register"] == "DY NT"
        assert row["Reading"] == "DY 11.0 NT 22.0"
        assert row["Advance"] == "DY +1.0 0.0 a day NT +2.0 0.1 a day since 1 Jan 2024"
        assert row["From"] == "202402.uff , line 4 , 5"

    @pytest.mark.parametrize(("registers", "rows"), [(8, [8]), (9, [8, 1]), (17, [8, 8, 1])])
    def test_is_more_rows_where_there_are_more_than_eight(
        self, staff: test.Client, tmp_path: pathlib.Path, registers: int, rows: list[int]
    ) -> None:
        (tmp_path / "more").mkdir()
        lines = [
            meter_points.reading("202401", f"{number}.0", register=f"{number:02d}")
            for number in range(registers)
        ]
        meter = builder.meter("MANY 4", *lines)
        content = builder.flow_file(builder.meter_point(builder.MPAN, meter), file_id="many")
        flow_files.load(tmp_path / "more", {"many.uff": content.decode()})

        cells = meter_points.cells(staff.get(meter_points.ADDRESS).content.decode())

        shown = [row["Register"].split() for row in cells if row["From"].startswith("many")]
        assert [len(names) for names in shown] == rows
        assert len({name for names in shown for name in names}) == registers
