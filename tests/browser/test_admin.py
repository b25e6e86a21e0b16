from __future__ import annotations

import csv
import datetime
import pathlib
import re
from typing import Any

import playwright.sync_api as playwright
import pytest
from axe_playwright_python import sync_playwright as axe

from tests import depth
from tests.browser import conftest, demo
from warehouse import codes, models


pytestmark = pytest.mark.django_db

METER_POINT = f"/warehouse/meterpoint/{demo.MPAN}/change/"
expect = playwright.expect


def _search(page: playwright.Page, text: str) -> None:
    page.get_by_label("MPAN or meter serial number").fill(text)
    page.get_by_role("button", name="Search").click()


class TestSupport:
    @pytest.mark.thorough
    def test_goes_from_a_call_to_the_raw_line(self, page: playwright.Page, site: str) -> None:
        conftest.log_in(page, site)

        # The start page takes an MPAN as it stands on the bill and opens its page.
        _search(page, "12 0002 3305 967")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Meter point {demo.MPAN}")

        # The answer stands first; the history has value, date and file.
        latest = page.locator(".card").first
        expect(latest).to_contain_text("57999.0")
        expect(latest).to_contain_text("1 Jul 2016")
        row = page.locator("tr.current", has_text="57999.0")
        expect(row).to_contain_text("18 visited.uff")

        # From there to the line as it came.
        row.get_by_role("link", name=re.compile("line")).click()
        expect(page.locator("tr.wanted")).to_contain_text("030|S|20160701000000|57999.0|")

    @pytest.mark.thorough
    def test_searches_by_serial_number(self, support: playwright.Page, site: str) -> None:
        support.goto(site)
        _search(support, "F75A 00802")

        expect(support.get_by_role("heading", level=1)).to_have_text(f"Meter point {demo.MPAN}")

    @pytest.mark.thorough
    def test_is_helped_when_nothing_is_found(self, support: playwright.Page, site: str) -> None:
        support.goto(site)
        _search(support, "1200023305697")

        expect(support.locator(".answer")).to_contain_text("mistyped")
        support.locator(".answer").get_by_role("link", name=demo.MPAN).click()
        expect(support.get_by_role("heading", level=1)).to_have_text(f"Meter point {demo.MPAN}")

    @pytest.mark.thorough
    def test_sees_what_arrived_and_what_needs_somebody(
        self, support: playwright.Page, site: str
    ) -> None:
        support.goto(site)
        needs = support.get_by_role("region", name="Needs attention").first
        arrived = support.get_by_role("region", name="Arrived").first

        expect(needs).to_contain_text("cut short.uff")
        expect(arrived).to_contain_text("OTHR")

    @pytest.mark.thorough
    def test_can_change_nothing(self, support: playwright.Page, site: str) -> None:
        for path in ("/warehouse/reading/", "/warehouse/flowfile/", METER_POINT):
            support.goto(site + path)
            expect(support.locator(".addlink, .deletelink, [name=_save]")).to_have_count(0)

        # A POST made by hand, with the user's own cookies and token.
        status = support.evaluate(
            """async (address) => (await fetch(address, {
                method: "POST",
                headers: {"X-CSRFToken": document.cookie.match(/csrftoken=([^;]+)/)[1]},
                body: new URLSearchParams({_save: "Save"}),
            })).status""",
            METER_POINT,
        )
        assert status == 403

    @pytest.mark.thorough
    def test_takes_away_what_is_on_the_screen(
        self, support: playwright.Page, site: str, tmp_path: pathlib.Path
    ) -> None:
        support.goto(f"{site}/warehouse/reading/?q=F75A00802")
        shown = support.locator("#result_list tbody tr")
        on_screen = [
            [shown.nth(place).locator(f".field-{column}").inner_text() for column in ON_SCREEN]
            for place in range(shown.count())
        ]
        moments = [
            shown.nth(place).locator("time").get_attribute("datetime")
            for place in range(shown.count())
        ]

        with support.expect_download() as download:
            support.get_by_role("link", name="Download as CSV").click()

        path = tmp_path / "readings.csv"
        download.value.save_as(path)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["read_at"] for row in rows] == moments
        assert [_as_on_screen(row) for row in rows] == on_screen
        assert len(rows) == 7
        # What the list has no room for stands on the page of each reading.
        for place, row in depth.some([*enumerate(rows)], one_of=4):
            shown.nth(place).locator(".field-register_reading a").click()
            for column, label in ON_PAGE.items():
                fact = support.locator(".form-row", has_text=label).first
                expect(fact).to_contain_text(row[column] or "–")  # noqa: RUF001 - a dash, as pages have it
            support.go_back()

    @pytest.mark.thorough
    def test_copies_the_text_for_a_sender(self, support: playwright.Page, site: str) -> None:
        support.context.grant_permissions(["clipboard-read", "clipboard-write"])
        file_id = models.FlowFile.objects.get(file_name__contains="partly").pk
        support.goto(f"{site}/warehouse/flowfile/{file_id}/change/")

        support.get_by_role("button", name="Copy the text for the sender").click()

        expect(support.get_by_text("Copied")).to_be_visible()
        copied = support.evaluate("navigator.clipboard.readText()")
        assert copied == support.locator("#sender-text").text_content()
        assert "line 4: 20160332000000" in copied

    def test_selects_what_is_on_the_page(self, support: playwright.Page, site: str) -> None:
        support.goto(f"{site}/warehouse/reading/?q={demo.MPAN}")
        boxes = support.locator("#result_list tbody tr").count()

        support.get_by_label("Select all objects on this page for an action").check()

        expect(support.locator(".actions")).to_contain_text(f"{boxes} of {boxes} selected")
        expect(support.locator(".actions")).not_to_contain_text("Select all")
        assert boxes > 1


