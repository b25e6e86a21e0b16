"""
Take the README's screenshots of the demonstration files.

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


@pytest.mark.parametrize(
    ("name", "path", "color_scheme"),
    [
        ("meter_point", f"/warehouse/meterpoint/{demo.MPAN}/change/", "light"),
        ("search", f"/warehouse/reading/?q={demo.MPAN}", "dark"),
    ],
)
def test_take(
    support: playwright.Page, site: str, name: str, path: str, color_scheme: str
) -> None:
    support.emulate_media(color_scheme=color_scheme)  # type: ignore[arg-type] # one of its literals
    support.set_viewport_size({"width": 1180, "height": 900})
    support.goto(site + path)
    support.wait_for_load_state("networkidle")

    FOLDER.mkdir(exist_ok=True)
    support.screenshot(path=FOLDER / f"{name}.png")

    assert (FOLDER / f"{name}.png").stat().st_size < 200_000
