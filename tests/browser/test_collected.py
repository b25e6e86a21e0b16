"""A file that is put on a real sFTP server, as people find it."""

from __future__ import annotations

import pathlib

import playwright.sync_api as playwright
import pytest
from django.core import management

from tests import builder
from tests.browser import conftest
from tests.faults import sftp_servers


expect = playwright.expect


# pytest-django has it run behind those that only read the site, which it empties.
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
    conftest.log_in(page, site)
    page.get_by_label("MPAN or meter serial number").fill(builder.OTHER_MPAN)
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".card").first).to_contain_text("4711.0")
    page.get_by_role("link", name="sent.uff").first.click()
    expect(page.get_by_role("row", name="sent.uff")).to_contain_text("sFTP")
    expect(page.get_by_role("row", name="sent.uff")).to_contain_text(f"{sshd.source}/sent.uff")
