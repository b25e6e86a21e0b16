from __future__ import annotations

import hashlib
import pathlib
from typing import Any

import pytest
from django import test
from django.core import management
from django.http import StreamingHttpResponse

from tests import builder
from tests.functional.admin import flow_files
from warehouse import audits, models


pytestmark = pytest.mark.usefixtures("_mixed_files")


def _page(name: str) -> str:
    return f"/warehouse/flowfile/{models.FlowFile.objects.get(file_name=name).pk}/"


def _download(client: test.Client, name: str) -> Any:
    response = client.get(f"{_page(name)}content/")
    assert isinstance(response, StreamingHttpResponse)
    return response


class TestOriginalFile:
    @pytest.mark.parametrize("user", ["support", "operations"])
    def test_is_what_came(self, request: pytest.FixtureRequest, user: str) -> None:
        client: test.Client = request.getfixturevalue(user)

        response = _download(client, "good.uff")

        assert response.getvalue() == flow_files.SAMPLE.read_bytes()
        assert response["Content-Type"] == "text/plain"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Disposition"] == 'attachment; filename="good.uff"'

    def test_has_the_hash_of_the_file_where_lines_of_it_were_rejected(
        self, support: test.Client
    ) -> None:
        content = _download(support, "partly.uff").getvalue()

        known = models.FlowFile.objects.get(file_name="partly.uff").sha256
        assert hashlib.sha256(content).hexdigest() == known

    def test_is_recorded(self, support: test.Client) -> None:
        _download(support, "good.uff")

        looks = audits.LookUp.objects.values_list("user_name", "flow_file__file_name", "looked_at")
        assert list(looks) == [("stella", "good.uff", "DOWNLOAD")]

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ('../a "b"\r\n.html', "a_b_.html.uff"),
            ("é.uff", "uff.uff"),
            ("é", None),
            (f"{'x' * 300}.uff", f"{'x' * 100}.uff"),
        ],
        ids=["hostile", "not ASCII", "nothing left", "long"],
    )
    def test_has_a_safe_name(self, support: test.Client, name: str, safe: str | None) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")
        models.FlowFile.objects.filter(id=flow_file.pk).update(file_name=name)

        response = _download(support, name)

        name = safe or f"{flow_file.sha256}.uff"
        assert response["Content-Disposition"] == f'attachment; filename="{name}"'

    def test_is_offered_where_it_is_kept(self, support: test.Client) -> None:
        page = flow_files.page_of(support, file_name="good.uff")

        assert f'<a href="{_page("good.uff")}content/">Original file</a>' in page
        assert "No original file" not in page

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("later.uff", "The raw lines of this file were purged on"),
            ("partly.uff", "A meter point of this file was forgotten, and its raw lines."),
            ("cut short.uff", "The file was rejected before its raw lines were stored."),
            ("refused.uff", "A meter point of this file was forgotten, and its raw lines."),
        ],
        ids=["purged", "forgotten", "rejected", "forgotten and rejected"],
    )
    def test_says_why_it_is_not_there(
        self, support: test.Client, tmp_path: pathlib.Path, name: str, why: str
    ) -> None:
        (tmp_path / "refused.uff").write_text(
            flow_files.text([f"026|{builder.MPAN}|V|", "028||R|"], identifier="5")
        )
        with pytest.raises(SystemExit):
            management.call_command("load_d0010", str(tmp_path / "refused.uff"), strict=True)
        if name == "later.uff":
            management.call_command("purge_staged_lines", "--older-than", "0d")
        else:
            management.call_command("forget_meter_point", builder.MPAN, "--reason=x", "--yes")

        response = support.get(f"{_page(name)}content/", follow=True)

        assert response.redirect_chain == [(f"{_page(name)}change/", 302)]
        page = response.content.decode()
        assert f'<li class="warning">{why}' in page
        assert f"No original file. {why}" in page
        assert "/content/" not in page
        assert not audits.LookUp.objects.filter(looked_at="DOWNLOAD").exists()


class TestJump:
    def test_leads_to_the_line_of_this_number(self, support: test.Client) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")
        assert 'id="jump-line" name="line" min="1" max="37"' in flow_files.page_of(
            support, file_name="good.uff"
        )

        response = support.get(f"/etl/stagedline/?file={flow_file.pk}&line=4")

        assert response["Location"] == f"/etl/stagedline/{(flow_file.pk << 32) + 4}/change/"

    @pytest.mark.parametrize("number", ["0", "99", "x", "9" * 30])
    def test_to_a_line_that_is_not_there_says_so(self, support: test.Client, number: str) -> None:
        flow_file = models.FlowFile.objects.get(file_name="good.uff")

        response = support.get(f"/etl/stagedline/?file={flow_file.pk}&line={number}", follow=True)

        assert response.redirect_chain[-1] == (f"{_page('good.uff')}change/", 302)
        assert "with text in it; it has 37 lines." in response.content.decode()

    def test_is_not_offered_where_no_lines_are_kept(self, support: test.Client) -> None:
        assert "jump-line" not in flow_files.page_of(support, file_name="cut short.uff")
