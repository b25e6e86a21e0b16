from __future__ import annotations

import datetime
import html
import pathlib
import re
from collections.abc import Mapping

import pytest
from django import db, test
from django.contrib.admin import models as admin_models
from django.core import management
from django.db import models as db_models
from django.test import utils
from django.utils import timezone

from etl import admin
from etl.usecases import chunks
from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import audits, codes, models, words
from warehouse.queries import files


HOSTILE = "<script>alert('é')</script> \"=1+1\" \u202edrawkcab"


def _load_mixed_files(folder: pathlib.Path) -> None:
    flow_files.load(
        folder,
        {
            "good.uff": flow_files.SAMPLE.read_text(encoding="ascii"),
            "under another name.uff": flow_files.SAMPLE.read_text(encoding="ascii"),
            "partly.uff": flow_files.text(
                [
                    "026|1200023305967|V|",
                    f"027|20|{HOSTILE}|",
                    "028|F75A 00802|R|",
                    "030|S|20160322000000|56400.0|||T|N|",
                    "030|S|20160332000000|56401.0|||T|N|",
                    f"030|{HOSTILE}|20160322000000|1.0|||T|N|",
                ],
                identifier="2",
                sender="OTHR",
            ),
            "cut short.uff": "ZHV|3|D0010002|D|UDMS|X|MRCY|20160302153151||||OPER|\n",
            "later.uff": flow_files.text(
                ["026|1200023305967|V|", "028|A1|R|", "030|S|21000101000000|1.0|||T|N|"],
                identifier="4",
            ),
        },
    )


@pytest.fixture(scope="module")
def _mixed_files(keep: flow_files.Keep) -> None:
    keep(_load_mixed_files)


@pytest.fixture
def _partly_cleared_away(_mixed_files: None, db: None) -> None:  # noqa: ARG001 - needed for its effect
    models.FlowFile.objects.exclude(file_name="later.uff").update(
        transformed_at=db_models.F("transformed_at") + datetime.timedelta(days=1)
    )
    management.call_command("purge_staged_lines", "--older-than", "0d")


# What the issues are: code and file.
_PARTLY = {("bad-date", "partly.uff"), ("too-long", "partly.uff")}
_OTHERS = {("no-trailer", "cut short.uff"), ("future-date", "later.uff")}

pytestmark = pytest.mark.usefixtures("_mixed_files")


def _page_of(staff: test.Client, **condition: str) -> str:
    flow_file = models.FlowFile.objects.get(**condition)
    response = staff.get(f"/warehouse/flowfile/{flow_file.pk}/change/")
    assert response.status_code == 200
    return html.unescape(response.content.decode())