# The columns of the list, in their order, and those of the CSV that they show.
ON_SCREEN = {
    "mpan": "mpan_core",
    "serial_number": "serial_number",
    "register_identifier": "register",
    "read": "read_at",
    "register_reading": "value",
    "type_in_words": "reading_type",
    "validation_in_words": "validation_status",
    "file": "file_name",
}
# The other columns of the CSV, and their labels on the page of a reading.
ON_PAGE = {
    "reading_flag": "Flag",
    "reading_method": "Method",
    "reason_code": "Reason it was suspect",
    "reading_status": "Status after checking",
    "md_reset_at": "Last reset",
    "md_reset_count": "Number of resets",
    "line_number": "Line",
}


def _as_on_screen(row: dict[str, str]) -> list[str]:
    """Write a row of the CSV as the list does: UK dates, codes in words."""
    moment = datetime.datetime.fromisoformat(row["read_at"])
    in_words = {
        "read_at": f"{moment.day} {moment:%b %Y}",  # all are of midnight
        "reading_type": f"{codes.ReadingType(row['reading_type']).label} ({row['reading_type']})",
        "validation_status": (
            f"{codes.ValidationStatus(row['validation_status']).label}"
            f" ({row['validation_status']})"
        ),
    }
    return [in_words.get(column, row[column]) for column in ON_SCREEN.values()]


