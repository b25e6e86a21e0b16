from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import playwright.sync_api as playwright
import pytest
from django import db, test
from django.contrib.auth import models as auth_models
from django.core import management
from pytest_django import live_server_helper

from tests.browser import demo


PASSWORD = "correct horse battery staple"  # noqa: S105 - of a test
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def base_url() -> None:
    """Stand in for a plugin's fixture, which warns under pytest 9; addresses are whole here."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the system's Chromium, which fetches nothing by itself."""
    if CHROMIUM is None:
        if os.environ.get("D0010_REQUIRE_BROWSER"):
            pytest.fail("D0010_REQUIRE_BROWSER is set and there is no Chromium")
        pytest.skip("needs a Chromium: apt-get install chromium")
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",  # root has none
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }


@pytest.fixture(scope="session", autouse=True)
def _beside_an_event_loop(
    django_db_setup: None,  # noqa: ARG001 - connects
) -> Iterator[None]:
    # The browser's driver runs one in this thread to the end of the session, and Django takes
    # all that comes after it for async code, which has connections of its own. Those of before
    # would stay open, out of reach.
    db.connections.close_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


# For the session, since the server that all tests share reads its settings once.
@pytest.fixture(scope="session", autouse=True)
def _served_without_tls() -> Iterator[None]:
    with test.override_settings(
        SECURE_SSL_REDIRECT=False, SESSION_COOKIE_SECURE=False, CSRF_COOKIE_SECURE=False
    ):
        yield


@pytest.fixture
def site(
    browser_type_launch_args: dict[str, Any],  # noqa: ARG001 - skips before a server starts
    live_server: live_server_helper.LiveServer,
    tmp_path: pathlib.Path,
) -> str:
    """Return the address of a server with the demonstration files and two users."""
    files = sorted(demo.write(tmp_path).iterdir())
    with pytest.raises(SystemExit):  # for what the files have wrong
        management.call_command("load_d0010", *map(str, files), batch=True)
    stella = auth_models.User.objects.create_user("stella", password=PASSWORD, is_staff=True)
    stella.groups.add(auth_models.Group.objects.get(name="Support"))
    return live_server.url


def log_in(page: playwright.Page, site: str, name: str = "stella") -> None:
    page.goto(site)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.fixture
def support(page: playwright.Page, site: str) -> playwright.Page:
    """Return a page on which somebody of the group Support is logged in."""
    log_in(page, site)
    return page
