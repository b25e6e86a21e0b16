from __future__ import annotations

import re

import playwright.sync_api as playwright
import pytest
from axe_playwright_python import sync_playwright as axe

from tests import builder
from tests.browser import conftest
from warehouse import models


pytestmark = pytest.mark.django_db

PAGE = "/warehouse/flowfile/upload/"
expect = playwright.expect


def _file(name: str, content: bytes) -> playwright.FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def _new(number: int) -> bytes:
    return builder.simple(f"{number}.0", file_id=f"77000000{number:02}")


class TestUploadPage:
    def test_takes_several_files_by_choice(self, operations: playwright.Page, site: str) -> None:
        operations.goto(f"{site}/warehouse/flowfile/")
        operations.get_by_role("link", name="Upload flow files").click()
        # The script says so where it takes several. A click does not wait for it.
        choice = operations.get_by_label("choose some, or drop them here")
        expect(choice).to_be_visible()
        expect(operations.get_by_role("button", name="Upload")).to_be_hidden()

        choice.set_input_files(
            [
                _file("new.uff", _new(1)),
                _file("again.uff", _new(1)),
                _file("cut.uff", _new(2)[:-40]),
                _file("<img src=x>.gz", b"\x1f\x8bnothing"),
            ]
        )

        lines = operations.locator("#uploads li")
        expect(lines).to_have_count(4)
        expect(lines.nth(3)).to_contain_text("the gzip data is damaged")
        expect(lines.nth(0)).to_contain_text("new.uff loaded (1 reading, 0 rejected lines)")
        expect(lines.nth(1)).to_contain_text("duplicate: same content as new.uff")
        expect(lines.nth(2)).to_contain_text("rejected")
        expect(lines.nth(2)).to_contain_text("Ask the sender for the file again.")
        expect(lines.nth(2).get_by_role("link", name="See the file")).to_be_visible()
        expect(lines.nth(3)).to_contain_text("<img src=x>.gz")
        expect(operations.locator("progress")).to_have_count(0)
        lines.nth(0).get_by_role("link", name="See the file").click()
        expect(operations.get_by_role("heading", level=1)).to_have_text("new.uff")
        expect(operations.locator("#content-main")).to_contain_text("upload, otto")

    @pytest.mark.thorough
    def test_takes_files_that_are_dropped(self, operations: playwright.Page, site: str) -> None:
        operations.goto(site + PAGE)
        dropped = operations.evaluate_handle(
            """(contents) => {
                const data = new DataTransfer();
                contents.forEach((text, place) =>
                    data.items.add(new File([text], `dropped ${place}.uff`)));
                return data;
            }""",
            [_new(3).decode(), _new(4).decode()],
        )

        operations.dispatch_event("#upload", "drop", {"dataTransfer": dropped})

        lines = operations.locator("#uploads li.done")
        expect(lines).to_have_count(2)
        expect(lines.nth(1)).to_contain_text("dropped 1.uff loaded")

    @pytest.mark.thorough
    def test_is_accessible(
        self, operations: playwright.Page, site: str, complaints: list[str]
    ) -> None:
        operations.goto(site + PAGE)
        operations.get_by_label("Flow files").set_input_files([_file("cut.uff", _new(2)[:-40])])
        expect(operations.locator("#uploads li.attention")).to_have_count(1)
        assert complaints == []

        found = axe.Axe().run(operations)

        complaints.clear()  # axe sets styles as it measures
        assert not found.violations_count, found.generate_report()

    @pytest.mark.thorough
    def test_takes_one_file_without_a_script(
        self, browser: playwright.Browser, site: str, key_of_operations: str
    ) -> None:
        context = browser.new_context(java_script_enabled=False)
        conftest.with_key(context, site, key_of_operations)
        page = context.new_page()

        page.goto(site + PAGE)
        page.get_by_label("Flow files").set_input_files(_file("plain.uff", _new(5)))
        page.get_by_role("button", name="Upload").click()

        expect(page.locator(".messagelist")).to_contain_text("Uploaded plain.uff: loaded")
        expect(page.get_by_role("heading", level=1)).to_have_text("plain.uff")

        page.goto(site + PAGE)
        page.get_by_label("Flow files").set_input_files(_file("bad.gz", b"\x1f\x8bnothing"))
        page.get_by_role("button", name="Upload").click()

        expect(page.locator(".messagelist")).to_contain_text("bad.gz: failed, the gzip data")
        assert models.Delivery.objects.get(file_name="plain.uff").brought_by == "otto"
        context.close()

    @pytest.mark.thorough
    def test_is_not_for_support(self, support: playwright.Page, site: str) -> None:
        support.goto(f"{site}/warehouse/flowfile/")

        expect(support.get_by_role("link", name="Upload flow files")).to_have_count(0)
        assert support.goto(site + PAGE).status == 403  # type: ignore[union-attr] # it answers


class TestDocs:
    @pytest.mark.thorough
    def test_can_be_read_and_tried_out_from_this_server_alone(
        self, support: playwright.Page, site: str
    ) -> None:
        asked: list[str] = []
        support.on("request", lambda request: asked.append(request.url))

        support.goto(f"{site}/api/v1/docs/")
        support.get_by_text("/api/v1/meter-points/{mpan}/readings/").click()

        expect(
            support.get_by_text("The readings of a meter point, the oldest first")
        ).to_be_visible()
        operation = support.locator(".opblock", has_text="/api/v1/meters/").first
        operation.click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_placeholder("serial").fill("F75A 00802")
        operation.get_by_role("button", name="Execute").click()

        expect(operation.locator(".live-responses-table")).to_contain_text("1200023305967")
        elsewhere = [url for url in asked if not re.match(rf"{site}/|data:", url)]
        assert elsewhere == []
