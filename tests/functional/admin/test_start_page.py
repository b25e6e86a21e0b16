from __future__ import annotations

import pathlib

import pytest
from django import test
from django.core import management

from tests import builder
from tests.functional.admin import flow_files


@pytest.fixture
def _arrivals(db: None, tmp_path: pathlib.Path) -> None:  # noqa: ARG001 - needed for its effect
    flow_files.load(
        tmp_path,
        {
            "good.uff": builder.simple().decode(),
            "partly.uff": builder.flow_file(
                builder.meter_point(
                    builder.MPAN,
                    builder.meter("A1", builder.reading(), builder.reading(value="x")),
                ),
                file_id="2",
                sender="OTHR",
            ).decode(),
            "cut short.uff": "ZHV|3|D0010002|D|UDMS|X|MRCY|20160302153151||||OPER|\n",
        },
    )
    staged = tmp_path / "waiting.uff"
    staged.write_bytes(builder.simple(file_id="4", value="7.0"))
    management.call_command("load_d0010", str(staged), stage_only=True)


@pytest.mark.usefixtures("_arrivals")
class TestStartPage:
    def test_tells_what_arrived_by_sender(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert '<td>OTHR</td><td class="number">1</td><td class="number">0</td>' in page
        assert '<td>UDMS</td><td class="number">3</td><td class="number">1</td>' in page

    def test_tells_what_waits_and_what_needs_a_human(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert "1 file waiting" in page
        assert "cut short.uff" in page
        assert "the file is cut short" in page
        assert "1 line rejected" in page

    def test_searches_meter_points(self, staff: test.Client) -> None:
        page = staff.get("/").content.decode()

        assert 'action="/warehouse/meterpoint/"' in page
        assert staff.get("/warehouse/meterpoint/", {"q": "a 1"}).status_code == 302

    def test_tells_nothing_to_whom_nothing_is_shown(self, newcomer: test.Client) -> None:
        page = newcomer.get("/").content.decode()

        assert "cut short.uff" not in page
        assert "OTHR" not in page
