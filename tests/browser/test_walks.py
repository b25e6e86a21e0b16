"""
The two walks that the admin is for, from the login on: a call to Support, a morning in Operations.

Each page on the way has to fit the screen, with a header that leaves room for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import playwright.sync_api as playwright
import pytest

from tests import depth
from tests.browser import conftest, demo


pytestmark = pytest.mark.django_db

expect = playwright.expect
Scheme = Literal["light", "dark"]
SCREENS: Sequence[tuple[int, Scheme]] = [
    (width, scheme) for width in (380, 800, 1024, 1280) for scheme in ("light", "dark")
]
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 18, 18)"}


def _is_at(page: playwright.Page, heading: str | re.Pattern[str], scheme: Scheme) -> None:
    """Wait for a page of this heading, and see that it fits the screen."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert page.viewport_size is not None
    seen = page.evaluate(
        """() => [
            document.documentElement.scrollWidth,
            document.getElementById("header").offsetHeight,
            getComputedStyle(document.body).backgroundColor,
        ]"""
    )
    width, header, background = seen
    assert (width, background) == (page.viewport_size["width"], BACKGROUNDS[scheme]), page.url
    assert header < 130, page.url


@pytest.fixture
def at_screen(page: playwright.Page, width: int, scheme: Scheme) -> playwright.Page:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    return page


@pytest.mark.parametrize(("width", "scheme"), depth.some(SCREENS, one_of=8, first=1))
class TestCall:
    def test_leads_from_a_pasted_serial_number_to_the_line_and_back(
        self, at_screen: playwright.Page, site: str, scheme: Scheme
    ) -> None:
        page = at_screen
        conftest.log_in(page, site)
        _is_at(page, "Find a reading", scheme)

        # As it stands in an e-mail: a label, quotes, small letters.
        page.get_by_label("MPAN or meter serial number").fill("Serial no: \u201cf75a 00802\u201d ")
        page.keyboard.press("Enter")
        _is_at(page, f"Meter point {demo.MPAN}", scheme)

        quoted = page.locator(".card", has_text="F75A 00802").locator(".latest-value")
        expect(quoted).to_be_in_viewport()
        expect(quoted).to_have_text("57999.0")
        quoted.click()
        _is_at(page, re.compile("57999.0"), scheme)

        page.get_by_role("link", name=re.compile(r"^line \d+$")).first.click()
        expect(page.locator("tr.wanted")).to_contain_text("030|S|20160701000000|57999.0|")
        _is_at(page, re.compile("[Ll]ine"), scheme)

        page.go_back()
        page.get_by_role("link", name=re.compile(f"^Meter point {demo.MPAN}$")).first.click()
        _is_at(page, f"Meter point {demo.MPAN}", scheme)


@pytest.mark.thorough
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
class TestMorning:
    def test_leads_from_the_start_page_to_what_is_to_be_done_and_back(
        self, at_screen: playwright.Page, site: str, scheme: Scheme
    ) -> None:
        page = at_screen
        conftest.log_in(page, site, conftest.OPERATOR)
        _is_at(page, "Find a reading", scheme)

        # A file that was refused says what to do about it.
        page.get_by_role("link", name=re.compile("cut short.uff$")).first.click()
        _is_at(page, re.compile("cut short.uff$"), scheme)
        expect(page.locator(".outcome")).to_contain_text("the file is cut short")
        expect(page.locator(".outcome")).to_contain_text("Ask the sender for the file again.")

        # One that is loaded in part leads to its rejected line, which does so too.
        page.get_by_role("link", name="Home").click()
        page.get_by_role("link", name=re.compile("partly wrong.uff$")).first.click()
        _is_at(page, re.compile("partly wrong.uff$"), scheme)
        page.get_by_role("link", name="show all bad date").click()
        _is_at(page, re.compile("issues"), scheme)
        page.get_by_role("link", name="bad date", exact=True).first.click()
        _is_at(page, re.compile("Bad date in line 4"), scheme)
        expect(page.locator("#content-main")).to_contain_text("20160332000000")
        expect(page.locator("#content-main")).to_contain_text("What to do")

        # What is missing altogether is on the start page as well.
        page.get_by_role("link", name="Home").click()
        page.get_by_role("link", name="Meter points without readings").click()
        _is_at(page, "Meter points without readings", scheme)
        expect(page.locator("tbody")).to_contain_text(demo.DOUBTFUL_MPAN)
