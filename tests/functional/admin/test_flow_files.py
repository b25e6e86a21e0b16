from __future__ import annotations

import datetime
import pathlib
import re
from collections.abc import Mapping

import pytest
from django import db, test
from django.contrib.admin import models as admin_models
from django.core import management
from django.test import utils
from django.utils import timezone

from etl import admin
from etl.usecases import chunks
from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import models, words
from warehouse.queries import files


pytestmark = pytest.mark.usefixtures("_mixed_files")


class TestFlowFilePage:
    def test_shows_every_delivery_of_the_content(self, staff: test.Client) -> None:
        page = flow_files.page_of(staff, file_name="good.uff")

        assert '<td class="file">good.uff</td>' in page
        assert '<td class="file">under another name.uff</td>' in page

    def test_shows_how_a_content_came_and_who_brought_it(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")
        flow_file.deliveries.update(origin="SFTP", brought_by="readings@dc.example")

        page = flow_files.page_of(staff, file_name="good.uff")

        assert "<td>sFTP, readings@dc.example</td>" in page

    def test_shows_header_and_trailer_in_words(self, staff: test.Client) -> None:
        page = flow_files.page_of(staff, file_name="good.uff")

        for told in (
            "0000475656",
            "UDMS, non-half-hourly data collector (D)",
            "MRCY, supplier (X)",
            "2 Mar 2016 15:31:51",
            "OPER, live data",
            "2 Mar 2016 15:46:50",
            "<dt>Lines it says to hold</dt><dd>35</dd>",
        ):
            assert told in page

    def test_groups_issues_with_a_way_to_the_raw_line(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        page = flow_files.page_of(staff, file_name="partly.uff")

        assert f"<td>bad date</td><td>{words.item('J0016')}</td>" in page
        assert f"/etl/stagedline/{(flow_file.pk << 32) + 6}/change/" in page

    def test_shows_rejections_however_many_warnings_come_before(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MOST_ISSUES_LOOKED_AT", 3)
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")
        models.LineIssue.objects.bulk_create(
            models.LineIssue(
                flow_file=flow_file, line_number=2, severity="WARNING", code="blank-padding"
            )
            for _ in range(5)
        )
        models.FlowFile.objects.filter(id=flow_file.pk).update(warning_count=5)

        page = flow_files.page_of(staff, file_name="partly.uff")

        assert f"<td>bad date</td><td>{words.item('J0016')}</td>" in page
        assert f"<td>too long</td><td>{words.item('J0010')}</td>" in page
        row = next(row for row in page.split("<tr>") if "<td>blank padding</td>" in row)
        assert 'data-label="Times">3 <' in row
        assert ">among the first 3<" in row
        assert page.count(">among the first") == 1

    def test_leads_to_the_issues_of_one_kind(self, staff: test.Client) -> None:
        page = flow_files.page_of(staff, file_name="partly.uff")

        row = next(row for row in page.split("<tr>") if "<td>bad date</td>" in row)
        links = re.findall(r'href="(/warehouse/lineissue/[^"]*)"', row)
        assert len(links) == 1
        issues = staff.get(links[0]).context["cl"].result_list
        assert [issue.code for issue in issues] == ["bad-date"]

    def test_offers_the_readings_of_a_loaded_file_only(self, staff: test.Client) -> None:
        models.FlowFile.objects.filter(file_name="later.uff").update(status="STAGED")

        assert "Its readings" in flow_files.page_of(staff, file_name="good.uff")
        assert "Its readings" in flow_files.page_of(staff, file_name="partly.uff")
        assert "Its readings" not in flow_files.page_of(staff, file_name="later.uff")

    def test_says_where_it_ends_the_deliveries(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "latest" not in flow_files.page_of(staff, file_name="good.uff")
        monkeypatch.setattr(files, "MOST_DELIVERIES", 1)

        page = flow_files.page_of(staff, file_name="good.uff")

        assert "Deliveries of this content, latest 1" in page
        assert '<td class="file">good.uff</td>' not in page

    def test_says_why_a_file_was_rejected(self, staff: test.Client) -> None:
        page = flow_files.page_of(staff, file_name="cut short.uff")

        assert "Rejected" in page
        assert "the file is cut short" in page


_ALL = {"good.uff", "partly.uff", "cut short.uff", "later.uff"}


def _listed(staff: test.Client, query: Mapping[str, str]) -> set[str]:
    response = staff.get("/warehouse/flowfile/", query)
    assert response.status_code == 200
    return {flow_file.file_name for flow_file in response.context["cl"].result_list}


class TestFlowFileList:
    def test_shows_each_outcome_by_icon_and_words(self, staff: test.Client) -> None:
        page = staff.get("/warehouse/flowfile/").content.decode()

        cells = re.findall(
            r'<td class="field-outcome"><svg class="([^"]*)".*?</svg>\xa0([^<]*)', page
        )
        assert {*cells} == {
            ("became became-loaded", "loaded"),
            ("became became-loaded_with_rejections", "loaded with rejections"),
            ("became became-rejected", "rejected"),
        }

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({}, _ALL),
            ({"status": "REJECTED"}, {"cut short.uff"}),
            ({"status": "LOADED_WITH_REJECTIONS"}, {"partly.uff"}),
            ({"status": "REFUSED"}, {"cut short.uff"}),
            ({"status": "NONE"}, set()),
            ({"issues": "rejected"}, {"partly.uff"}),
            ({"issues": "warnings"}, {"later.uff"}),
            ({"issues": "none"}, set()),
            ({"sender": "OTHR"}, {"partly.uff"}),
            ({"sender": "WHO?"}, set()),
            ({"flow": "D0010002"}, _ALL),
            ({"flow": "D0010001"}, set()),
            ({"q": "0000475656"}, {"good.uff"}),
        ],
        ids=[
            "nothing",
            "outcome",
            "outcome that rejects lines",
            "either outcome that keeps a file out",
            "unknown outcome",
            "rejected lines",
            "warnings",
            "unknown choice of issues",
            "sender",
            "unknown sender",
            "flow",
            "flow of which there is none",
            "file id",
        ],
    )
    def test_is_narrowed_by(
        self, staff: test.Client, query: dict[str, str], names: set[str]
    ) -> None:
        assert _listed(staff, query) == names

    @pytest.mark.parametrize(
        ("arrived", "names"),
        depth.some(
            [
                ("1", {"cut short.uff"}),
                ("2", {"cut short.uff", "later.uff"}),
                ("2016", {"good.uff", "partly.uff"}),
                ("2016-03", {"good.uff"}),
                ("2016-03-31", {"good.uff"}),
                ("2016-04", {"partly.uff"}),
                ("2016-04-01", {"partly.uff"}),
                ("2016-12", set()),
                ("2016-04-02", set()),
                ("nonsense", set()),
                ("2016-13", set()),
                ("2015-02-29", set()),
                ("0000", set()),
                ("9999-12-31", set()),
            ],
            one_of=3,
        ),
    )
    def test_is_narrowed_by_arrival(
        self, staff: test.Client, arrived: str, names: set[str]
    ) -> None:
        zone = timezone.get_default_timezone()
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        # The clocks are one hour ahead at the second, so that it came in March by UTC.
        for name, staged_at in {
            "good.uff": datetime.datetime(2016, 3, 31, 23, 59, 59, tzinfo=zone),
            "partly.uff": datetime.datetime(2016, 4, 1, tzinfo=zone),
            "later.uff": midnight - datetime.timedelta(days=1),
            "cut short.uff": midnight,
        }.items():
            models.FlowFile.objects.filter(file_name=name).update(staged_at=staged_at)

        assert _listed(staff, {"arrived": arrived}) == names

    def test_is_narrowed_to_a_year_then_a_month_of_it_then_a_day(self, staff: test.Client) -> None:
        zone = timezone.get_default_timezone()
        models.FlowFile.objects.update(staged_at=datetime.datetime(2016, 3, 2, tzinfo=zone))
        models.FlowFile.objects.filter(file_name="later.uff").update(
            staged_at=datetime.datetime(2017, 1, 31, tzinfo=zone)
        )

        def offered(arrived: str) -> set[str]:
            page = staff.get("/warehouse/flowfile/", {"arrived": arrived}).content.decode()
            return {value for value in re.findall(r"arrived=([0-9-]+)", page) if len(value) >= 4}

        assert offered("") == {"2016", "2017"}
        assert offered("2017") == {"2016", "2017", "2017-01"}
        months = {f"2016-{month:02d}" for month in range(3, 13)}
        assert offered("2016") == {"2016", "2017"} | months
        days = {f"2016-03-{day:02d}" for day in range(2, 32)}
        assert offered("2016-03") == {"2016", "2017", "2016-03"} | days
        assert offered("2016-03-09") == offered("2016-03")


@pytest.mark.django_db(transaction=True)  # as two transforms in one would meet
class TestTransformAgain:
    def test_finishes_many_files_some_at_a_time(
        self, operations: test.Client, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        paths = [tmp_path / f"waits {number}.uff" for number in range(5)]
        for number, path in enumerate(paths):
            path.write_bytes(builder.simple(file_id=f"w{number}", value=f"{number}.0"))
        management.call_command("load_d0010", *map(str, paths), batch=True, stage_only=True)
        waiting = models.FlowFile.objects.filter(status="STAGED").order_by("id")
        chosen = [flow_file.pk for flow_file in waiting[1:]]
        monkeypatch.setattr(chunks, "_FILES", 2)
        monkeypatch.setattr(admin, "_MOST_TOLD", 3)

        with utils.CaptureQueriesContext(db.connection) as queries:
            response = operations.post(
                "/warehouse/flowfile/",
                {"action": "transform_pending", "_selected_action": chosen},
                follow=True,
            )

        runs = [query for query in queries if "90_mark_files_transformed" in query["sql"]]
        assert len(runs) == 2
        page = response.content.decode()
        told = [f"Transformed waits {number}.uff: loaded" in page for number in range(5)]
        assert told == [False, True, True, True, False]
        assert "Transformed 4 files in all." in page
        assert [flow_file.file_name for flow_file in waiting] == ["waits 0.uff"]
        logged = admin_models.LogEntry.objects.filter(user__username="otto")
        assert {int(entry.object_id or 0) for entry in logged} == set(chosen)
