from __future__ import annotations

import gzip
import pathlib

import pytest
from django import test
from django.contrib.admin import models as admin_models
from django.core.files import uploadedfile

from tests import builder
from tests.functional.admin import flow_files
from warehouse import models


REFUSED = {
    "test.uff": builder.flow_file(test_flag="TR01", file_id="1"),
    "reused.uff": builder.simple(value="2.0", file_id="taken"),
    "counts.uff": builder.flow_file(file_id="2", trailer="ZPT|2|9||0|20240201121500|"),
    "both.uff": builder.flow_file(test_flag="TR01", file_id="taken"),
    "cut.uff": builder.flow_file(file_id="3", trailer="026|1|V|"),
}
RULES = {
    "test.uff": "accept_test_files",
    "reused.uff": "accept_reused_file_ids",
    "counts.uff": "accept_wrong_counts",
    "both.uff": "accept_test_files",
}


def _load(folder: pathlib.Path) -> None:
    taken = {"holder.uff": builder.simple(file_id="taken").decode()}
    flow_files.load(folder, taken | {name: text.decode() for name, text in REFUSED.items()})


@pytest.fixture(scope="module")
def _refused(keep: flow_files.Keep) -> None:
    keep(_load)


pytestmark = pytest.mark.usefixtures("_refused")


def _file(name: str) -> models.FlowFile:
    return models.FlowFile.objects.get(file_name=name)


def _accept(client: test.Client, name: str, content: bytes, *rules: str) -> tuple[int, str]:
    """Return the status, and the page that is led to."""
    file = uploadedfile.SimpleUploadedFile(name, content)
    response = client.post(
        f"/warehouse/flowfile/{_file(name).pk}/accept/",
        {"file": file, **dict.fromkeys(rules, "true")},
        follow=True,
    )
    return response.status_code, response.content.decode()


class TestAccept:
    @pytest.mark.parametrize("name", ["test.uff", "reused.uff", "counts.uff"])
    @pytest.mark.django_db(transaction=True)  # as two transforms in one would meet
    def test_loads_the_file_by_the_rule_and_logs_who_did(
        self, operations: test.Client, name: str
    ) -> None:
        page = flow_files.page_of(operations, file_name=name)
        assert f'name="{RULES[name]}" value="true" checked' in page
        assert page.count(" checked>") == 1

        _, page = _accept(operations, name, REFUSED[name], RULES[name])

        assert f"Uploaded {name}: loaded" in page
        assert _file(name).status == "LOADED"
        assert "Accept this file" not in page
        (entry,) = admin_models.LogEntry.objects.all()
        rule = RULES[name].replace("_", " ").capitalize()
        assert (entry.user.username, entry.change_message) == ("otto", f"{rule}: loaded")
        assert (entry.object_id, entry.object_repr) == (f"{_file(name).pk}", str(_file(name)))

    @pytest.mark.django_db(transaction=True)
    def test_takes_several_rules_where_one_is_not_enough(self, operations: test.Client) -> None:
        _accept(operations, "both.uff", REFUSED["both.uff"], RULES["both.uff"])
        assert "J1064" in _file("both.uff").reason

        rules = (RULES["both.uff"], "accept_reused_file_ids")
        _accept(operations, "both.uff", REFUSED["both.uff"], *rules)

        assert _file("both.uff").status == "LOADED"
        told = admin_models.LogEntry.objects.order_by("id").values_list(
            "change_message", flat=True
        )
        assert list(told) == [
            "Accept test files: rejected",
            "Accept test files, accept reused file ids: loaded",
        ]

    @pytest.mark.django_db(transaction=True)
    def test_knows_the_content_however_it_is_packed(self, operations: test.Client) -> None:
        packed = gzip.compress(REFUSED["test.uff"].replace(b"\n", b"\r\n"))

        _accept(operations, "test.uff", packed, RULES["test.uff"])

        assert _file("test.uff").status == "LOADED"

    @pytest.mark.parametrize(
        ("content", "rules", "told"),
        [
            (builder.simple(file_id="9"), ["accept_test_files"], "is not test.uff, but another"),
            (REFUSED["test.uff"], [], "Nothing was accepted"),
            (REFUSED["test.uff"], ["strict"], "Nothing was accepted"),
            (b"\x1f\x8b", ["accept_test_files"], "The file can't be read: "),
            (b"", ["accept_test_files"], "is not test.uff, but another"),
        ],
        ids=["another content", "no rule", "a rule that accepts nothing", "broken gzip", "empty"],
    )
    def test_takes_nothing_else(
        self, operations: test.Client, content: bytes, rules: list[str], told: str
    ) -> None:
        before = [*models.Delivery.objects.values_list("id", "file_name")]

        status, page = _accept(operations, "test.uff", content, *rules)

        assert status == 200
        assert '<li class="error">' in page
        assert told in page.replace("&#x27;", "'")
        assert [*models.Delivery.objects.values_list("id", "file_name")] == before
        assert _file("test.uff").status == "REJECTED"
        assert not admin_models.LogEntry.objects.exists()

    def test_is_not_for_support(self, support: test.Client) -> None:
        assert "Accept this file" not in flow_files.page_of(support, file_name="test.uff")

        status, _ = _accept(support, "test.uff", REFUSED["test.uff"], RULES["test.uff"])

        assert status == 403
        assert _file("test.uff").status == "REJECTED"

    def test_needs_the_token_of_the_form(self, operations: test.Client) -> None:
        operations.handler.enforce_csrf_checks = True

        status, _ = _accept(operations, "test.uff", REFUSED["test.uff"], RULES["test.uff"])

        assert status == 403
        assert _file("test.uff").status == "REJECTED"

    @pytest.mark.parametrize("name", ["cut.uff", "holder.uff"])
    def test_is_not_offered_where_no_rule_helps(self, operations: test.Client, name: str) -> None:
        assert "Accept this file" not in flow_files.page_of(operations, file_name=name)


class TestConflict:
    def test_leads_to_the_file_that_has_the_file_id(self, support: test.Client) -> None:
        page = f"/warehouse/flowfile/{_file('holder.uff').pk}/change/"
        link = f'<a href="{page}">Shares its file id with holder.uff</a>'

        assert link in flow_files.page_of(support, file_name="reused.uff")
        assert link not in flow_files.page_of(support, file_name="test.uff")
        models.FlowFile.objects.filter(file_name="test.uff").update(
            file_identifier="taken", reuses_file_identifier=True, status="LOADED"
        )
        assert link in flow_files.page_of(support, file_name="test.uff")
