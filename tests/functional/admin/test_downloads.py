from __future__ import annotations

import csv
import html
import io
import pathlib
import re
from typing import Any

import openpyxl
import pytest
from django import test
from django.core import management
from django.http import StreamingHttpResponse
from pytest_django import fixtures

from tests import builder
from tests.functional.admin import flow_files
from warehouse import audits, models


pytestmark = pytest.mark.usefixtures("_sample")

READINGS = "/warehouse/reading/"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOWNLOAD = "/warehouse/reading/download/"


def _rows(response: Any) -> list[dict[str, str]]:
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(response.streaming_content).decode()  # type: ignore[arg-type] # it is no async one
    return list(csv.DictReader(io.StringIO(text)))


def _sheet(response: Any) -> list[dict[str, Any]]:
    assert isinstance(response, StreamingHttpResponse)
    workbook = openpyxl.load_workbook(io.BytesIO(response.getvalue()))
    heading, *rows = workbook.worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, heading), row, strict=True)) for row in rows]


def _load_many(folder: pathlib.Path) -> models.FlowFile:
    """Load a file whose readings fill more than a page of the list."""
    readings = (
        builder.reading(read_at=f"20240{1 + day // 28}{1 + day % 28:02d}000000")
        for day in range(30)
    )
    content = builder.flow_file(
        builder.meter_point(builder.MPAN, builder.meter("LONG 1", *readings)),
        builder.meter_point(builder.OTHER_MPAN, builder.meter("LONG 2", builder.reading())),
        file_id="many",
    )
    flow_files.load(folder, {"many.uff": content.decode()})
    return models.FlowFile.objects.get(file_name="many.uff")


class TestDownload:
    def test_holds_what_the_search_found_as_the_contract_lists_it(
        self, staff: test.Client
    ) -> None:
        response = staff.get(DOWNLOAD, {"q": "f75a00802"})

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert _rows(response) == [
            {
                "mpan_core": "1200023305967",
                "serial_number": "F75A 00802",
                "register": "S",
                "read_at": "2016-02-22T00:00:00+00:00",
                "value": "56311.0",
                "reading_type": "D",
                "validation_status": "V",
                "reading_flag": "T",
                "reading_method": "N",
                "reason_code": "",
                "reading_status": "",
                "md_reset_at": "",
                "md_reset_count": "",
                "file_name": "DTC5259515123502080915D0010.uff",
                "line_number": "4",
                "standing": "current",
                "file_created_at": "2016-03-02T15:31:51+00:00",
                "flow": "D0010002",
            }
        ]

    @pytest.mark.django_db(transaction=True)  # the export begins one of its own
    @pytest.mark.parametrize("serial", ["F75A 00802", "D13C01717", "L85A 28596"])
    def test_has_the_lines_of_the_export(
        self, staff: test.Client, capfd: pytest.CaptureFixture[str], serial: str
    ) -> None:
        capfd.readouterr()
        management.call_command("export_readings", serial=serial)
        exported = list(csv.reader(io.StringIO(capfd.readouterr().out)))

        response = staff.get(DOWNLOAD, {"q": serial})

        downloaded = list(csv.reader(io.StringIO(response.getvalue().decode())))
        assert downloaded[0] == exported[0]
        assert sorted(downloaded) == sorted(exported)
        assert len(exported) > 1

    def test_holds_the_selection(self, staff: test.Client) -> None:
        chosen = models.Reading.objects.filter(mpan_core="2200031930792")

        response = staff.post(
            "/warehouse/reading/",
            {
                "action": "download_selected",
                "_selected_action": [f"{reading.mpan_core}-{reading.pk}" for reading in chosen],
            },
        )

        assert {row["register"] for row in _rows(response)} == {"01", "02"}

    def test_is_there_for_spreadsheets_too(self, staff: test.Client) -> None:
        page = staff.get(READINGS, {"q": "f75a00802"}).content.decode()
        address = re.search(f'href="({DOWNLOAD}[^"]*xlsx)"', page)
        assert address

        response = staff.get(html.unescape(address[1]))

        assert response["Content-Type"] == XLSX
        assert response["Content-Disposition"].endswith('.xlsx"')
        assert [(row["mpan_core"], row["value"]) for row in _sheet(response)] == [
            ("1200023305967", 56311)
        ]

    def test_holds_the_selection_for_spreadsheets_too(self, staff: test.Client) -> None:
        chosen = models.Reading.objects.filter(mpan_core="2200031930792")

        response = staff.post(
            "/warehouse/reading/",
            {
                "action": "download_selected_as_workbook",
                "_selected_action": [f"{reading.mpan_core}-{reading.pk}" for reading in chosen],
            },
        )

        assert response["Content-Type"] == XLSX
        assert {row["register"] for row in _sheet(response)} == {"01", "02"}

    def test_is_there_in_no_other_format(self, staff: test.Client) -> None:
        response = staff.get(DOWNLOAD, {"q": "f75a00802", "format": "pdf"})

        assert response.status_code == 404
        assert not audits.LookUp.objects.exists()

    def test_is_harmless_in_a_spreadsheet(self, staff: test.Client) -> None:
        models.Meter.objects.filter(serial_number="F75A 00802").update(serial_number='=1+"1",\n')

        response = staff.get(DOWNLOAD, {"q": "1200023305967"})

        assert [row["serial_number"] for row in _rows(response)] == ['\'=1+"1",\n']

    @pytest.mark.parametrize(
        "query",
        [{}, {"q": " "}, {"q": "F75\0"}, {"q": "\0"}, {"file": "x"}, {"file": "9999999999"}],
        ids=str,
    )
    def test_of_everything_is_left_to_the_command(
        self, staff: test.Client, query: dict[str, str]
    ) -> None:
        response = staff.get(DOWNLOAD, query)

        assert response.status_code == 302
        assert not audits.LookUp.objects.exists()

    def test_is_not_offered_for_what_is_no_search(self, staff: test.Client) -> None:
        page = staff.get(READINGS, {"q": "F75\0"}).content.decode()

        assert DOWNLOAD not in page
        assert "Meters whose serial number" not in page

    @pytest.mark.parametrize("name", ["a\rb.uff", "a\nb.uff", "a\r\nb.uff"], ids=repr)
    def test_keeps_a_row_together(self, staff: test.Client, name: str) -> None:
        models.FlowFile.objects.update(file_name=name)

        response = staff.get(DOWNLOAD, {"q": "F75A 00802"})

        body = response.getvalue().decode()
        assert f'"{name}"' in body
        assert body.partition("\n")[0].endswith("flow")


