from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django import test
from django.core import management
from django.http import StreamingHttpResponse

from warehouse import models


pytestmark = pytest.mark.usefixtures("_sample")

DOWNLOAD = "/warehouse/reading/download/"


def _rows(response: Any) -> list[dict[str, str]]:
    assert isinstance(response, StreamingHttpResponse)
    text = b"".join(response.streaming_content).decode()  # type: ignore[arg-type] # it is no async one
    return list(csv.DictReader(io.StringIO(text)))


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
                "_selected_action": [reading.pk for reading in chosen],
            },
        )

        assert {row["register"] for row in _rows(response)} == {"01", "02"}

    def test_is_harmless_in_a_spreadsheet(self, staff: test.Client) -> None:
        models.Meter.objects.filter(serial_number="F75A 00802").update(serial_number='=1+"1",\n')

        response = staff.get(DOWNLOAD, {"q": "1200023305967"})

        assert [row["serial_number"] for row in _rows(response)] == ['\'=1+"1",\n']

    def test_of_everything_is_left_to_the_command(self, staff: test.Client) -> None:
        response = staff.get(DOWNLOAD)

        assert response.status_code == 302

    def test_is_refused_to_whom_readings_are_not_shown(self, newcomer: test.Client) -> None:
        assert newcomer.get(DOWNLOAD, {"q": "1200023305967"}).status_code == 403
