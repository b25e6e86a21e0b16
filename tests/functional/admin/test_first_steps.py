"""What people are told before there is anything: no file, no rights."""

from __future__ import annotations

import html

import pytest
from django import test
from django.contrib.auth import models as auth_models

from tests.functional.admin import flow_files


COMMAND = "uv run manage.py load_d0010 --batch tests/flow_files/*.uff"
pytestmark = pytest.mark.django_db


class TestEmptyStore:
    def test_says_what_to_load(self, support: test.Client) -> None:
        page = support.get("/").content.decode()

        assert COMMAND in page
        assert "upload flow files" not in page

    def test_offers_an_upload_to_those_who_may(self, operations: test.Client) -> None:
        assert ">upload flow files</a>" in operations.get("/").content.decode()

    @pytest.mark.parametrize("path", ["/gaps/", "/jumps/"])
    def test_has_no_gaps(self, support: test.Client, path: str) -> None:
        assert "No file has been loaded." in support.get(path).content.decode()

    @pytest.mark.usefixtures("_sample")
    def test_is_none_with_a_file(self, support: test.Client) -> None:
        assert flow_files.SAMPLE.exists()
        assert COMMAND not in support.get("/").content.decode()


class TestLogin:
    def test_says_that_it_has_no_staff_status(self, client: test.Client) -> None:
        auth_models.User.objects.create_user("olaf", password="olaf")  # noqa: S106 - of a test

        told = client.post("/login/", {"username": "olaf", "password": "olaf"})
        wrong = client.post("/login/", {"username": "olaf", "password": "x"})

        page = html.unescape(told.content.decode())
        assert "has no staff status" in page
        assert "manage.py make_user olaf --group Support" in page
        assert "staff status" not in wrong.content.decode()
