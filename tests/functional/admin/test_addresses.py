from __future__ import annotations

import pathlib

import pytest
from django import test
from django.contrib.staticfiles import finders

from tests import depth
from tests.functional.admin import flow_files
from warehouse import audits, models


pytestmark = pytest.mark.usefixtures("_sample")

MPAN = "1200023305967"


class TestAdmin:
    @pytest.mark.parametrize(
        ("typed", "led_to"),
        [
            ("/admin/", "/"),
            ("/admin/warehouse/flowfile/", "/warehouse/flowfile/"),
            ("/admin/warehouse/reading/?q=F75A%2000802", "/warehouse/reading/?q=F75A%2000802"),
            ("/admin//evil.example/", "/evil.example/"),
            ("/admin/%5C%5Cevil.example/", "/evil.example/"),
            ("/admin/%2F%2Fevil.example/", "/evil.example/"),
            ("/admin/https://evil.example/", "/https://evil.example/"),
        ],
    )
    def test_is_led_to_from_where_it_stands_by_custom(
        self, client: test.Client, typed: str, led_to: str
    ) -> None:
        response = client.get(typed)

        assert response.status_code == 302
        assert response["Location"] == led_to

    def test_is_led_to_without_a_slash_too(self, staff: test.Client) -> None:
        response = staff.get("/admin", follow=True)

        assert response.status_code == 200
        assert "Find a reading" in response.content.decode()

    def test_takes_no_post_there(self, client: test.Client) -> None:
        assert client.post("/admin/login/", {"username": "ada"}).status_code == 405


class TestIcon:
    def test_is_where_pages_and_the_custom_say(self, client: test.Client) -> None:
        by_custom = client.get("/favicon.ico")["Location"]

        assert f'<link rel="icon" href="{by_custom}"' in client.get("/login/").content.decode()
        found = finders.find(by_custom.removeprefix("/static/"))
        assert pathlib.Path(str(found)).read_text().startswith("<svg")


class TestReading:
    def test_has_an_address_that_holds_its_mpan(self, staff: test.Client) -> None:
        reading = models.Reading.objects.get(mpan_core=MPAN)

        page = staff.get("/warehouse/reading/", {"q": MPAN}).content.decode()

        assert f'href="/warehouse/reading/{MPAN}-{reading.pk}/change/' in page
        assert f'name="_selected_action" value="{MPAN}-{reading.pk}"' in page

    @pytest.mark.parametrize(
        "address",
        depth.some(
            [
                "{id}",
                "{mpan}",
                "{mpan}-",
                "-{id}",
                "2000055433806-{id}",
                "{mpan}-{id}-",
                "{mpan}--{id}",
                "{mpan}-+{id}",
                "{mpan}-" + "9" * 30,
                "{mpan}-9223372036854775808",
                "{mpan}-\u0661",
                "{mpan}-%00",
                "0000000000000-{id}",
            ],
            one_of=3,
        ),
        ids=ascii,
    )
    def test_has_no_other_address(self, staff: test.Client, address: str) -> None:
        reading = models.Reading.objects.get(mpan_core=MPAN)
        path = address.format(mpan=MPAN, id=reading.pk)

        response = staff.get(f"/warehouse/reading/{path}/change/")

        assert response.status_code == 302
        assert response["Location"] == "/"
        assert not audits.LookUp.objects.exists()

    @pytest.mark.parametrize(
        ("ticked", "code"),
        [("{id}", 400), ("nonsense", 400), ("\u0661", 400), ("2000055433806-{id}", 200)],
        ids=ascii,
    )
    def test_is_ticked_by_its_address_alone(
        self, staff: test.Client, ticked: str, code: int
    ) -> None:
        reading = models.Reading.objects.get(mpan_core=MPAN)

        response = staff.post(
            "/warehouse/reading/",
            {
                "action": "download_selected",
                "_selected_action": [ticked.format(id=reading.pk)],
            },
        )

        assert response.status_code == code
        if code == 200:
            assert response.getvalue().count(b"\n") == 1  # the heading
        assert not audits.LookUp.objects.exists()


class TestMeter:
    def test_has_an_address_that_holds_its_mpan(self, staff: test.Client) -> None:
        meter = models.Meter.objects.get(mpan_core=MPAN)

        page = staff.get("/warehouse/meter/").content.decode()
        response = staff.get(f"/warehouse/meter/{MPAN}-F75A00802/change/")

        assert f'href="/warehouse/meter/{MPAN}-F75A00802/change/"' in page
        assert response["Location"] == f"/warehouse/meterpoint/{MPAN}/change/#meter-{meter.pk}"

    @pytest.mark.parametrize("serial_number", ["A/1", "B-_5F?", "#1&%41", "\xe9\u65e5", "_2F"])
    def test_is_found_by_whatever_key(self, staff: test.Client, serial_number: str) -> None:
        meter = models.Meter.objects.create(
            id=1,
            mpan_core=MPAN,
            serial_key=serial_number.upper(),
            serial_number=serial_number,
        )

        page = staff.get("/warehouse/meter/").content.decode()
        address = next(
            link
            for link in page.split('"')
            if link.startswith(f"/warehouse/meter/{MPAN}-") and "F75A00802" not in link
        )

        location = staff.get(address)["Location"]
        assert location == f"/warehouse/meterpoint/{MPAN}/change/#meter-{meter.pk}"


class TestSearchedMeter:
    @pytest.mark.parametrize(
        ("sent", "typed"),
        [
            ("K75A\xa000802", ["K75A\xa000802", "K75A 00802", "k75a00802", "K75A\t00802"]),
            ("L75A\t00802", ["L75A\t00802", "L75A 00802", "L75A00802", "l75a"]),
            ("N75A0802\t", ["N75A0802\t", "N75A0802", "\u200bN75A0802"]),
            ("E12Z07\u200b001", ["E12Z07\u200b001", "E12Z07001", "e12z07 001"]),
            ("\xe91", ["\xe91", "\xc91"]),
        ],
        ids=ascii,
    )
    def test_is_found_however_its_blanks_are_typed(
        self, staff: test.Client, tmp_path: pathlib.Path, sent: str, typed: list[str]
    ) -> None:
        flow_files.load(
            tmp_path,
            {
                "blanks.uff": flow_files.text(
                    ["026|1900001059816|V|", f"028|{sent}|R|", "030|S|20240601000000|1.0|||T|N|"],
                    identifier="blanks",
                )
            },
        )

        for text in typed:
            response = staff.get("/warehouse/reading/", {"q": text})

            (reading,) = response.context["cl"].result_list
            assert reading.mpan_core == "1900001059816"
