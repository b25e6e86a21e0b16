from __future__ import annotations

import re
from typing import Any

import pytest
from django import db, test
from pytest_django import fixtures

from tests import depth
from warehouse import audits, codes, models
from warehouse.queries import search, terms


pytestmark = pytest.mark.usefixtures("_sample")

READINGS = "/warehouse/reading/"


def cells(response: Any) -> list[list[str]]:
    """Return the texts of the rows of a list, as somebody reads them."""
    html = response.content.decode()
    body = html.partition('id="result_list"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [
            re.sub(r"<[^>]+>", "", cell).strip()
            for cell in re.findall(r"<t[dh] [^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in body.split("<tr")[1:]
    ]


class TestReadingList:
    def test_shows_what_support_staff_are_asked_for(self, staff: test.Client) -> None:
        response = staff.get(READINGS, {"q": "1200023305967"})

        assert [row[-9:] for row in cells(response)] == [
            [
                "1200023305967",
                "F75A 00802",
                "S",
                "22 Feb 2016",
                "56311.0",
                "counts",
                "deemed or estimated (D)",
                "validated (V)",
                "DTC5259515123502080915D0010.uff",
            ]
        ]

    @pytest.mark.parametrize(
        "typed",
        depth.some(
            [
                "1200023305967",
                " 12 0002 3305 967 ",
                "018011001200023305967",
                "S 01 801 100 12 0002 3305 967",
                "F75A 00802",
                "f75a00802",
                "F 75A 0 08 02",
                "F75",
                "802",
                "75a00802",
                "MPAN: 12 0002 3305 967.",
                "her mpan is 12 0002 3305 967, thanks",
                "supply 01 801 100 12 0002 3305 967 (bill)",
                "\u201cF75A\u00a000802\u201d,",
                "Serial no. F75A 00802",
                "12\u20130002\u20133305\u2013967",
                "\uff11\uff12\uff10\uff10\uff10\uff12\uff13\uff13\uff10\uff15\uff19\uff16\uff17",
                "\u200b1200023305967\ufeff",
            ],
            one_of=3,
        ),
        ids=depth.some(
            [
                "MPAN",
                "MPAN with spaces",
                "supply number of 21 digits",
                "supply number as printed on a bill",
                "serial number as sent",
                "serial number in small letters without its space",
                "serial number with other spaces",
                "beginning of a serial number",
                "ending of a serial number",
                "longer ending of a serial number",
                "MPAN with its label",
                "MPAN within text",
                "supply number within text",
                "serial number in quotes, with a comma",
                "serial number with its label",
                "MPAN with dashes of print",
                "MPAN in digits of full width",
                "MPAN with what nobody sees",
            ],
            one_of=3,
        ),
    )
    def test_finds_the_reading_however_it_is_typed(self, staff: test.Client, typed: str) -> None:
        response = staff.get(READINGS, {"q": typed})

        assert [row[-9] for row in cells(response)] == ["1200023305967"]

    def test_prefers_the_whole_serial_number_to_a_beginning(self, staff: test.Client) -> None:
        meter = models.Meter.objects.get(serial_number="D13C01717")
        models.Meter.objects.create(
            id=1,
            mpan_core=meter.mpan_core,
            serial_key="D13C017171",
            serial_number="D13C017171",
        )

        response = staff.get("/warehouse/meter/", {"q": "d13c01717"})

        assert response.status_code == 302
        assert response["Location"].endswith(f"/2000055433806/change/#meter-{meter.pk}")

    @pytest.mark.parametrize("typed", ["%", "_", "F75%", "\\", "'", "É"])
    def test_takes_wildcards_and_quotes_literally(self, staff: test.Client, typed: str) -> None:
        response = staff.get(READINGS, {"q": typed})

        assert response.status_code == 200
        assert cells(response) == []

    def test_takes_the_same_queries_for_one_reading_and_for_thirteen(
        self,
        staff: test.Client,
        django_assert_num_queries: fixtures.DjangoAssertNumQueries,
    ) -> None:
        flow_file = models.FlowFile.objects.get()
        staff.get(READINGS)
        # Session, user, file, count, rows, meters, files, look-ups.
        with django_assert_num_queries(9):
            everything = staff.get(READINGS, {"file": flow_file.pk})
        with django_assert_num_queries(9):  # the MPAN instead of the file
            one = staff.get(READINGS, {"q": "1200023305967"})

        assert (len(cells(everything)), len(cells(one))) == (13, 1)

    def test_asks_what_to_search_for(
        self,
        staff: test.Client,
        django_assert_num_queries: fixtures.DjangoAssertNumQueries,
    ) -> None:
        staff.get(READINGS)

        with django_assert_num_queries(2):  # session, user
            page = staff.get(READINGS)

        assert cells(page) == []
        assert "Search by MPAN or by meter serial number." in page.content.decode()
        assert "0 readings" not in page.content.decode()
        assert not audits.LookUp.objects.exists()

    def test_ignores_an_order_or_a_filter_that_no_index_serves(self, staff: test.Client) -> None:
        flow_file = models.FlowFile.objects.get()
        ordered = staff.get(READINGS, {"o": "5", "file": str(flow_file.pk)})
        filtered = staff.get(READINGS, {"value__gt": "50000"})

        assert len(cells(ordered)) == 13
        assert cells(ordered) == cells(staff.get(READINGS, {"file": flow_file.pk}))
        assert filtered.status_code == 400


class TestMeterPointSearch:
    @pytest.mark.parametrize("typed", ["12 0002 3305 967", "f75a00802"])
    @pytest.mark.parametrize("listed", ["meterpoint", "meter"])
    def test_opens_the_page_of_the_only_hit(
        self, staff: test.Client, typed: str, listed: str
    ) -> None:
        response = staff.get(f"/warehouse/{listed}/", {"q": typed})

        assert response.status_code == 302
        location = response["Location"].partition("#")[0]
        assert location == "/warehouse/meterpoint/1200023305967/change/"

    def test_lists_all_meter_points_with_one_serial_number(self, staff: test.Client) -> None:
        twin = models.Meter.objects.create(
            id=1,
            mpan_core="2000055433806",
            serial_key="F75A00802",
            serial_number="F75A00802",
        )

        points = staff.get("/warehouse/meterpoint/", {"q": "F75A 00802"})
        meters = staff.get("/warehouse/meter/", {"q": "F75A 00802"})
        readings = staff.get(READINGS, {"q": "F75A 00802"})

        assert [row[0] for row in cells(points)] == ["1200023305967", "2000055433806"]
        assert {row[1] for row in cells(meters)} == {"1200023305967", "2000055433806"}
        assert f"/warehouse/meterpoint/2000055433806/change/#meter-{twin.pk}" in (
            readings.content.decode()
        )
        # The twin has no readings; those of other meters at its meter point are not its.
        assert [row[-9] for row in cells(readings)] == ["1200023305967"]

    def test_tells_that_there_are_more_than_it_shows(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(search, "MOST_METERS", 3)
        just_enough = staff.get("/warehouse/meter/", {"q": "d0"})
        monkeypatch.setattr(search, "MOST_METERS", 2)
        more = staff.get("/warehouse/meter/", {"q": "d0"})

        assert "type more of it" not in just_enough.content.decode()
        assert "These are the first 2 meters; type more of it." in more.content.decode()
        assert [row[0] for row in cells(more)] == ["D0248417", "D03A 09936"]

    def test_lists_the_hits_of_a_beginning(self, staff: test.Client) -> None:
        response = staff.get("/warehouse/meter/", {"q": "d0"})

        assert [row[0] for row in cells(response)] == ["D0248417", "D03A 09936", "D03L80840"]


class TestParts:
    def test_of_digits_open_the_meter_that_has_letters_before_them(
        self, staff: test.Client
    ) -> None:
        models.Meter.objects.create(
            id=1, mpan_core="2000055433806", serial_key="E51070", serial_number="E51070"
        )

        response = staff.get("/warehouse/meterpoint/", {"q": "51070"})

        assert response["Location"] == "/warehouse/meterpoint/2000055433806/change/#meter-1"

    # The index knows the last seven characters, so shorter, as long and longer.
    @pytest.mark.parametrize(
        ("typed", "found"),
        [
            ("8A1", ["Y18A1"]),
            ("117018A2", ["X117018A2", "Y117018A2", "ZZ117018A2"]),
            ("17018A2", ["X117018A2", "Y117018A2", "Z217018A2", "ZZ117018A2"]),
            ("7018A2", ["X117018A2", "Y117018A2", "Z217018A2", "ZZ117018A2"]),
            ("Z117018A2", ["ZZ117018A2"]),
            ("Q117018A2", []),
        ],
    )
    @pytest.mark.django_db
    def test_of_endings_find_meters(self, typed: str, found: list[str]) -> None:
        stored = ["X117018A2", "Y117018A2", "ZZ117018A2", "Z217018A2", "Y18A1", "117018A2B"]
        models.Meter.objects.bulk_create(
            models.Meter(
                id=number, mpan_core="2000055433806", serial_key=serial, serial_number=serial
            )
            for number, serial in enumerate(stored, 1)
        )

        assert [meter.serial_key for meter in search.look_up(typed).meters] == [
            *([stored[-1]] if typed == "117018A2" else []),
            *found,
        ]

    def test_of_an_mpan_list_meter_points(self, staff: test.Client) -> None:
        response = staff.get("/warehouse/meterpoint/", {"q": "12 0002 33"})

        assert [row[0] for row in cells(response)] == ["1200023305967", "1200023306032"][:1]
        assert "Meter points whose MPAN begins with 12000233" in response.content.decode()

    @pytest.mark.parametrize(
        ("typed", "meant"),
        [("F75AOO8O2", "1200023305967"), ("I2OO0233O5967", "1200023305967")],
        ids=["serial number", "MPAN"],
    )
    def test_mistaken_for_one_another_are_told(
        self, staff: test.Client, typed: str, meant: str
    ) -> None:
        page = staff.get("/warehouse/meterpoint/", {"q": typed}).content.decode()

        assert "Did you mean this?" in page
        assert f"/warehouse/meterpoint/{meant}/change/" in page

    def test_are_looked_up_by_index(self, staff: test.Client) -> None:
        with db.connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        with test.utils.CaptureQueriesContext(db.connection) as asked:
            staff.get("/warehouse/meterpoint/", {"q": "12345"})

        statements = [one["sql"] for one in asked if 'FROM "meter' in one["sql"]]
        assert len(statements) >= 4
        for statement in statements:
            with db.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Index Cond" in plan, plan


class TestLists:
    @pytest.mark.parametrize(
        "typed",
        [
            "1200023305967, d13c01717",
            "1200023305967; D13C 01717\r\n",
            "1200023305967\nD13C01717,,",
        ],
        ids=["commas", "semicolons", "lines"],
    )
    def test_find_item_by_item(self, staff: test.Client, typed: str) -> None:
        points = staff.get("/warehouse/meterpoint/", {"q": typed})
        readings = staff.get(READINGS, {"q": typed})
        taken = staff.get(f"{READINGS}download/", {"q": typed})

        found = ["1200023305967", "2000055433806"]
        assert [row[0] for row in cells(points)] == found
        assert "2 of 2 found" in points.content.decode()
        assert {row[-9] for row in cells(readings)} == set(found)
        lines = b"".join(taken.streaming_content).decode().splitlines()  # type: ignore[attr-defined] # it is streamed
        assert {line[:13] for line in lines[1:]} == set(found)
        looks = audits.LookUp.objects.filter(looked_at=codes.LookedAt.DOWNLOAD)
        assert {look.mpan_core for look in looks} == set(found)

    def test_are_told_apart_where_lines_ran_together(self, staff: test.Client) -> None:
        page = staff.get("/warehouse/meterpoint/", {"q": "12000233059672000055433806"})

        assert [row[0] for row in cells(page)] == ["1200023305967", "2000055433806"]

    def test_tell_what_is_missing_and_what_is_too_much(
        self, staff: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(terms, "MOST_ITEMS", 3)

        page = staff.get("/warehouse/meterpoint/", {"q": "1200023305967, <x1>, y2, z3"})

        text = page.content.decode()
        assert "1 of 3 found" in text
        assert "Only the first 3 of 4 were looked up." in text
        assert "Nothing is found for &lt;x1&gt;, y2." in text


class TestNextSearch:
    @pytest.mark.parametrize("address", ["/warehouse/reading/", "/warehouse/flowfile/"])
    def test_is_at_the_top_of_each_page(self, staff: test.Client, address: str) -> None:
        page = staff.get(address).content.decode()

        assert '<form id="find-next" method="get" action="/warehouse/meterpoint/"' in page

    def test_is_not_offered_to_whom_nothing_is_shown(
        self, newcomer: test.Client, client: test.Client
    ) -> None:
        assert "find-next" not in newcomer.get("/password_change/").content.decode()
        assert "find-next" not in client.get("/login/").content.decode()


class TestNotFoundHelp:
    def test_tells_a_valid_mpan_that_is_not_stored(self, staff: test.Client) -> None:
        response = staff.get(READINGS, {"q": "1012345678903"})

        assert "No meter point has the MPAN 1012345678903." in response.content.decode()
        assert "check digit is right" in response.content.decode()
        assert "Try the serial number of the meter" in response.content.decode()

    def test_tells_a_failed_check_digit_and_the_mpan_that_was_meant(
        self, staff: test.Client
    ) -> None:
        response = staff.get(READINGS, {"q": "1200023305697"})

        assert "It is mistyped" in response.content.decode()
        assert "/warehouse/meterpoint/1200023305967/change/" in response.content.decode()

    def test_tells_meters_whose_serial_numbers_begin_alike(self, staff: test.Client) -> None:
        response = staff.get(READINGS, {"q": "F75A 00803"})

        assert "F75A 00802 at 1200023305967" in response.content.decode()
        assert "at 2000055433806" not in response.content.decode()

    def test_offers_nothing_to_take_away(self, staff: test.Client) -> None:
        found = staff.get(READINGS, {"q": "F75A 00802"}).content.decode()
        nothing = staff.get(READINGS, {"q": "F75A 00803"}).content.decode()

        for offered in ("/warehouse/reading/download/", 'name="action"'):
            assert offered in found
            assert offered not in nothing

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ("120002305967", "Known MPANs with one digit more:"),
            ("200023305967", "Known MPANs with one digit more:"),
            ("12000233055967", "Known MPANs with one digit less:"),
            ("12-0002-3305-967-1", "Known MPANs with one digit less:"),
        ],
        ids=["dropped", "first dropped", "doubled", "one more behind"],
    )
    def test_tells_the_mpan_that_has_a_digit_more_or_less(
        self,
        staff: test.Client,
        django_assert_num_queries: fixtures.DjangoAssertNumQueries,
        typed: str,
        told: str,
    ) -> None:
        staff.get(READINGS)

        # Session, user, the serial number, its beginning, its ending, the beginning of an MPAN if
        # they are fewer digits, the MPANs near it.
        with django_assert_num_queries(6 if len(re.sub("[^0-9]", "", typed)) > 12 else 7):
            response = staff.get(READINGS, {"q": typed})

        page = response.content.decode()
        assert told in page
        assert "/warehouse/meterpoint/1200023305967/change/" in page
        assert page.count("/warehouse/meterpoint/1") == 1

    @pytest.mark.parametrize("typed", ["99999999999", "999999999999999", "9" * 12, "9" * 14])
    def test_tells_no_mpan_that_is_further_away(self, staff: test.Client, typed: str) -> None:
        page = staff.get(READINGS, {"q": typed}).content.decode()

        assert f"An MPAN has 13 digits, here are {len(typed)}." in page
        assert "Known MPANs" not in page

    def test_counts_the_digits_of_an_mpan_cut_short(self, staff: test.Client) -> None:
        response = staff.get(READINGS, {"q": "120002330596"})

        assert "An MPAN has 13 digits, here are 12." in response.content.decode()