class TestMeterPoint:
    def test_is_narrowed_without_drawing_it_anew(
        self, support: playwright.Page, site: str
    ) -> None:
        support.goto(site + METER_POINT)
        support.evaluate("document.querySelector('.cards').dataset.stays = 'yes'")

        support.get_by_label("Standing").select_option("taken back")
        support.get_by_role("button", name="Show").click()

        expect(support.locator("table.history tbody tr")).to_have_count(1)
        expect(support.locator(".cards[data-stays]")).to_be_visible()
        assert support.url.endswith("/change/?standing=withdrawn#history")
        support.go_back()
        expect(support.locator("table.history tbody tr").nth(5)).to_be_visible()

    @pytest.mark.thorough
    def test_tells_marks_of_a_chart_by_keys_and_by_touch(
        self, support: playwright.Page, site: str
    ) -> None:
        support.goto(site + METER_POINT)
        plot = support.locator(".plot").first

        plot.focus()
        support.keyboard.press("ArrowRight")
        expect(plot.locator(".told")).to_contain_text("a day, 1 Jan 2013 to 1 Apr 2013")
        support.keyboard.press("End")
        expect(plot.locator(".told")).to_contain_text("to 1 Jul 2016")
        plot.locator("svg").click(position={"x": 5, "y": 100})
        expect(plot.locator(".told")).to_contain_text("1 Jan 2013")


class TestPages:
    @pytest.mark.parametrize(
        ("width", "one_of"),
        [
            pytest.param(380, 6, id="phone"),
            pytest.param(1280, 6, id="desktop", marks=pytest.mark.thorough),
        ],
    )
    def test_fits_the_screen(
        self, support: playwright.Page, site: str, width: int, one_of: int
    ) -> None:
        support.set_viewport_size({"width": width, "height": 800})
        widths = {}

        for path in depth.some(_pages(), one_of=one_of):
            support.goto(site + path)
            widths[path] = support.evaluate("document.documentElement.scrollWidth")

        assert widths == dict.fromkeys(widths, width)

    @pytest.mark.thorough
    def test_shows_whole_rows_on_a_phone(self, support: playwright.Page, site: str) -> None:
        support.set_viewport_size({"width": 380, "height": 800})
        for path, selector in (
            (f"/warehouse/reading/?q={demo.MPAN}", ".field-register_reading"),
            (METER_POINT, ".history .number a"),
            ("/warehouse/flowfile/", ".field-arrived"),
            ("/warehouse/lineissue/", ".field-line"),
        ):
            support.goto(site + path)

            box = support.locator(selector).first.bounding_box()

            assert box is not None, path
            assert box["x"] >= 0, path
            assert box["x"] + box["width"] <= 380, path

    @pytest.mark.thorough
    def test_is_dark_where_the_system_is(self, support: playwright.Page, site: str) -> None:
        support.emulate_media(color_scheme="dark")
        support.goto(site + METER_POINT)

        assert support.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(18, 18, 18)"
        )

    @pytest.mark.thorough
    def test_is_searched_without_a_mouse(self, support: playwright.Page, site: str) -> None:
        support.goto(site)
        expect(support.get_by_label("MPAN or meter serial number")).to_be_focused()

        support.keyboard.type("f75a00802")
        support.keyboard.press("Enter")

        expect(support.get_by_role("heading", level=1)).to_have_text(f"Meter point {demo.MPAN}")

    @pytest.mark.thorough
    @pytest.mark.parametrize("width", [800, 380, 768, 1024, 1280])
    def test_has_a_low_header(self, support: playwright.Page, site: str, width: int) -> None:
        support.set_viewport_size({"width": width, "height": 800})
        support.goto(site + METER_POINT)

        assert support.evaluate("document.getElementById('header').offsetHeight") < 130
        assert support.evaluate("document.documentElement.scrollWidth") == width

    @pytest.mark.thorough
    def test_is_led_to_the_search_box_by_a_key(self, support: playwright.Page, site: str) -> None:
        support.goto(site + METER_POINT)

        support.keyboard.press("/")
        expect(support.locator("#find-next-term")).to_be_focused()

        support.keyboard.type("f/")  # there it is a letter like others
        expect(support.locator("#find-next-term")).to_have_value("f/")

    @pytest.mark.thorough
    def test_prints_what_was_found_and_no_more(self, support: playwright.Page, site: str) -> None:
        support.goto(site + METER_POINT)
        support.emulate_media(media="print")

        for left_out in ("#header", ".breadcrumbs", ".ways-on"):
            expect(support.locator(left_out).first).to_be_hidden()
        expect(support.locator(".latest-value").first).to_be_visible()
        support.set_viewport_size({"width": 703, "height": 1000})  # A4 without its margins
        table = support.locator("table.history")
        assert table.evaluate("table => table.scrollWidth") <= 703

    @pytest.mark.parametrize(
        ("color_scheme", "first"), depth.some([("light", 0), ("dark", 3)], one_of=2)
    )
    def test_is_accessible(
        self,
        support: playwright.Page,
        site: str,
        complaints: list[str],
        color_scheme: str,
        first: int,
    ) -> None:
        support.emulate_media(color_scheme=color_scheme)  # type: ignore[arg-type] # one of its literals
        reports = []

        for path in depth.some(_pages(), one_of=16, first=first):
            support.goto(site + path)
            assert complaints == []
            found = axe.Axe().run(support)
            complaints.clear()  # axe sets styles as it measures
            if found.response["violations"]:
                reports.append(f"{path}: {found.generate_report()}")
            reports += [f"{path}: {told}" for told in _undecided(found.response["incomplete"])]

        support.context.clear_cookies()
        support.goto(site + "/login/")
        found = axe.Axe().run(support)
        assert not found.violations_count, found.generate_report()
        assert not reports, "\n".join(reports)


