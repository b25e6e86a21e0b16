from __future__ import annotations

import datetime
import pathlib
import re

import pytest
from django import db, test
from django.contrib.auth import models as auth_models
from django.utils import timezone

from warehouse import models


pytestmark = pytest.mark.usefixtures("_sample")

MPAN = "1200023305967"


class TestLookUps:
    @pytest.mark.parametrize(
        ("address", "looked_at"),
        [
            (f"/warehouse/meterpoint/{MPAN}/change/", models.LookedAt.METER_POINT),
            (f"/warehouse/reading/{MPAN}-{{reading}}/change/", models.LookedAt.READING),
            ("/etl/stagedline/{reading}/change/", models.LookedAt.RAW_LINE),
            (f"/warehouse/reading/?q={MPAN}", models.LookedAt.LIST),
            (f"/warehouse/reading/download/?q={MPAN}", models.LookedAt.DOWNLOAD),
        ],
    )
    def test_are_recorded_wherever_readings_are_shown(
        self, staff: test.Client, address: str, looked_at: models.LookedAt
    ) -> None:
        reading = models.Reading.objects.get(mpan_core=MPAN)

        staff.get(address.format(reading=reading.pk))

        recorded = models.LookUp.objects.filter(mpan_core=MPAN)
        assert [(row.user_name, row.looked_at) for row in recorded] == [("ada", looked_at)]

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT"])
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
        assert models.LookUp.objects.filter(mpan_core=MPAN).count() == 1

    def test_are_listed_for_a_superuser_only(
        self, staff: test.Client, support: test.Client
    ) -> None:
        support.get(f"/warehouse/meterpoint/{MPAN}/change/")

        assert "stella" in staff.get("/warehouse/lookup/", {"q": MPAN}).content.decode()
        assert support.get("/warehouse/lookup/").status_code == 403

    def test_are_queried_and_cleared_away_as_documented(self, support: test.Client) -> None:
        text = pathlib.Path("docker-free-setup.md").read_text(encoding="utf-8")
        section = text.partition("### Who looked at what")[2].partition("\n### ")[0]
        of_meter_point, by_user, clear = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
        support.get(f"/warehouse/meterpoint/{MPAN}/change/")
        old = timezone.now() - datetime.timedelta(days=500)
        models.LookUp.objects.create(
            user_name="stella", mpan_core=MPAN, looked_at="LIST", looked_up_at=old
        )

        with db.connection.cursor() as cursor:
            cursor.execute(of_meter_point)
            looks = cursor.fetchall()
            cursor.execute(by_user)
            users = cursor.fetchall()
            cursor.execute(clear)

        assert [look[1:] for look in looks] == [("stella", "METER_POINT")]
        assert users == [("stella", 1)]
        assert [row.looked_at for row in models.LookUp.objects.all()] == ["METER_POINT"]
        assert all(f"`{place}`" in section for place in models.LookedAt.values)

    def test_outlive_the_user(self, support: test.Client) -> None:
        support.get(f"/warehouse/meterpoint/{MPAN}/change/")

        auth_models.User.objects.get(username="stella").delete()

        assert models.LookUp.objects.get().user_name == "stella"