class TestFlowFilePage:
    def test_shows_every_delivery_of_the_content(self, staff: test.Client) -> None:
        page = _page_of(staff, file_name="good.uff")

        assert '<td class="file">good.uff</td>' in page
        assert '<td class="file">under another name.uff</td>' in page

    def test_shows_how_a_content_came_and_who_brought_it(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")
        flow_file.deliveries.update(origin="SFTP", brought_by="readings@dc.example")

        page = _page_of(staff, file_name="good.uff")

        assert "<td>sFTP, readings@dc.example</td>" in page

    def test_shows_header_and_trailer_in_words(self, staff: test.Client) -> None:
        page = _page_of(staff, file_name="good.uff")

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

        page = _page_of(staff, file_name="partly.uff")

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

        page = _page_of(staff, file_name="partly.uff")

        assert f"<td>bad date</td><td>{words.item('J0016')}</td>" in page
        assert f"<td>too long</td><td>{words.item('J0010')}</td>" in page
        row = next(row for row in page.split("<tr>") if "<td>blank padding</td>" in row)
        assert 'data-label="Times">3 <' in row
        assert ">among the first 3<" in row
        assert page.count("among the first") == 1

    def test_leads_to_the_issues_of_one_kind(self, staff: test.Client) -> None:
        page = _page_of(staff, file_name="partly.uff")

        row = next(row for row in page.split("<tr>") if "<td>bad date</td>" in row)
        links = re.findall(r'href="(/warehouse/lineissue/[^"]*)"', row)
        assert len(links) == 1
        issues = staff.get(links[0]).context["cl"].result_list
        assert [issue.code for issue in issues] == ["bad-date"]

    def test_offers_the_readings_of_a_loaded_file_only(self, staff: test.Client) -> None:
        models.FlowFile.objects.filter(file_name="later.uff").update(status="STAGED")

        assert "Its readings" in _page_of(staff, file_name="good.uff")
        assert "Its readings" in _page_of(staff, file_name="partly.uff")
        assert "Its readings" not in _page_of(staff, file_name="later.uff")

    def test_says_where_it_ends_the_deliveries(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "latest" not in _page_of(staff, file_name="good.uff")
        monkeypatch.setattr(files, "MOST_DELIVERIES", 1)

        page = _page_of(staff, file_name="good.uff")

        assert "Deliveries of this content, latest 1" in page
        assert '<td class="file">good.uff</td>' not in page

    def test_says_why_a_file_was_rejected(self, staff: test.Client) -> None:
        page = _page_of(staff, file_name="cut short.uff")

        assert "Rejected" in page
        assert "the file is cut short" in page


_ALL = {"good.uff", "partly.uff", "cut short.uff", "later.uff"}


def _listed(staff: test.Client, query: Mapping[str, str]) -> set[str]:
    response = staff.get("/warehouse/flowfile/", query)
    assert response.status_code == 200
    return {flow_file.file_name for flow_file in response.context["cl"].result_list}


class TestFlowFileList:
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


def _number_files_after(flow_file_id: int) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('flow_file', 'id'), %s)", [flow_file_id]
        )


_STAGED_LINE = "/etl/stagedline/"


def _pages_about(staff: test.Client, name: str) -> list[str]:
    """Return the page of a file, the list of its issues, and the page of the first, if any."""
    flow_file = models.FlowFile.objects.get(file_name=name)
    issue = flow_file.issues.first()
    addresses = [
        f"/warehouse/flowfile/{flow_file.pk}/change/",
        f"/warehouse/lineissue/?file={flow_file.pk}",
        *([f"/warehouse/lineissue/{issue.pk}/change/"] if issue else []),
    ]
    return [staff.get(address).content.decode() for address in addresses]


