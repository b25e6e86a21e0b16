"""Values that would be markup, formulas or directions if they were taken for more than text."""

from __future__ import annotations

import csv
import html.parser
import io
import pathlib

import pytest
from django import test
from django.contrib.auth import models as auth_models

from etl import models as etl_models
from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import audits, models


# A mark that opens an element or an attribute if anything is left unescaped, and one that turns
# the direction of what follows it.
TURN = "\u202e"
LONG = f"\"><h0 onx=1>'&amp;{TURN}".ljust(200, "w")
SHORT = f"<h0>\"'&{TURN}"[:10]


def _make_hostile_rows(folder: pathlib.Path) -> None:
    flow_files.load(
        folder,
        {
            "loaded.uff": builder.flow_file(
                builder.meter_point(
                    builder.MPAN,
                    builder.line("027|20|here stands the free text|"),
                    builder.meter(
                        "A1",
                        builder.reading(read_at="20240101000000"),
                        builder.reading(read_at="20240201000000", value="200.0"),
                        builder.reading(read_at="20240201000000", value="150.0"),
                        builder.reading(value="wrong"),
                    ),
                )
            ).decode(),
            "rejected.uff": builder.flow_file(file_id="2", trailer="").decode(),
        },
    )
    # Some of these could come from a file, the others only by somebody's later mistake; the
    # pages are not to rely on either.
    models.FlowFile.objects.update(
        file_name=LONG,
        reason=LONG,
        encoding=LONG,
        sender=LONG,
        sender_role=SHORT,
        recipient=LONG,
        recipient_role=SHORT,
        flow=LONG,
        sending_application=LONG,
        broadcast=LONG,
        test_flag=LONG,
        checksum=LONG,
    )
    models.Delivery.objects.update(file_name=LONG, path=LONG)
    models.Meter.objects.update(serial_number=SHORT)
    models.SiteVisit.objects.update(additional_information=LONG, check_code="<\u202e")
    models.Register.objects.update(identifier="<\u202e")
    models.Reading.objects.update(
        identifier="<\u202e",
        reading_type="<",
        validation_status="<",
        reading_flag="<",
        reading_method="<",
        reason_code="<\u202e",
        reading_status="<",
    )
    models.LineIssue.objects.update(code=LONG, item=LONG, value=LONG, message=LONG)
    etl_models.StagedText.objects.filter(kind="usual").delete()
    etl_models.StagedText.objects.filter(kind="reading").update(
        payload=f"030|{LONG}|{LONG}|=1|||<h0>|{TURN}|"
    )


@pytest.fixture(scope="module")
def _hostile_rows(keep: flow_files.Keep) -> None:
    keep(_make_hostile_rows)


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_hostile_rows")]


class _Page(html.parser.HTMLParser):
    """What a browser makes of a page: elements, attributes and text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)
        told = (value for name, value in attrs if name in {"alt", "aria-label", "title"})
        self.text += "".join(filter(None, told))

    def handle_data(self, data: str) -> None:
        self.text += data


def _get(staff: test.Client, address: str, query: dict[str, str] | None = None) -> _Page:
    response = staff.get(address, query, follow=True)
    assert response.status_code == 200
    page = _Page(response.content.decode())
    assert TURN not in page.text
    assert "h0" not in page.elements
    assert "onx" not in page.attributes
    return page


PAGES = (
    "/",
    f"/warehouse/reading/?q={builder.MPAN}",
    "/warehouse/reading/?file={file}",
    f"/warehouse/reading/{builder.MPAN}-{{reading}}/change/",
    "/warehouse/meter/",
    "/warehouse/meterpoint/",
    f"/warehouse/meterpoint/{builder.MPAN}/change/",
    "/warehouse/flowfile/",
    "/warehouse/flowfile/{file}/change/",
    "/warehouse/flowfile/{rejected}/change/",
    "/warehouse/lineissue/",
    "/warehouse/lineissue/?file={file}",
    "/warehouse/lineissue/{issue}/change/",
    "/etl/stagedline/{reading}/change/",
)


class TestPages:
    @pytest.mark.parametrize("address", depth.some([*PAGES], one_of=3))
    def test_show_hostile_values_as_text(self, staff: test.Client, address: str) -> None:
        reading = models.Reading.objects.earliest("id")

        page = _get(
            staff,
            address.format(
                reading=reading.pk,
                file=reading.flow_file_id,
                rejected=models.FlowFile.objects.latest("id").pk,
                issue=models.LineIssue.objects.earliest("id").pk,
            ),
        )

        assert "<h0" in page.text
        assert "\\u202e" in page.text

    def test_show_hostile_values_in_a_chart(self, staff: test.Client) -> None:
        page = _get(staff, f"/warehouse/meterpoint/{builder.MPAN}/change/")

        assert {"svg", "circle", "path"} <= page.elements
        assert page.text.count("Register <\\u202e of meter <h0>") == 3  # caption and two titles

    @pytest.mark.parametrize("listed", ["flowfile", "lineissue"])
    def test_offer_hostile_values_as_filters(self, staff: test.Client, listed: str) -> None:
        page = _get(staff, f"/warehouse/{listed}/", {"sender": LONG})

        _, _, filters = page.text.partition("By sender")
        assert '"><h0 onx=1>' in filters

    @pytest.mark.parametrize(
        "listed", ["reading", "meter", "meterpoint", "flowfile", "lineissue", "lookup"]
    )
    @pytest.mark.parametrize(
        "typed", depth.some([LONG.replace(TURN, ""), SHORT.replace(TURN, "=")], one_of=2)
    )
    def test_repeat_what_was_searched_as_text(
        self, staff: test.Client, listed: str, typed: str
    ) -> None:
        _get(staff, f"/warehouse/{listed}/", {"q": typed})

    def test_show_a_hostile_user_as_text(
        self, staff: test.Client, support: test.Client, superuser: auth_models.User
    ) -> None:
        support.get(f"/warehouse/meterpoint/{builder.MPAN}/change/")
        audits.LookUp.objects.update(user_name=LONG)
        superuser.first_name = '"><h0 onx=1>'
        superuser.save()

        page = _get(staff, "/warehouse/lookup/")

        assert page.text.count("<h0") >= 2

    def test_show_a_hostile_name_at_login_as_text(self, client: test.Client) -> None:
        for _ in range(6):
            response = client.post(
                "/login/", {"username": '"><h0 onx=1>', "password": "wrong"}, follow=True
            )

        page = _Page(response.content.decode())
        assert "h0" not in page.elements
        assert "onx" not in page.attributes


class TestDownload:
    def test_hands_hostile_values_on_as_text(self, staff: test.Client) -> None:
        models.FlowFile.objects.update(file_name=f"=cmd|'/c calc'!A1\n{LONG}")

        response = staff.get("/warehouse/reading/download/", {"q": builder.MPAN})

        body = response.getvalue().decode()
        rows = list(csv.DictReader(io.StringIO(body, newline="")))
        assert len(rows) == 3
        assert {row["serial_number"] for row in rows} == {SHORT}
        assert {row["file_name"] for row in rows} == {f"'=cmd|'/c calc'!A1\n{LONG}"}
