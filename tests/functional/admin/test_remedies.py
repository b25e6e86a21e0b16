from __future__ import annotations

import html
import pathlib

import pytest
from django import test

from etl.domain import findings
from tests import builder
from tests.functional.admin import flow_files
from warehouse import codes, models, words
from warehouse.admin import remedies


def _load_flawed(folder: pathlib.Path) -> None:
    """Load a file that was cut short, and one of a future reading and of one without a value."""
    meter = builder.meter(
        "A1",
        builder.reading(read_at="21000101000000"),
        builder.reading(read_at="20240101000000", value=""),
    )
    flow_files.load(
        folder,
        {
            "cut.uff": "ZHV|3|D0010002|D|UDMS|X|MRCY|20160302153151||||OPER|\n",
            "flawed.uff": builder.flow_file(
                builder.meter_point(builder.MPAN, meter), file_id="4"
            ).decode(),
        },
    )


@pytest.fixture(scope="module")
def _flawed(keep: flow_files.Keep) -> None:
    keep(_load_flawed)


pytestmark = pytest.mark.usefixtures("_flawed")


def _remedy(code: str) -> str:
    return findings.CATALOGUE[code].remedy


def _page(staff: test.Client, address: str) -> str:
    response = staff.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


class TestRemedy:
    @pytest.mark.parametrize("code", ["no-trailer", "future-date", "missing-item"])
    def test_stands_on_the_page_of_an_issue_and_in_their_list(
        self, staff: test.Client, code: str
    ) -> None:
        issue = models.LineIssue.objects.get(code=code)

        page = _page(staff, f"/warehouse/lineissue/{issue.pk}/change/")
        listed = _page(staff, f"/warehouse/lineissue/?code={code}")

        assert page.count(_remedy(code)) == 1
        assert listed.count(_remedy(code)) == 1

    @pytest.mark.parametrize(
        ("name", "codes"),
        [("cut.uff", ["no-trailer"]), ("flawed.uff", ["future-date", "missing-item"])],
    )
    def test_stands_on_the_page_of_a_file(
        self, staff: test.Client, name: str, codes: list[str]
    ) -> None:
        flow_file = models.FlowFile.objects.get(file_name=name)

        page = _page(staff, f"/warehouse/flowfile/{flow_file.pk}/change/")

        rows = page.partition('id="issues-heading"')[2]
        assert all(_remedy(code) in rows for code in codes)
        outcome = page.partition('class="outcome')[2].partition("</p>")[0]
        assert (_remedy("no-trailer") in outcome) == (name == "cut.uff")

    @pytest.mark.parametrize("status", codes.FlowFileStatus.values)
    def test_stands_beside_each_outcome_but_that_of_a_whole_file(
        self, staff: test.Client, status: str
    ) -> None:
        name = "cut.uff" if status == "REJECTED" else "flawed.uff"
        models.FlowFile.objects.filter(file_name=name).update(status=status)
        flow_file = models.FlowFile.objects.get(file_name=name)

        page = _page(staff, f"/warehouse/flowfile/{flow_file.pk}/change/")

        outcome = page.partition('class="outcome')[2].partition("</p>")[0]
        assert ('<span class="remedy">' in outcome) == (status != "LOADED")

    def test_is_none_where_the_line_was_forgotten(self, staff: test.Client) -> None:
        models.LineIssue.objects.update(kind="forgotten", message="forgotten")
        issue = models.LineIssue.objects.get(code="missing-item")

        for address in (
            "/warehouse/lineissue/",
            f"/warehouse/lineissue/{issue.pk}/change/",
            "/warehouse/lineissue/download/",
        ):
            response = staff.get(address)
            assert _remedy("missing-item") not in response.getvalue().decode()

    def test_stands_on_the_page_of_a_meter_point(self, staff: test.Client) -> None:
        page = _page(staff, f"/warehouse/meterpoint/{builder.MPAN}/change/")

        assert page.count(f"future date</a>. {_remedy('future-date')}") == 2  # the latest, the row

    def test_stands_on_the_page_of_a_reading(self, staff: test.Client) -> None:
        reading = models.Reading.objects.get()

        page = _page(staff, f"/warehouse/reading/{builder.MPAN}-{reading.pk}/change/")

        assert f"future date</a>. {_remedy('future-date')}" in page

    def test_stands_on_the_start_page_beside_the_reason(self, staff: test.Client) -> None:
        page = _page(staff, "/")

        needs = page.partition('id="needs-heading"')[2].partition("</table>")[0]
        assert needs.count(_remedy("no-trailer")) == 1
        assert _remedy("missing-item") not in needs  # no finding stands there, only how many

    def test_of_a_file_that_failed_stands_there_too(self, staff: test.Client) -> None:
        reason = "could not be transformed: no room"
        failed = models.FlowFile.objects.filter(file_name="flawed.uff")
        failed.update(status=codes.FlowFileStatus.FAILED, reason=reason)
        models.LineIssue.objects.filter(flow_file__in=failed).delete()

        needs = _page(staff, "/").partition(reason)[2].partition("</td>")[0]

        assert "Load the file again" in needs

    def test_of_what_nobody_knows_is_nothing(self, staff: test.Client) -> None:
        models.LineIssue.objects.update(code="of-another-flow")

        for address in ("/", "/warehouse/lineissue/"):
            assert '<span class="remedy">' not in _page(staff, address)
        assert remedies.of("of-another-flow") == ""

    def test_is_known_of_each_finding(self) -> None:
        assert {code: remedies.of(code) for code in findings.CATALOGUE} == {
            code: words.told(finding.remedy) for code, finding in findings.CATALOGUE.items()
        }
        assert all(map(remedies.of, findings.CATALOGUE))
