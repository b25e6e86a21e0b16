from __future__ import annotations

import html
import pathlib

import pytest
from django import test

from tests.functional.admin import flow_files
from warehouse import models


HOSTILE = "<script>alert('é')</script> \"=1+1\" \u202edrawkcab"


@pytest.fixture
def _mixed_files(db: None, tmp_path: pathlib.Path) -> None:  # noqa: ARG001 - needed for its effect
    flow_files.load(
        tmp_path,
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
        },
    )


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

    def test_shows_header_and_trailer_in_words(self, staff: test.Client) -> None:
        page = _page_of(staff, file_name="good.uff")

        for words in (
            "0000475656",
            "UDMS, non-half-hourly data collector (D)",
            "MRCY, supplier (X)",
            "2 Mar 2016 15:31:51",
            "OPER, live data",
            "2 Mar 2016 15:46:50",
            "<dt>Lines it says to hold</dt><dd>35</dd>",
        ):
            assert words in page

    def test_groups_issues_with_a_way_to_the_raw_line(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        page = _page_of(staff, file_name="partly.uff")

        assert "<td>bad date</td><td>J0016</td>" in page
        assert f"/etl/stagedline/{(flow_file.pk << 32) + 6}/change/" in page

    def test_says_why_a_file_was_rejected(self, staff: test.Client) -> None:
        page = _page_of(staff, file_name="cut short.uff")

        assert "Rejected" in page
        assert "the file is cut short" in page


class TestFlowFileList:
    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"status": "REJECTED"}, {"cut short.uff"}),
            ({"issues": "rejected"}, {"partly.uff"}),
            ({"sender": "OTHR"}, {"partly.uff"}),
            ({"arrived": "1"}, {"good.uff", "partly.uff", "cut short.uff"}),
            ({"q": "0000475656"}, {"good.uff"}),
            ({"arrived": "nonsense"}, {"good.uff", "partly.uff", "cut short.uff"}),
        ],
        ids=["outcome", "issues", "sender", "arrival", "file id", "unknown choice"],
    )
    def test_is_narrowed(self, staff: test.Client, query: dict[str, str], names: set[str]) -> None:
        page = staff.get("/warehouse/flowfile/", query).content.decode()

        listed = {name for name in ("good.uff", "partly.uff", "cut short.uff") if name in page}
        assert listed == names


class TestRawLine:
    def test_stands_among_its_neighbors_with_its_items_named(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")

        response = staff.get(f"/etl/stagedline/{(flow_file.pk << 32) + 4}/change/")

        page = response.content.decode()
        assert "030|S|20160222000000|56311.0|||T|N|" in page
        assert "028|F75A 00802|D|" in page
        assert "ZHV|0000475656|D0010002" in page
        assert '<dt>Register Reading (J0040)</dt><dd class="raw">56311.0</dd>' in page

    def test_of_a_rejected_file_leads_to_the_file(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="cut short.uff")

        response = staff.get(f"/etl/stagedline/{(flow_file.pk << 32) + 1}/change/", follow=True)

        assert "The raw line is not kept" in response.content.decode()
        assert response.redirect_chain == [(f"/warehouse/flowfile/{flow_file.pk}/change/", 302)]

    def test_shows_hostile_text_as_text(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")

        response = staff.get(f"/etl/stagedline/{(flow_file.pk << 32) + 3}/change/")

        page = response.content.decode()
        assert "<script>alert" not in page
        assert "\u202e" not in page
        assert "\\u202edrawkcab" in page


class TestLineIssueList:
    def test_is_narrowed_by_code_item_severity_sender_and_file(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="partly.uff")
        query = {
            "code": "bad-date",
            "item": "J0016",
            "severity": "REJECTED",
            "sender": "OTHR",
            "file": str(flow_file.pk),
        }

        page = html.unescape(staff.get("/warehouse/lineissue/", query).content.decode())

        assert "J0016 Reading Date & Time is '20160332000000'" in page
        assert "too long" not in page.partition('id="result_list"')[2].partition("</table>")[0]

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

    def test_finds_what_was_said_of_a_meter_point(self, staff: test.Client) -> None:
        found = staff.get("/warehouse/lineissue/", {"q": "12 0002 3305 967"})
        nothing = staff.get("/warehouse/lineissue/", {"q": "F75A 00802"})

        assert "bad date" in found.content.decode()
        assert "0 line issues" in nothing.content.decode()
