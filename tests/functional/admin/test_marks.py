from __future__ import annotations

import pathlib
from collections.abc import Sequence

import pytest
from django import test
from django.contrib.admin import models as admin_models

from tests.functional.admin import flow_files
from warehouse import marks, models
from warehouse.queries import marks as mark_queries


pytestmark = pytest.mark.usefixtures("_mixed_files")

LIST = "/warehouse/lineissue/"


def _issue(code: str = "bad-date") -> models.LineIssue:
    return models.LineIssue.objects.get(code=code)


def _mark(client: test.Client, issue: models.LineIssue, **form: str) -> str:
    response = client.post(f"{LIST}{issue.pk}/mark/", form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def _mark_all(client: test.Client, action: str, issues: Sequence[models.LineIssue]) -> str:
    ticked = [issue.pk for issue in issues]
    form = {"action": action, "_selected_action": ticked, "note": "mail 17"}
    return client.post(LIST, form, follow=True).content.decode()


def _marked() -> set[tuple[str, str, str, str]]:
    return {*marks.IssueMark.objects.values_list("code", "status", "note", "marked_by")}


class TestIssuePage:
    def test_marks_its_issue_and_tells_all_who_see_it(
        self, operations: test.Client, support: test.Client
    ) -> None:
        page = _mark(operations, _issue(), status="ASKED", note="mail <17>")

        assert _marked() == {("bad-date", "ASKED", "mail <17>", "otto")}
        assert "1 issue is marked as asked." in page
        seen = support.get(f"{LIST}{_issue().pk}/change/").content.decode()
        assert "asked, marked by otto on <time" in seen
        assert "</time>: mail &lt;17&gt;" in seen
        assert "/mark/" in page
        assert "/mark/" not in seen

    def test_replaces_a_mark_and_takes_it_off(self, operations: test.Client) -> None:
        _mark(operations, _issue(), status="ASKED", note="mail 17")

        page = _mark(operations, _issue(), status="ANSWERED", note="resent")
        assert _marked() == {("bad-date", "ANSWERED", "resent", "otto")}
        assert 'value="resent"' in page

        _mark(operations, _issue(), status="OPEN", note="")
        assert _marked() == set()

    def test_logs_who_marked_it_and_never_the_note(self, operations: test.Client) -> None:
        _mark(operations, _issue(), status="ASKED", note="mail 17")

        log = admin_models.LogEntry.objects.get()
        assert (log.user.get_username(), log.change_message) == ("otto", "Marked as asked")
        assert log.object_id == str(_issue().pk)

    @pytest.mark.parametrize(
        ("status", "note"),
        [("DONE", ""), ("ASKED", "x" * 501), ("ASKED", "a\0b")],
        ids=["no such status", "note too long", "NUL character"],
    )
    def test_refuses_what_is_no_mark(
        self, operations: test.Client, status: str, note: str
    ) -> None:
        page = _mark(operations, _issue(), status=status, note=note)

        assert "Not marked: " in page
        assert _marked() == set()

    def test_of_no_issue_marks_nothing(self, operations: test.Client) -> None:
        assert operations.post(f"{LIST}0/mark/", {"status": "ASKED"}).status_code == 404

    def test_is_marked_by_operations_only(self, support: test.Client) -> None:
        address = f"{LIST}{_issue().pk}/mark/"

        assert support.post(address, {"status": "ASKED"}).status_code == 403
        assert _marked() == set()


class TestIssueList:
    def test_marks_what_is_ticked(self, operations: test.Client) -> None:
        page = _mark_all(operations, "mark_as_asked", [_issue(), _issue("too-long")])

        assert "2 issues are marked as asked." in page
        assert _marked() == {
            ("bad-date", "ASKED", "mail 17", "otto"),
            ("too-long", "ASKED", "mail 17", "otto"),
        }

    def test_keeps_a_note_where_none_is_given(self, operations: test.Client) -> None:
        _mark_all(operations, "mark_as_asked", [_issue()])

        form = {"action": "mark_as_answered", "_selected_action": [_issue().pk], "note": ""}
        operations.post(LIST, form)

        assert _marked() == {("bad-date", "ANSWERED", "mail 17", "otto")}

    def test_marks_no_more_at_once_than_it_says(
        self, operations: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mark_queries, "MOST_MARKED", 1)

        page = _mark_all(operations, "mark_as_asked", [_issue(), _issue("too-long")])

        assert "Nothing is marked: at most 1" in page
        assert _marked() == set()

    def test_is_narrowed_by_mark(self, operations: test.Client) -> None:
        _mark(operations, _issue(), status="ASKED", note="")
        _mark(operations, _issue("too-long"), status="ANSWERED", note="")

        found = {
            mark: {
                issue.code
                for issue in operations.get(LIST, {"mark": mark}).context["cl"].result_list
            }
            for mark in ("ASKED", "ANSWERED", "OPEN", "NONE")
        }

        assert found == {
            "ASKED": {"bad-date"},
            "ANSWERED": {"too-long"},
            "OPEN": {"no-trailer", "future-date"},
            "NONE": set(),
        }

    def test_offers_nothing_to_support(self, support: test.Client) -> None:
        page = support.get(LIST).content.decode()

        assert "mark_as_" not in page
        assert _mark_all(support, "mark_as_asked", [_issue()])
        assert _marked() == set()


class TestFilePage:
    def test_leads_to_what_is_marked(self, operations: test.Client) -> None:
        issue = _issue()
        _mark(operations, issue, status="ASKED", note="")

        page = flow_files.page_of(operations, file_name="partly.uff")

        assert f'<a href="{LIST}?file={issue.flow_file_id}&mark=ASKED">1 asked</a>' in page


class TestMark:
    def test_stays_when_a_refused_file_is_judged_anew(
        self, operations: test.Client, tmp_path: pathlib.Path
    ) -> None:
        before = _issue("no-trailer")
        _mark(operations, before, status="ASKED", note="mail 17")

        content = "ZHV|3|D0010002|D|UDMS|X|MRCY|20160302153151||||OPER|\n"
        flow_files.load(tmp_path, {"once more.uff": content})

        after = _issue("no-trailer")
        assert after.pk != before.pk
        assert "mail 17" in operations.get(f"{LIST}{after.pk}/change/").content.decode()