class TestPages:
    @pytest.mark.parametrize("page", ["1", "2", "99", "x"])
    def test_are_all_handed_on_whichever_is_asked_for(
        self, staff: test.Client, tmp_path: pathlib.Path, page: str
    ) -> None:
        _load_many(tmp_path)

        rows = _rows(staff.get(DOWNLOAD, {"q": "LONG 1", "p": page}))

        assert [row["read_at"] for row in rows] == sorted(
            (row["read_at"] for row in rows), reverse=True
        )
        assert len(rows) == 30


class TestSelection:
    @pytest.mark.parametrize("query", ["?file={}", "?q=LONG"], ids=["a file", "a beginning"])
    def test_is_of_one_page(self, staff: test.Client, tmp_path: pathlib.Path, query: str) -> None:
        flow_file = _load_many(tmp_path)

        page = staff.get(READINGS + query.format(flow_file.pk)).content.decode()

        assert "0 of 25 selected" in page
        assert "across all pages" not in page

    @pytest.mark.parametrize("value", ["1", "on", "True"])
    def test_of_what_is_not_shown_is_refused(self, staff: test.Client, value: str) -> None:
        reading = models.Reading.objects.earliest("id")

        response = staff.post(
            READINGS,
            {
                "action": "download_selected",
                "_selected_action": f"{reading.mpan_core}-{reading.pk}",
                "select_across": value,
            },
        )

        assert response.status_code == 403
        assert not audits.LookUp.objects.exists()


class TestFile:
    def test_is_offered_where_its_readings_are_listed(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        flow_file = _load_many(tmp_path)

        page = staff.get(READINGS, {"file": flow_file.pk}).content.decode()

        assert f'href="{DOWNLOAD}?file={flow_file.pk}"' in page

    def test_is_not_offered_where_none_are(self, staff: test.Client) -> None:
        assert DOWNLOAD not in staff.get(READINGS, {"file": "77"}).content.decode()

    def test_is_handed_on_whole_and_recorded(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        flow_file = _load_many(tmp_path)

        rows = _rows(staff.get(DOWNLOAD, {"file": flow_file.pk}))

        assert len(rows) == 31
        assert {row["file_name"] for row in rows} == {"many.uff"}
        recorded = audits.LookUp.objects.values_list("user_name", "flow_file", "looked_at")
        assert list(recorded) == [("ada", flow_file.pk, "DOWNLOAD")]

    def test_is_narrowed_by_a_search(self, staff: test.Client, tmp_path: pathlib.Path) -> None:
        flow_file = _load_many(tmp_path)

        rows = _rows(staff.get(DOWNLOAD, {"file": str(flow_file.pk), "q": builder.OTHER_MPAN}))

        assert [row["serial_number"] for row in rows] == ["LONG 2"]

    def test_takes_the_same_queries_for_one_meter_point_and_for_eleven(
        self,
        staff: test.Client,
        tmp_path: pathlib.Path,
        django_assert_num_queries: fixtures.DjangoAssertNumQueries,
    ) -> None:
        two = _load_many(tmp_path)
        eleven = models.FlowFile.objects.earliest("id")

        staff.get("/")  # which notes that the session is used

        for flow_file in (two, eleven):
            with django_assert_num_queries(3):  # session, user, look-up
                staff.get(DOWNLOAD, {"file": flow_file.pk})

    def test_is_refused_to_whom_readings_are_not_shown(self, newcomer: test.Client) -> None:
        assert newcomer.get(DOWNLOAD, {"q": "1200023305967"}).status_code == 403
