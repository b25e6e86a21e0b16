from __future__ import annotations

import datetime
import pathlib

import pytest
from django import db, test
from django.core import management
from django.db import models as db_models

from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import models


pytestmark = pytest.mark.usefixtures("_mixed_files")


@pytest.fixture
def _partly_cleared_away(_mixed_files: None, db: None) -> None:  # noqa: ARG001 - needed for its effect
    models.FlowFile.objects.exclude(file_name="later.uff").update(
        transformed_at=db_models.F("transformed_at") + datetime.timedelta(days=1)
    )
    management.call_command("purge_staged_lines", "--older-than", "0d")


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

    def test_stands_among_its_neighbors_however_many_blank_lines_are_between(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        lines = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading(value="1.0"))),
            builder.meter_point(builder.OTHER_MPAN, builder.meter("B2", builder.reading())),
            file_id="far",
        ).splitlines(keepends=True)
        blank = [b"\n"] * 2_000
        path = tmp_path / "far.uff"
        path.write_bytes(b"".join([*lines[:4], *blank, *lines[4:7], *blank, *lines[7:]]))
        management.call_command("load_d0010", path)
        flow_file = models.FlowFile.objects.get(file_name="far.uff")

        response = staff.get(f"/etl/stagedline/{(flow_file.pk << 32) + 2_006}/change/")

        page = response.content.decode()
        for line in lines:
            assert line.decode().strip() in page

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
            ("cut short.uff", 1, "The file was rejected before its raw lines were stored."),
            ("later.uff", 4, "were purged on"),
            ("good.uff", 99, "The file has no line 99 with text in it; it has 37 lines."),
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
        is_cleared_away = "were purged on" in flow_files.page_of(staff, file_name=name)
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
