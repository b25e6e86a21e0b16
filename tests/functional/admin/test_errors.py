"""What people see where something goes wrong, and what the log and the browser are told."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django import http, test, urls
from django.core import exceptions
from django.test import utils

from etl.config import errors, policies
from etl.config import urls as project_urls
from tests import depth
from warehouse import audits


SECRET = "password=hunter2 of 1200023305967"  # noqa: S105 - what an error could hold


def _refuse(_: http.HttpRequest, kind: str) -> http.HttpResponse:
    raise {
        "400": exceptions.SuspiciousOperation,
        "403": exceptions.PermissionDenied,
        "404": http.Http404,
        "500": RuntimeError,
    }[kind](SECRET)


urlpatterns = [urls.path("refuse/<kind>/", _refuse), *project_urls.urlpatterns]
handler400, handler403 = errors.bad_request, errors.permission_denied
handler404, handler500 = errors.page_not_found, errors.server_error


@pytest.fixture
def client() -> Iterator[test.Client]:
    """Return a client whose requests can fail in every way, without a database."""
    with utils.override_settings(ROOT_URLCONF=__name__):
        yield test.Client(raise_request_exception=False)


def _ascii(text: str) -> str:
    return ascii(text[:10])


class TestErrorPage:
    @pytest.mark.parametrize(
        ("code", "heading"),
        [
            (400, "This request is not valid"),
            (403, "You may not do that"),
            (404, "There is no such page"),
            (500, "Something went wrong"),
        ],
    )
    def test_tells_what_is_wrong_and_the_way_back_without_a_database(
        self, client: test.Client, code: int, heading: str
    ) -> None:
        client.cookies["sessionid"] = "of somebody who was logged in"

        response = client.get(f"/refuse/{code}/")

        page = response.content.decode()
        assert response.status_code == code
        assert f"<h1>{heading}</h1>" in page
        assert 'href="/">To the start page</a>' in page
        assert "warehouse/pages.css" in page
        assert "hunter2" not in page

    def test_is_shown_for_a_form_that_was_not_asked_for(self, db: None) -> None:  # noqa: ARG002 - needed for its effect
        client = test.Client(enforce_csrf_checks=True)

        response = client.post("/login/", {"username": "ada", "password": "ada"})

        assert response.status_code == 403
        assert "<h1>This form is out of date</h1>" in response.content.decode()

    def test_is_shown_for_a_host_that_is_not_served(self, client: test.Client) -> None:
        response = client.get("/login/", headers={"host": "evil.example"})

        assert response.status_code == 400
        assert "is not valid" in response.content.decode()
        assert "evil.example" not in response.content.decode()


class TestLog:
    def test_has_the_traceback_of_an_error(
        self, client: test.Client, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (handler,) = logging.getLogger("django").handlers
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(sys.stderr)  # that of this test

        client.get("/refuse/500/")

        logged = capsys.readouterr().err
        assert "ERROR django.request: Internal Server Error: /refuse/500/" in logged
        assert f"RuntimeError: {SECRET}" in logged
        assert "in _refuse" in logged


class TestHeaders:
    @pytest.mark.parametrize(
        "path",
        ["/login/", "/", "/healthz", "/admin/", "/nowhere/", "/refuse/400/", "/refuse/500/"],
    )
    def test_are_on_every_answer(self, client: test.Client, db: None, path: str) -> None:  # noqa: ARG002 - needed for its effect
        response = client.get(path)

        policy = response["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "camera=()" in response["Permissions-Policy"]
        assert response["X-Frame-Options"] == "DENY"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "same-origin"

    def test_are_on_a_redirect_to_tls_and_on_a_download(self, staff: test.Client) -> None:
        with utils.override_settings(SECURE_SSL_REDIRECT=True):
            redirected = test.Client().get("/login/")

        downloaded = staff.get("/warehouse/reading/download/?q=1")

        assert redirected["Location"] == "https://testserver/login/"
        for response in (redirected, downloaded):
            assert policies.HEADERS.items() <= dict(response.items()).items()

    def test_leave_a_developers_error_page_its_own_styles(self, client: test.Client) -> None:
        with utils.override_settings(DEBUG=True):
            response = client.get("/refuse/500/")

        assert b"<style>" in response.content
        assert "Content-Security-Policy" not in response


class TestCookie:
    @pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages"])
    @pytest.mark.parametrize("value", ['"12345678\\000"', "x" * 4_000, "\xe9" * 32], ids=_ascii)
    def test_that_is_nonsense_is_as_good_as_none(
        self,
        client: test.Client,
        db: None,  # noqa: ARG002 - needed for its effect
        name: str,
        value: str,
    ) -> None:
        response = client.get("/", headers={"cookie": f"{name}={value}"})

        assert response.status_code == 302
        assert response["Location"] == "/login/?next=/"


class TestTicked:
    @pytest.mark.parametrize(
        "nonsense",
        depth.some(["abc", "", "1\0", "9" * 5_000, "1;2", "\u202eabc"], one_of=3, first=2),
        ids=_ascii,
    )
    @pytest.mark.parametrize(
        ("listed", "action"),
        [
            ("warehouse/flowfile", "transform_pending"),
            ("warehouse/reading", "download_selected"),
            ("auth/user", "delete_selected"),
            ("auth/group", "delete_selected"),
        ],
    )
    def test_that_is_nonsense_is_refused_with_a_message(
        self, staff: test.Client, listed: str, action: str, nonsense: str
    ) -> None:
        response = staff.post(f"/{listed}/", {"action": action, "_selected_action": [nonsense]})

        assert response.status_code == 400
        assert "is no row of this list, so nothing was done" in response.content.decode()
        assert "\u202e" not in response.content.decode()
        assert not audits.LookUp.objects.exists()

    @pytest.mark.parametrize(
        "posted",
        depth.some(
            [
                {"_selected_action": "9" * 30},
                {"_selected_action": "-1"},
                {"_selected_action": "\u0661"},
                {"_selected_action": "1", "index": "abc"},
                {"_selected_action": "1", "index": "9" * 30},
                {"_selected_action": "1", "select_across": "abc\0"},
                {"_selected_action": "1", "action": "\0"},
                {"_selected_action": "1", "action": ["transform_pending", "delete_selected"]},
            ],
            one_of=2,
        ),
        ids=ascii,
    )
    def test_with_other_nonsense_is_no_error(
        self, staff: test.Client, posted: dict[str, str | list[str]]
    ) -> None:
        for listed in ("warehouse/flowfile", "warehouse/reading", "warehouse/lookup", "auth/user"):
            response = staff.post(f"/{listed}/", {"action": "transform_pending", **posted})

            assert response.status_code in {302, 400, 403}, listed
        assert not audits.LookUp.objects.exists()

    def test_too_much_at_once_is_refused(self, staff: test.Client) -> None:
        ids = [str(number) for number in range(2_000)]

        response = staff.post(
            "/warehouse/flowfile/", {"action": "transform_pending", "_selected_action": ids}
        )

        assert response.status_code == 400


NONSENSE = ("abc", "%00", "9" * 5_000, "-1", "1_2F0", "%D9%A1", "..%2F..", "1%0A2", "'--")
OF_A_QUERY = (
    *("q", "p", "o", "all", "e", "file", "status", "arrived", "issues", "sender", "page", "code"),
    *("item", "severity", "_to_field", "_popup", "id__exact", "format", "next"),
)


class TestAddress:
    @pytest.mark.parametrize(
        "nonsense", depth.some([*depth.some(NONSENSE, one_of=2)], one_of=2), ids=_ascii
    )
    def test_that_is_nonsense_is_no_error(self, staff: test.Client, nonsense: str) -> None:
        methods = ("GET", "POST", "HEAD", "PUT") if depth.is_thorough() else ("GET",)
        for path in _addresses_with_a_place():
            for method in methods:
                response = staff.generic(method, path.format(nonsense))

                assert response.status_code < 500, (method, path)

    @pytest.mark.parametrize(
        "name",
        ["them all", *(pytest.param(name, marks=pytest.mark.thorough) for name in OF_A_QUERY)],
    )
    def test_with_a_query_that_is_nonsense_is_no_error(
        self, staff: test.Client, name: str
    ) -> None:
        names = OF_A_QUERY if name == "them all" else (name,)
        for nonsense in (*NONSENSE, "2026-99") if depth.is_thorough() else ("%00", "9" * 5_000):
            query = "&".join(f"{name}={nonsense}" for name in names)
            for path in _lists():
                response = staff.get(f"{path}?{query}")
                _ = response.getvalue() if response.streaming else b""

                assert response.status_code < 500, (path, query)


def _paths() -> Iterator[str]:
    """Yield the addresses of the project, each place in them as `%(name)s`."""
    resolver = urls.get_resolver("etl.config.urls")
    _, of_admin = resolver.namespace_dict["admin"]
    named: Any
    for named in (resolver.reverse_dict, of_admin.reverse_dict):
        for ((path, _), *_), *_ in named.values():
            yield f"/{path}"


def _addresses_with_a_place() -> list[str]:
    return sorted({re.sub(r"%\(\w+\)s", "{0}", path) for path in _paths() if "%(" in path})


def _lists() -> list[str]:
    return sorted({path for path in _paths() if "%(" not in path})


def test_all_addresses_are_tried() -> None:
    assert "/warehouse/flowfile/{0}/change/" in _addresses_with_a_place()
    assert "/warehouse/reading/download/" in _lists()
