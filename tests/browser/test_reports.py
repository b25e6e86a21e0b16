"""A report that finds its rows step by step, as somebody sees it who waits for them."""

from __future__ import annotations

import re

import playwright.sync_api as playwright
import pytest

from tests import builder
from warehouse.admin import gaps


pytestmark = pytest.mark.django_db
expect = playwright.expect

MPANS = sorted([builder.MPAN, builder.OTHER_MPAN, builder.THIRD_MPAN])


@pytest.fixture(autouse=True)
def _step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gaps.AT_ONCE, "gaps", 1)
    monkeypatch.setattr(gaps, "FURTHER", 1)


def _mpans(page: playwright.Page) -> list[str]:
    return page.locator("#found tbody td:first-child").all_inner_texts()


class TestReport:
    def test_is_looked_through_until_the_page_is_full(
        self, support: playwright.Page, site: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gaps, "MOST_ROWS", 2)

        support.goto(f"{site}/gaps/?days=1")
        behind = support.get_by_role("link", name="Go on behind")
        expect(behind).to_be_visible()
        first = _mpans(support)
        expect(support.get_by_role("status")).to_contain_text("Looked through 2")
        behind.click()
        expect(support.locator(".looked")).to_contain_text("3 meter points, to the last one")

        assert [first, _mpans(support)] == [MPANS[:2], MPANS[2:]]

    @pytest.mark.thorough
    def test_can_be_stopped_and_gone_on_with(self, support: playwright.Page, site: str) -> None:
        held: list[playwright.Route] = []

        def hold(route: playwright.Route) -> None:
            held.append(route)

        support.route(re.compile("part=found"), hold)
        support.goto(f"{site}/gaps/?days=1")
        stop = support.get_by_role("button", name="Stop looking further")
        further = support.get_by_role("link", name="Look further")
        expect(further).to_be_hidden()

        stop.focus()
        support.keyboard.press("Enter")
        held.pop().continue_()
        expect(further).to_be_focused()
        expect(stop).to_be_hidden()
        assert (_mpans(support), held) == (MPANS[:2], [])

        support.unroute(re.compile("part=found"))
        support.keyboard.press("Enter")
        expect(support.locator(".looked")).to_contain_text("to the last one")
        assert _mpans(support) == MPANS

    @pytest.mark.thorough
    def test_offers_a_link_where_a_step_fails(self, support: playwright.Page, site: str) -> None:
        support.route(re.compile("part=found"), lambda route: route.abort())
        support.goto(f"{site}/gaps/?days=1")

        further = support.get_by_role("link", name="Look further")
        expect(further).to_be_visible()
        assert _mpans(support) == MPANS[:1]