class TestRawLine:
    def test_stands_among_its_neighbors_with_its_items_named(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")

        response = staff.get(f"/etl/stagedline/{(flow_file.pk << 32) + 4}/change/")

        page = response.content.decode()
        assert "030|S|20160222000000|56311.0|||T|N|" in page
        assert "028|F75A 00802|D|" in page
        assert "ZHV|0000475656|D0010002" in page
        assert '<dt>Register Reading (J0040)</dt><dd class="raw">56311.0</dd>' in page

    def test_of_the_last_file_that_there_can_be_is_found_as_are_its_readings(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        first, last = models.FlowFile.objects.latest("id").pk, 2**31 - 1
        path = tmp_path / "last.uff"
        path.write_bytes(builder.simple(file_id="last"))
        _number_files_after(last - 1)
        management.call_command("load_d0010", str(path))
        _number_files_after(first)

        line = staff.get(f"/etl/stagedline/{(last << 32) + 4}/change/")
        readings = staff.get("/warehouse/reading/", {"file": last})

        assert "<strong>4</strong>" in line.content.decode()
        assert "ZPT|last|" in line.content.decode()
        (reading,) = readings.context["cl"].result_list
        assert (reading.flow_file_id, reading.line_number) == (last, 4)

    @pytest.mark.parametrize(
        ("name", "number", "message"),
        [
            ("cut short.uff", 1, "the file was rejected before its lines were stored"),
            ("later.uff", 4, "were cleared away on"),
            ("good.uff", 99, "The file has no line 99."),
        ],
        ids=["rejected", "cleared away", "beyond the end"],
    )
    @pytest.mark.usefixtures("_partly_cleared_away")
    def test_that_is_not_kept_leads_to_the_file_and_says_why(
        self, staff: test.Client, name: str, number: int, message: str
    ) -> None:
        flow_file = models.FlowFile.objects.get(file_name=name)

        response = staff.get(
            f"/etl/stagedline/{(flow_file.pk << 32) + number}/change/", follow=True
        )

        assert message in response.content.decode()
        assert response.redirect_chain == [(f"/warehouse/flowfile/{flow_file.pk}/change/", 302)]

    def test_of_no_file_leads_to_the_start(self, staff: test.Client) -> None:
        for line_id in ("1", "nonsense", "9" * 40, "9" * 5_000):
            response = staff.get(f"/etl/stagedline/{line_id}/change/", follow=True)

            assert "There is no such line." in response.content.decode()
            assert response.redirect_chain == [("/", 302)]

    @pytest.mark.parametrize(
        ("name", "kept"),
        depth.some(
            [
                ("good.uff", [True, False]),
                ("later.uff", [False, False, False]),
                ("partly.uff", [True, True, True]),
                ("cut short.uff", [False, False, False]),
            ],
            one_of=3,
        ),
        ids=depth.some(
            ["loaded", "cleared away", "loaded with rejections", "rejected unseen"], one_of=3
        ),
    )
    @pytest.mark.usefixtures("_partly_cleared_away")
    def test_is_led_to_only_where_it_is_kept(
        self, staff: test.Client, name: str, kept: list[bool]
    ) -> None:
        assert [_STAGED_LINE in page for page in _pages_about(staff, name)] == kept
        is_cleared_away = "Raw lines purged on" in _page_of(staff, file_name=name)
        assert is_cleared_away == (name == "later.uff")

    def test_is_led_to_where_a_file_was_refused_for_it(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        refused = flow_files.text(["026|1|V|"], identifier="5")
        (tmp_path / "strict.uff").write_text(refused, encoding="ascii")

        with pytest.raises(SystemExit):
            management.call_command("load_d0010", str(tmp_path / "strict.uff"), strict=True)

        assert models.FlowFile.objects.get(file_name="strict.uff").status == "REJECTED"
        assert all(_STAGED_LINE in page for page in _pages_about(staff, "strict.uff"))

    def test_shows_hostile_text_as_text(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        response = staff.get(f"/etl/stagedline/{(flow_file.pk << 32) + 3}/change/")

        page = response.content.decode()
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "\\u202edrawkcab" in page


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


class TestLineIssueList:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, {*_PARTLY, *_OTHERS}),
            ({"code": "bad-date"}, {("bad-date", "partly.uff")}),
            ({"item": "J0016"}, {("bad-date", "partly.uff"), ("future-date", "later.uff")}),
            ({"severity": "REJECTED"}, {*_PARTLY, ("no-trailer", "cut short.uff")}),
            ({"severity": "WARNING"}, {("future-date", "later.uff")}),
            ({"sender": "OTHR"}, _PARTLY),
            ({"file": "partly.uff"}, _PARTLY),
            ({"file": "nonsense"}, set()),
            ({"code": "bad-mpan"}, set()),
            ({"item": "J9999"}, set()),
            ({"severity": "NONE"}, set()),
            ({"sender": "WHO?"}, set()),
            ({"code": "\0"}, {*_PARTLY, *_OTHERS}),
        ],
        ids=[
            "nothing",
            "code",
            "item",
            "severity rejected",
            "severity warning",
            "sender",
            "file",
            "no file",
            "code that nothing has",
            "item that nothing has",
            "unknown severity",
            "unknown sender",
            "a NUL character, which no text has",
        ],
    )
    def test_is_narrowed_by(
        self, staff: test.Client, query: dict[str, str], found: set[tuple[str, str]]
    ) -> None:
        ids = dict(models.FlowFile.objects.values_list("file_name", "id"))
        if "file" in query:
            query = {"file": str(ids.get(query["file"], query["file"]))}

        response = staff.get("/warehouse/lineissue/", query)

        assert response.status_code == 200
        listed = response.context["cl"].result_list
        assert {(issue.code, issue.flow_file.file_name) for issue in listed} == found

    def test_is_narrowed_to_what_is_older_than_a_thousand_others(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")
        models.LineIssue.objects.bulk_create(
            models.LineIssue(
                flow_file=flow_file,
                line_number=line_number,
                severity="WARNING",
                code="time-of-day",
            )
            for line_number in range(1_100)
        )

        response = staff.get("/warehouse/lineissue/", {"code": "bad-date"})

        listed = response.context["cl"].result_list
        assert {(issue.code, issue.flow_file.file_name) for issue in listed} == {
            ("bad-date", "partly.uff")
        }
        choices = staff.get("/warehouse/lineissue/").content.decode()
        for offered in ("code=bad-date", "item=J0010", "sender=OTHR"):
            assert offered in choices

    def test_says_which_choice_is_made_though_nothing_has_it(self, staff: test.Client) -> None:
        page = staff.get("/warehouse/lineissue/", {"code": "bad-<mpan>"}).content.decode()

        _, _, filters = page.partition("By finding")
        chosen, _, _ = filters.partition("</ul>")
        assert re.search(r'<li class="selected">\s*<a [^>]*>bad &lt;mpan&gt;</a>', chosen)

    def test_of_one_file_is_in_the_order_of_its_lines(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        response = staff.get("/warehouse/lineissue/", {"file": flow_file.pk})

        numbers = [issue.line_number for issue in response.context["cl"].result_list]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) > 1

    def test_shows_hostile_text_as_text(self, staff: test.Client) -> None:
        page = staff.get("/warehouse/lineissue/").content.decode()

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "\u202e" not in page

    def test_leads_to_a_page_for_each(self, staff: test.Client) -> None:
        issue = models.LineIssue.objects.get(code="bad-date")

        page = staff.get(f"/warehouse/lineissue/{issue.pk}/change/").content.decode()

        assert "<h1>Bad date in line 6</h1>" in page
        assert f"/etl/stagedline/{(issue.flow_file_id << 32) + 6}/change/" in page

    @pytest.mark.parametrize("where", ["list", "page of its own"])
    def test_leads_to_a_search_for_the_meter_point_which_may_not_be_stored(
        self, staff: test.Client, where: str
    ) -> None:
        models.LineIssue.objects.filter(code="bad-date").update(mpan_core="2000000000003")
        issue = models.LineIssue.objects.get(code="bad-date")
        address = "?file=" + str(issue.flow_file_id) if where == "list" else f"{issue.pk}/change/"

        shown = staff.get(f"/warehouse/lineissue/{address}").content.decode()

        link = re.search(r'href="([^"]*)">2000000000003</a>', shown)
        assert link is not None
        helped = staff.get(link[1]).content.decode()
        assert "No meter point has the MPAN 2000000000003" in helped
        found = staff.get(link[1].replace("2000000000003", "1200023305967"))
        assert found["Location"] == "/warehouse/meterpoint/1200023305967/change/"

    @pytest.mark.parametrize(
        ("query", "recorded"),
        [
            ({}, []),
            ({"q": "1200023305967"}, [("1200023305967", codes.LookedAt.ISSUE)]),
            ({"q": "1900001059816"}, []),
        ],
        ids=["not searched", "found", "not found"],
    )
    def test_records_a_look_up_where_it_was_searched(
        self,
        staff: test.Client,
        query: dict[str, str],
        recorded: list[tuple[str, codes.LookedAt]],
    ) -> None:
        staff.get("/warehouse/lineissue/", query)

        assert list(audits.LookUp.objects.values_list("mpan_core", "looked_at")) == recorded

    def test_records_a_look_up_for_the_page_of_an_issue(self, support: test.Client) -> None:
        of_meter_point = models.LineIssue.objects.get(code="bad-date")
        of_none = models.LineIssue.objects.get(code="no-trailer")

        for issue in (of_none, of_meter_point):
            assert support.get(f"/warehouse/lineissue/{issue.pk}/change/").status_code == 200

        recorded = audits.LookUp.objects.values_list("user_name", "mpan_core", "looked_at")
        assert list(recorded) == [("stella", "1200023305967", codes.LookedAt.ISSUE)]

    def test_finds_what_was_said_of_a_meter_point(self, staff: test.Client) -> None:
        found = staff.get("/warehouse/lineissue/", {"q": "12 0002 3305 967"})
        nothing = staff.get("/warehouse/lineissue/", {"q": "F75A 00802"})

        assert "bad date" in found.content.decode()
        assert "0 line issues" in nothing.content.decode()
