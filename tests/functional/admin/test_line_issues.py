from __future__ import annotations

import re

import pytest
from django import test

from warehouse import audits, codes, models


pytestmark = pytest.mark.usefixtures("_mixed_files")


# What the issues are: code and file.
_PARTLY = {("bad-date", "partly.uff"), ("too-long", "partly.uff")}
_OTHERS = {("no-trailer", "cut short.uff"), ("future-date", "later.uff")}


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


class TestIssueOfMeterPoint:
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
