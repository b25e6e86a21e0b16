"""
Take the README's screenshot of the demonstration files.

    uv run pytest tests/browser/take_screenshots.py

Not collected by itself, as its name does not begin with `test`.
"""

from __future__ import annotations

import pathlib

import playwright.sync_api as playwright
import pytest

from tests.browser import demo


pytestmark = pytest.mark.django_db

FOLDER = pathlib.Path(__file__).parent / "screenshots"


def test_take(support: playwright.Page, site: str) -> None:
    support.set_viewport_size({"width": 1180, "height": 900})
    support.goto(f"{site}/warehouse/meterpoint/{demo.MPAN}/change/")
    support.wait_for_load_state("networkidle")

    FOLDER.mkdir(exist_ok=True)
    support.screenshot(path=FOLDER / "meter_point.png")

    assert (FOLDER / "meter_point.png").stat().st_size < 200_000
