from __future__ import annotations

import datetime
import pathlib
import re

import pytest
from django import db, test
from django.contrib.auth import models as auth_models
from django.utils import timezone

from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import audits, codes, models


pytestmark = pytest.mark.usefixtures("_sample")

MPAN = "1200023305967"
OTHER_MPAN = "1012345678903"  # not in the sample


class TestLookUps:
    @pytest.mark.parametrize(
        ("address", "looked_at"),
        [
            (f"/warehouse/meterpoint/{MPAN}/change/", codes.LookedAt.METER_POINT),
            (f"/warehouse/reading/{MPAN}-{{reading}}/change/", codes.LookedAt.READING),
            ("/etl/stagedline/{reading}/change/", codes.LookedAt.RAW_LINE),
            (f"/warehouse/reading/?q={MPAN}", codes.LookedAt.LIST),
            (f"/warehouse/reading/download/?q={MPAN}", codes.LookedAt.DOWNLOAD),
        ],
    )
    def test_are_recorded_wherever_readings_are_shown(
        self, staff: test.Client, address: str, looked_at: codes.LookedAt
    ) -> None:
        reading = models.Reading.objects.get(mpan_core=MPAN)

        staff.get(address.format(reading=reading.pk))

        recorded = audits.LookUp.objects.filter(mpan_core=MPAN)
        assert [(row.user_name, row.looked_at) for row in recorded] == [("ada", looked_at)]

    @pytest.mark.parametrize("method", depth.some(["HEAD", "OPTIONS", "PUT"], one_of=3))
    @pytest.mark.parametrize(
        "address",
        [
            f"/warehouse/meterpoint/{MPAN}/change/",
            f"/warehouse/reading/{MPAN}-{{reading}}/change/",
            f"/warehouse/reading/?q={MPAN}",
        ],
    )
    def test_are_recorded_whatever_the_method(
        self, staff: test.Client, method: str, address: str
    ) -> None:
        reading = models.Reading.objects.get(mpan_core=MPAN)

        response = staff.generic(method, address.format(reading=reading.pk))

        assert response.status_code == 200
        assert audits.LookUp.objects.filter(mpan_core=MPAN).count() == 1

    def test_are_listed_for_a_superuser_only(
        self, staff: test.Client, support: test.Client
    ) -> None:
        support.get(f"/warehouse/meterpoint/{MPAN}/change/")

        assert "stella" in staff.get("/warehouse/lookup/", {"q": MPAN}).content.decode()
        assert support.get("/warehouse/lookup/").status_code == 403

    def test_are_queried_and_cleared_away_as_documented(self, support: test.Client) -> None:
        section = _documented()
        of_meter_point, by_user = _documented_statements()
        support.get(f"/warehouse/meterpoint/{MPAN}/change/")
        old = timezone.now() - datetime.timedelta(days=500)
        audits.LookUp.objects.create(
            user_name="stella", mpan_core=MPAN, looked_at="LIST", looked_up_at=old
        )

        with db.connection.cursor() as cursor:
            cursor.execute(of_meter_point)
            looks = cursor.fetchall()
            cursor.execute(by_user)
            users = cursor.fetchall()
            cursor.execute(_documented_clearing())

        assert [look[1:] for look in looks] == [("stella", "METER_POINT")]
        assert users == [("stella", 1, 0)]
        assert [row.looked_at for row in audits.LookUp.objects.all()] == ["METER_POINT"]
        assert all(f"`{place}`" in section for place in codes.LookedAt.values)

    def test_of_a_file_are_those_of_each_meter_point_in_it(
        self, staff: test.Client, tmp_path: pathlib.Path
    ) -> None:
        flow_files.load(
            tmp_path, {"other.uff": builder.simple(file_id="2", mpan=OTHER_MPAN).decode()}
        )
        flow_file = models.FlowFile.objects.get(file_name=flow_files.SAMPLE.name)

        staff.get("/warehouse/reading/download/", {"file": flow_file.pk})

        (recorded,) = audits.LookUp.objects.all()
        assert (recorded.mpan_core, recorded.flow_file) == ("", flow_file)
        listed = staff.get("/warehouse/lookup/", {"q": MPAN}).content.decode()
        assert flow_file.file_name in listed
        of_another = staff.get("/warehouse/lookup/", {"q": OTHER_MPAN}).content.decode()
        assert flow_file.file_name not in of_another
        with db.connection.cursor() as cursor:
            cursor.execute(_documented_statements()[0])
            assert [look[1:] for look in cursor.fetchall()] == [("ada", "DOWNLOAD")]

    @pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?file=", "?file=0", "?p=1", "?q=%00"])
    def test_are_none_where_nothing_was_searched(self, staff: test.Client, query: str) -> None:
        page = staff.get(f"/warehouse/reading/{query}").content.decode()

        assert "Which readings?" in page
        assert 'id="result_list"' not in page
        assert not audits.LookUp.objects.exists()

    def test_outlive_the_user(self, support: test.Client) -> None:
        support.get(f"/warehouse/meterpoint/{MPAN}/change/")

        auth_models.User.objects.get(username="stella").delete()

        assert audits.LookUp.objects.get().user_name == "stella"


def _documented() -> str:
    text = pathlib.Path("docker-free-setup.md").read_text(encoding="utf-8")
    return text.partition("### Who looked at what")[2].partition("\n### ")[0]


def _documented_clearing() -> str:
    text = pathlib.Path("docker-free-setup.md").read_text(encoding="utf-8")
    found = re.search(r"`(DELETE FROM look_up .*?)`", text)
    assert found
    return found[1]


def _documented_statements() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", _documented(), re.DOTALL)
