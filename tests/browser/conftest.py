from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import playwright.sync_api as playwright
import pytest
from django import db, test
from django.conf import settings
from django.contrib.auth import models as auth_models
from django.core import management
from pytest_django import DjangoDbBlocker, live_server_helper

from tests import conftest
from tests.browser import demo


NAME, OPERATOR = "stella", "otto"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a test
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
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


@pytest.fixture(scope="session", autouse=True)
def _none_left_beside_it(
    _beside_an_event_loop: None,
    playwright: playwright.Playwright,  # noqa: ARG001 - runs the loop
) -> Iterator[None]:
    """Close what was connected beside the loop, also by tests behind these, before it ends."""
    yield
    db.connections.close_all()


@pytest.fixture(scope="package", autouse=True)
def _served_without_tls() -> Iterator[None]:
    with test.override_settings(
        SECURE_SSL_REDIRECT=False,
        SESSION_COOKIE_SECURE=False,
        CSRF_COOKIE_SECURE=False,
        ALLOWED_HOSTS=["localhost", "testserver"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # in no time
    ):
        yield


# Made once, and committed; the tests only read.
@pytest.fixture(scope="package")
def site(
    django_db_setup: None,  # noqa: ARG001 - makes the database
    browser_type_launch_args: dict[str, Any],  # noqa: ARG001 - skips before a server starts
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Serve the demonstration files, to Support and Operations; return the address."""
    files = sorted(demo.write(tmp_path_factory.mktemp("demo")).iterdir())
    with django_db_blocker.unblock():
        server = live_server_helper.LiveServer("localhost")
        with pytest.raises(SystemExit):  # for what the files have wrong
            management.call_command("load_d0010", *map(str, files), batch=True)
        for name, group in ((NAME, "Support"), (OPERATOR, "Operations")):
            user = auth_models.User.objects.create_user(name, password=PASSWORD, is_staff=True)
            user.groups.add(auth_models.Group.objects.get(name=group))
        yield server.url
        server.stop()
        conftest.empty_tables()
        db.connections.close_all()


@pytest.fixture(autouse=True)
def complaints(page: playwright.Page) -> Iterator[list[str]]:
    """Fail a test in which the browser refused something of a page, or a script failed."""
    complaints: list[str] = []

    def listen(message: playwright.ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    yield complaints
    assert complaints == []


def log_in(page: playwright.Page, site: str, name: str = NAME) -> None:
    page.goto(site)
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def _key_of(name: str, blocker: DjangoDbBlocker) -> str:
    client = test.Client()
    with blocker.unblock():
        client.force_login(auth_models.User.objects.get(username=name), MODEL_BACKEND)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


@pytest.fixture(scope="package")
def session_key(site: str, django_db_blocker: DjangoDbBlocker) -> str:  # noqa: ARG001 - who logs in
    """Log in once for all tests."""
    return _key_of(NAME, django_db_blocker)


@pytest.fixture(scope="package")
def key_of_operations(site: str, django_db_blocker: DjangoDbBlocker) -> str:  # noqa: ARG001 - who logs in
    return _key_of(OPERATOR, django_db_blocker)


def with_key(context: playwright.BrowserContext, site: str, key: str) -> None:
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": site}])


@pytest.fixture
def support(page: playwright.Page, site: str, session_key: str) -> playwright.Page:
    """Return a page of somebody of the group Support, who is logged in."""
    with_key(page.context, site, session_key)
    return page


@pytest.fixture
def operations(page: playwright.Page, site: str, key_of_operations: str) -> playwright.Page:
    """Return a page of somebody of the group Operations, who is logged in."""
    with_key(page.context, site, key_of_operations)
    return page
