from __future__ import annotations

import datetime
import pathlib
import re

import pytest
from django import test

from tests import builder
from tests.functional.admin import flow_files, meter_points
from warehouse import models
from warehouse.admin import charts


pytestmark = pytest.mark.usefixtures("_history")


class TestLatest:
    def test_stands_first_the_newest_meter_first(self, staff: test.Client) -> None:
        page = staff.get(meter_points.ADDRESS).content.decode()

        latest = re.findall(r'class="latest-value"[^>]*>([^<]+)<', page)
        assert latest == ["60.0", "25.0", "180.0"]

    def test_tells_what_is_doubtful_as_the_history_does(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        doubtful = builder.reading(
            read_at="20230601000000", value="7.0", flag="F", below=builder.line("032|03|F|")
        )
        (tmp_path / "more").mkdir()
        flow_files.load(tmp_path / "more", meter_points.file("doubtful", "NEW 2", "R", doubtful))

        page = staff.get(meter_points.ADDRESS).content.decode()

        remarks = [
            "flagged as suspect",
            "reason: negative consumption (03)",
            "after checking: suspect (F)",
            "lower than before: a dial that wrapped, an estimate too high, or an error",
        ]
        card = page.partition(">7.0</a>")[2].partition("</div>")[0]
        assert re.findall(r'<span class="doubted">([^<]+)</span>', card) == remarks
        history = meter_points.rows(page)["doubtful"]["Type"]
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
        again = meter_points.file(
            "again", "NEW 2", reading_type, meter_points.reading("202305", value)
        )
        flow_files.load(tmp_path / "more", again)

        page = staff.get(meter_points.ADDRESS).content.decode()

        reading = meter_points.reading_of("exchange.uff" if reading_type == "W" else "after.uff")
        assert f'class="latest-value" href="{meter_points.address_of(reading)}"' in page

    def test_is_the_value_that_superseded_another(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "more").mkdir()
        corrected = meter_points.file(
            "corrected", "NEW 2", "R", meter_points.reading("202305", "24.0")
        )
        flow_files.load(tmp_path / "more", corrected)

        page = staff.get(meter_points.ADDRESS).content.decode()

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

        page = staff.get(meter_points.ADDRESS).content.decode()

        card = page.partition(">70.0</a>")[2].partition("</div>")[0]
        assert re.findall(r'<span class="doubted">([^<]+)</span>', card) == [
            "dated in the future",
            "failed validation (F)",
        ]
        row = meter_points.rows(page)["far"]["Type"]
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

        row = meter_points.rows(staff.get(meter_points.ADDRESS).content.decode())["both"]["Type"]

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
        flow_files.load(tmp_path / "more", meter_points.file("doubtful", "NEW 2", "R", suspect))

        page = staff.get(meter_points.ADDRESS).content.decode()

        assert re.findall(r'class="latest-value"[^>]*>([^<]+)<', page) == ["60.0", "25.0", "180.0"]
        _, _, beneath = page.partition(">25.0</a>")
        assert beneath.index("Not to be quoted") < beneath.index(">7.0</a>")
        assert re.findall(r'class="doubted-value"[^>]*>([^<]+)<', page) == ["7.0"]

    def test_is_marked_where_the_meter_was_removed(self, staff: test.Client) -> None:
        before = staff.get(meter_points.ADDRESS).content.decode()
        models.Reading.objects.filter(value="180.0").update(reading_type="F")

        page = staff.get(meter_points.ADDRESS).content.decode()

        assert "removed" not in before
        assert 'Meter OLD 1 <span class="badge">removed 1 Apr 2023</span>' in page
        assert page.count("removed") == 1

    def test_is_copied_and_taken_away(self, staff: test.Client) -> None:
        page = staff.get(meter_points.ADDRESS).content.decode()

        assert "<span>12</span><span>0002</span><span>3305</span><span>967</span>" in page
        assert f'data-copy="{builder.MPAN}"' in page
        for address in re.findall(r'href="(/warehouse/reading/download/[^"]+)"', page):
            taken = staff.get(address.replace("&amp;", "&"))
            assert b"".join(taken.streaming_content)  # type: ignore[attr-defined] # it is streamed

    def test_is_found_again_on_the_start_page(
        self, staff: test.Client, support: test.Client
    ) -> None:
        for _ in range(2):
            staff.get(meter_points.ADDRESS)

        link = f'<a href="{meter_points.ADDRESS}">'
        assert staff.get("/").content.decode().count(link) == 1
        assert link not in support.get("/").content.decode()


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
        page = staff.get(meter_points.ADDRESS).content.decode()

        assert (
            "6 readings that count, from 100.0 on 1 Jan 2023 to 25.0 on 1 May 2023; the lowest is"
            " 5.0, the highest 190.0. Not counted, marked by crosses: 1."
        ) in page

    def test_draws_a_line_through_what_counts(self, staff: test.Client) -> None:
        page = staff.get(meter_points.ADDRESS).content.decode()

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
        page = staff.get(meter_points.ADDRESS).content.decode()

        assert "<title>meter NEW 2 from 1 Apr 2023</title>" in page
        assert page.count('class="mark exchange"') == 2  # in both pictures of register S
        models.SiteVisit.objects.update(
            reading_id=meter_points.reading_of("second.uff").pk, serial_key="OLD1"
        )
        page = staff.get(meter_points.ADDRESS).content.decode()
        assert "<title>site visit 1 Feb 2023: no access (20)</title>" in page


class TestHostileValues:
    def test_stand_as_text(self, staff: test.Client) -> None:
        text = '<script>alert(1)</script> " \u202e' + "x" * 150
        models.FlowFile.objects.filter(file_name="after.uff").update(file_name=text)
        models.SiteVisit.objects.filter(check_code="20").update(additional_information=text)
        models.Meter.objects.filter(serial_number="NEW 2").update(serial_number='<b>"\u202e=1')

        page = staff.get(meter_points.ADDRESS).content.decode()

        assert "<script>alert" not in page
        assert "<b>" not in page
        assert "\u202e" not in page
        assert "&lt;b&gt;&quot;\\u202e=1" in page
