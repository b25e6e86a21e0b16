from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Mapping
from typing import Any

import pytest
from django import test
from django.http import StreamingHttpResponse
from pytest_django import fixtures

from etl.domain import findings
from tests.functional.admin import flow_files
from warehouse import audits, models
from warehouse.queries import marks


pytestmark = pytest.mark.usefixtures("_mixed_files")

DOWNLOAD = "/warehouse/lineissue/download/"
MPAN = "1200023305967"
ALL = {"bad-date", "future-date", "no-trailer", "too-long"}


def _rows(response: Any) -> list[dict[str, str]]:
    assert isinstance(response, StreamingHttpResponse)
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


class TestDownload:
    def test_tells_file_line_and_what_to_do(self, support: test.Client) -> None:
        response = support.get(DOWNLOAD, {"code": "bad-date"})

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        (row,) = _rows(response)
        assert row == {
            "file_name": "partly.uff",
            "file_id": "2",
            "file_created_at": "2016-03-02T15:31:51+00:00",
            "sender": "OTHR",
            "flow": "D0010002",
            "line_number": "6",
            "kind": "reading",
            "mpan_core": MPAN,
            "severity": "REJECTED",
            "code": "bad-date",
            "item": "J0016",
            "value": "20160332000000",
            "message": models.LineIssue.objects.get(code="bad-date").message,
            "mark": "OPEN",
            "mark_note": "",
            "marked_by": "",
            "marked_at": "",
            "remedy": findings.CATALOGUE["bad-date"].remedy,
        }

    def test_tells_what_it_is_marked_as(self, support: test.Client) -> None:
        marked_at = datetime.datetime(2016, 3, 3, 9, 0, 0, 120_000, datetime.timezone.utc)
        marks.mark(
            [models.LineIssue.objects.get(code="bad-date")],
            status="ASKED",
            note="=mail 17",
            marked_by="otto",
            marked_at=marked_at,
        )

        rows = {row["code"]: row for row in _rows(support.get(DOWNLOAD))}

        row = rows["bad-date"]
        assert (row["mark"], row["mark_note"], row["marked_by"]) == ("ASKED", "'=mail 17", "otto")
        assert datetime.datetime.fromisoformat(row["marked_at"]) == marked_at
        assert rows["too-long"]["mark"] == "OPEN"

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ALL),
            ({"p": "7"}, ALL),
            ({"severity": "WARNING"}, {"future-date"}),
            ({"item": "J0016", "sender": "UDMS"}, {"future-date"}),
            ({"sender": "WHO?"}, set()),
            ({"q": "12 0002 3305 967"}, ALL - {"no-trailer"}),
            ({"q": "12 0002 3305 967", "severity": "WARNING"}, {"future-date"}),
            ({"q": "F75A 00802"}, set()),
            ({"q": "\0"}, set()),
        ],
        ids=[
            "all",
            "of a page",
            "of a severity",
            "of an item and a sender",
            "of a sender that none knows",
            "of a meter point",
            "of a meter point and a severity",
            "of a serial number",
            "of what is no text",
        ],
    )
    def test_holds_what_the_list_shows(
        self, support: test.Client, query: Mapping[str, str], found: set[str]
    ) -> None:
        models.LineIssue.objects.exclude(code__in=ALL).delete()  # of other kinds of lines

        rows = _rows(support.get(DOWNLOAD, query))

        assert {row["code"] for row in rows} == found

    def test_is_offered_by_the_list_and_by_the_page_of_a_file(self, support: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        listed = support.get("/warehouse/lineissue/", {"severity": "REJECTED"}).content.decode()
        nothing = support.get("/warehouse/lineissue/", {"code": "none"}).content.decode()

        assert f'href="{DOWNLOAD}?severity=REJECTED"' in listed
        assert DOWNLOAD not in nothing
        page = flow_files.page_of(support, file_name="partly.uff")
        assert f'href="{DOWNLOAD}?file={flow_file.pk}"' in page
        assert DOWNLOAD not in flow_files.page_of(support, file_name="good.uff")

    def test_comes_in_the_order_of_the_lines_where_it_is_of_a_file(
        self, support: test.Client
    ) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        rows = _rows(support.get(DOWNLOAD, {"file": flow_file.pk}))

        numbers = [int(row["line_number"]) for row in rows]
        assert numbers == sorted(numbers)
        assert len(numbers) == flow_file.issues.count() > 1

    def test_is_harmless_in_a_spreadsheet(self, support: test.Client) -> None:
        models.LineIssue.objects.filter(code="bad-date").update(value="=1+1")

        (row,) = _rows(support.get(DOWNLOAD, {"code": "bad-date"}))

        assert row["value"] == "'=1+1"

    def test_is_refused_to_whom_issues_are_not_shown(self, newcomer: test.Client) -> None:
        assert newcomer.get(DOWNLOAD).status_code == 403
        assert not audits.LookUp.objects.exists()

    @pytest.mark.parametrize(
        ("query", "recorded"),
        [
            ({"q": MPAN}, [(MPAN, None)]),
            ({"q": "1900001059816"}, []),
            ({"file": "later.uff"}, [("", "later.uff")]),
            ({"item": "J0016"}, [("", "later.uff"), ("", "partly.uff")]),
        ],
        ids=["a meter point", "none", "a file", "what is in several files"],
    )
    def test_is_recorded(
        self,
        support: test.Client,
        query: dict[str, str],
        recorded: list[tuple[str, str | None]],
    ) -> None:
        if "file" in query:
            query = {"file": f"{models.FlowFile.objects.get(file_name=query['file']).pk}"}

        support.get(DOWNLOAD, query)

        looks = audits.LookUp.objects.filter(user_name="stella", looked_at="DOWNLOAD")
        assert sorted(looks.values_list("mpan_core", "flow_file__file_name")) == recorded

    def test_takes_the_same_queries_for_one_issue_and_for_many(
        self, support: test.Client, django_assert_num_queries: fixtures.DjangoAssertNumQueries
    ) -> None:
        support.get("/")  # which notes that the session is used
        flow_file = models.FlowFile.objects.get(file_name="later.uff")

        for _ in range(2):
            with django_assert_num_queries(13):
                rows = _rows(support.get(DOWNLOAD, {"file": flow_file.pk}))
            models.LineIssue.objects.bulk_create(
                models.LineIssue(flow_file=flow_file, line_number=number) for number in range(5000)
            )
        assert len(rows) == 5001