class TestPolicy:
    def test_lets_no_script_or_style_of_a_page_itself_run(
        self, support: playwright.Page, site: str, complaints: list[str]
    ) -> None:
        support.goto(site + METER_POINT)
        assert complaints == []

        directives = support.evaluate(
            """() => new Promise((resolve) => {
                const told = [];
                document.addEventListener("securitypolicyviolation", (event) => {
                    told.push(event.effectiveDirective);
                    if (told.length === 3) resolve(told.sort());
                });
                const make = (name, what) =>
                    document.body.append(Object.assign(document.createElement(name), what));
                make("script", {textContent: "document.title = 'x'"});
                make("style", {textContent: "h1 {}"});
                make("img", {src: "https://evil.example/x.png"});
            })"""
        )

        assert directives == ["img-src", "script-src-elem", "style-src-elem"]
        assert support.title() != "x"
        assert len(complaints) == len(directives)
        complaints.clear()  # those were meant


def _undecided(incomplete: list[dict[str, Any]]) -> list[str]:
    """Return what axe leaves to people and nobody has looked at: see tests/README.md."""
    return [
        f"{check['id']} at {node['target']}, which axe leaves to people"
        for check in incomplete
        for node in check["nodes"]
        if not ("svg" in str(node["target"]) and check["id"] == "color-contrast")
        and not (".app-" in str(node["target"]) and check["id"] == "th-has-data-cells")
    ]


def _pages() -> list[str]:
    file_id = models.FlowFile.objects.get(file_name__contains="partly").pk
    issue_id = models.LineIssue.objects.earliest("id").pk
    reading_id = models.Reading.objects.filter(mpan_core=demo.MPAN).latest("id").pk
    return [
        "/",
        "/nowhere/",
        "/warehouse/lookup/",  # which Support may not see
        "/password_change/",
        "/help/",
        "/gaps/",
        "/jumps/",
        "/warehouse/reading/",
        "/warehouse/reading/?q=F75",
        "/warehouse/reading/?q=1200023305697",
        f"/warehouse/reading/{demo.MPAN}-{reading_id}/change/",
        METER_POINT,
        "/warehouse/meter/",
        "/warehouse/flowfile/",
        f"/warehouse/flowfile/{file_id}/change/",
        f"/etl/stagedline/{(file_id << 32) + 4}/change/",
        "/warehouse/lineissue/",
        f"/warehouse/lineissue/{issue_id}/change/",
        "/warehouse/meterpoint/?q=1012345678903",
        f"/warehouse/meterpoint/{demo.DOUBTFUL_MPAN}/change/",
    ]
