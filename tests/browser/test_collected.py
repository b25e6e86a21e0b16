"""A file that is put on a real sFTP server, as people find it."""

from __future__ import annotations

import io
import os
import pathlib
import re
import subprocess

import playwright.sync_api as playwright
import pytest
from django import test
from django.conf import settings
from django.contrib.auth import models as auth_models
from django.core import management

from tests import builder
from tests.browser import conftest
from tests.faults import sftp_servers


expect = playwright.expect


# pytest-django has it run behind those that only read the site, which it empties.
@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
def test_is_found_after_one_pass_with_where_it_came_from(
    page: playwright.Page, site: str, tmp_path: pathlib.Path
) -> None:
    sent = tmp_path / "sent.uff"
    sent.write_bytes(builder.simple(mpan=builder.OTHER_MPAN, value="4711.0"))

    # Its own client sends it; one pass fetches it.
    with sftp_servers.open_ssh(tmp_path) as sshd:
        sshd.sftp(f"put {sent} {sshd.folder}/sent.uff")
        options = ["--settle", "0.01s", "--inbox", str(tmp_path / "inbox")]
        management.call_command("collect", sshd.source, *map(str, sshd.login), *options)

    # It is found by MPAN, and its file says by which way it came.
    _log_in(page, site, group="Operations")
    page.get_by_label("MPAN or meter serial number").fill(builder.OTHER_MPAN)
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".card").first).to_contain_text("4711.0")
    page.get_by_role("link", name="sent.uff").first.click()
    expect(page.get_by_role("row", name="sent.uff")).to_contain_text("sFTP")
    expect(page.get_by_role("row", name="sent.uff")).to_contain_text(f"{sshd.source}/sent.uff")

    # The same file by curl and by the browser is a duplicate, with a delivery of its own each.
    assert _send_by_curl(site, sent) == "200"
    page.goto(f"{site}/warehouse/flowfile/upload/")
    page.get_by_label("Flow files").set_input_files(sent)
    expect(page.locator("#uploads li")).to_contain_text("duplicate: same content as sent.uff")
    page.get_by_role("link", name="See the file").click()
    origins = page.locator("section:has(#deliveries-heading) tbody td:last-child")
    expect(origins).to_have_text(["upload, olga", "upload, courier", re.compile("^sFTP")])


def _log_in(page: playwright.Page, site: str, *, group: str) -> None:
    olga = auth_models.User.objects.create_user("olga", is_staff=True)
    olga.groups.add(auth_models.Group.objects.get(name=group))
    client = test.Client()
    client.force_login(olga, conftest.MODEL_BACKEND)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": site}])
    page.goto(site)


def _send_by_curl(site: str, path: pathlib.Path) -> str:
    """Send a file with a token of the group Upload, and return the status."""
    told = io.StringIO()
    management.call_command("make_user", "courier", group="Upload", token=True, stdout=told)
    token = told.getvalue().split()[-1]
    return subprocess.check_output(
        [
            *("curl", "--silent", "--noproxy", "*", "--output", os.devnull),
            *("--write-out", "%{http_code}", "--header", f"Authorization: Token {token}"),
            *("--form", f"file=@{path}", f"{site}/api/v1/flow-files/"),
        ],
        text=True,
    )
