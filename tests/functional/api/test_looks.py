from __future__ import annotations

import base64
import datetime
import hashlib
from typing import Any

import pytest
from django import test
from django.core import management

from etl.api import pages
from tests import builder, conftest, depth
from tests.functional.api.conftest import FILES, upload
from warehouse import audits, models
from warehouse.queries import listing, marks


MPAN = builder.MPAN
POINT = f"/api/v1/meter-points/{MPAN}/"
READINGS = f"{POINT}readings/"


def _file(*values: str, file_id: str = "0000000001") -> bytes:
    readings = [
        builder.reading(value=value, read_at=f"2024011{n}000000") for n, value in enumerate(values)
    ]
    return builder.flow_file(
        builder.meter_point(MPAN, builder.meter("A 1", *readings)), file_id=file_id
    )


def _all(client: test.Client, path: str) -> list[Any]:
    """Return the results of all pages."""
    found: list[Any] = []
    while path:
        answer = client.get(path).json()
        found += answer["results"]
        path = answer["next"]
    return found


def _looks() -> list[tuple[str, str, str]]:
    rows = audits.LookUp.objects.order_by("id")
    return [(row.user_name, row.mpan_core, row.looked_at) for row in rows]


class TestFlowFiles:
    def test_are_told_with_what_became_of_them(self, operations: test.Client) -> None:
        content = _file("1.0", "x")
        sha256 = upload(operations, content, "a.uff").json()["sha256"]
        upload(operations, content, "b.uff")

        (listed,) = _all(operations, FILES)
        told = operations.get(f"{FILES}{sha256}/").json()

        assert listed.items() <= told.items()
        assert (listed["outcome"], listed["sender"]) == ("loaded with rejections", "UDMS")
        assert [row["file_name"] for row in told["deliveries"]] == ["b.uff", "a.uff"]
        assert told["deliveries"][0]["brought_by"] == "operations"
        (finding,) = told["findings"]
        assert (finding["code"], finding["count"], finding["item"]) == ("bad-number", 1, "J0040")
        assert finding["remedy"].startswith("Ask the sender")
        assert _looks() == []

    def test_are_found_by_sender_outcome_and_time(self, operations: test.Client) -> None:
        upload(operations, builder.simple())
        upload(operations, builder.flow_file(sender="OTHR", test_flag="TEST"))

        def found(query: str) -> list[str]:
            return [row["sender"] for row in _all(operations, f"{FILES}?{query}")]

        assert found("") == ["OTHR", "UDMS"]
        assert found("sender=UDMS") == ["UDMS"]
        assert found("outcome=rejected") == ["OTHR"]
        assert (found("flow=D0010002"), found("flow=D0010001")) == (["OTHR", "UDMS"], [])
        assert found("since=2000-01-01&until=2999-12-31&outcome=loaded") == ["UDMS"]
        assert found("until=2000-01-01") == found("since=2999-01-01") == []

    def test_of_one_moment_come_all_and_once(
        self, support: test.Client, monkeypatch: pytest.MonkeyPatch, write: conftest.Write
    ) -> None:
        paths = [
            write(builder.simple(file_id=f"{number:010}"), f"{number}.uff") for number in range(5)
        ]
        management.call_command("load_d0010", *map(str, paths), batch=True)
        monkeypatch.setattr(pages, "SIZE", 2)

        names = [row["file_name"] for row in _all(support, FILES)]

        assert names == ["4.uff", "3.uff", "2.uff", "1.uff", "0.uff"]

    @pytest.mark.parametrize(
        "query",
        depth.some([
            "senders=X", "outcome=LOST", "since=today", "cursor=x", "cursor=%00", "sender=%00",
            "cursor=" + base64.urlsafe_b64encode(b'["now", "1"]').decode(),
            "cursor=" + base64.urlsafe_b64encode(b"[1]").decode(),
            "cursor=" + base64.urlsafe_b64encode(b"[" * 50_000).decode(),
        ], one_of=3),
        ids=depth.some([
            "an unknown filter", "an unknown outcome", "no date", "no cursor", "a NUL in a cursor",
            "a NUL", "a cursor of no time", "a cursor of one value", "a deep cursor",
        ], one_of=3),
    )  # fmt: skip
    def test_refuse_what_they_can_not_be_asked(self, support: test.Client, query: str) -> None:
        response = support.get(f"{FILES}?{query}")

        assert response.status_code == 400
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["errors"]

    @pytest.mark.parametrize("what", ["", "issues/", "content/"])
    def test_are_not_there_by_another_hash(self, support: test.Client, what: str) -> None:
        for sha256 in ("0" * 64, "x", "..", "%00"):
            assert support.get(f"{FILES}{sha256}/{what}").status_code == 404


class TestIssues:
    def test_come_line_by_line_and_are_recorded(
        self, operations: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sha256 = upload(operations, _file("x", "1.0", "y", "z")).json()["sha256"]
        monkeypatch.setattr(pages, "SIZE", 2)

        issues = _all(operations, f"{FILES}{sha256}/issues/")

        assert [(row["line_number"], row["value"]) for row in issues] == [
            (4, "x"),
            (6, "y"),
            (7, "z"),
        ]
        assert issues[0]["remedy"].startswith("Ask the sender")
        assert _looks() == [("operations", MPAN, "ISSUE")] * 2

    def test_tell_what_they_are_marked_as(
        self, operations: test.Client, support: test.Client
    ) -> None:
        sha256 = upload(operations, _file("x", "y")).json()["sha256"]
        marks.mark(
            [models.LineIssue.objects.get(value="y")],
            status="ASKED",
            note="mail 17",
            marked_by="otto",
            marked_at=datetime.datetime(2024, 3, 3, 9, tzinfo=datetime.timezone.utc),
        )

        told = {row["value"]: row["mark"] for row in _all(support, f"{FILES}{sha256}/issues/")}

        mark = {"status": "ASKED", "note": "mail 17", "marked_by": "otto"}
        assert told == {"x": None, "y": mark | {"marked_at": "2024-03-03T09:00:00Z"}}


class TestContent:
    @pytest.mark.parametrize(
        "content",
        [
            _file("1.0", "x"),
            _file("1.0").replace(b"UDMS", b"U\\S"),
            _file("1.0").replace(b"|A 1|", b"|\xe4\t1|"),
        ],
        ids=["with a rejected line", "with a backslash", "of another encoding"],
    )
    def test_is_the_file_as_it_came(self, operations: test.Client, content: bytes) -> None:
        sha256 = upload(operations, content).json()["sha256"]

        response = operations.get(f"{FILES}{sha256}/content/")

        assert b"".join(response) == content
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert response.headers["Content-Digest"] == f"sha-256=:{digest}:"
        assert "attachment" in response.headers["Content-Disposition"]
        (look,) = audits.LookUp.objects.all()
        assert (look.user_name, look.looked_at) == ("operations", "DOWNLOAD")
        assert look.flow_file is not None

    def test_is_gone_when_the_raw_lines_are(
        self, operations: test.Client, run: conftest.Run
    ) -> None:
        sha256 = upload(operations, builder.simple()).json()["sha256"]
        run("purge_staged_lines", "--older-than", "0d")

        response = operations.get(f"{FILES}{sha256}/content/")

        assert (response.status_code, response.json()["status"]) == (410, 410)
        assert "purged on" in response.json()["detail"]

    def test_is_not_there_where_it_was_never_stored(self, operations: test.Client) -> None:
        sha256 = upload(operations, builder.flow_file(test_flag="TEST")).json()["sha256"]

        response = operations.get(f"{FILES}{sha256}/content/")

        assert response.status_code == 404
        assert "before its raw lines were stored" in response.json()["detail"]
        assert _looks() == []


class TestMeterPoint:
    def test_tells_the_latest_reading_that_counts(self, operations: test.Client) -> None:
        upload(operations, _file("1.0", "7.5", "x"))

        told = operations.get("/api/v1/meter-points/12 0002 3305 967/").json()

        assert (told["mpan_core"], told["rejected_line_count"]) == (MPAN, 1)
        (meter,) = told["meters"]
        assert (meter["serial_number"], meter["register_count"]) == ("A 1", 1)
        (register,) = meter["registers"]
        assert register["identifier"] == "S"
        assert register["latest"]["value"] == "7.5"
        assert register["latest"]["read_at"] == "2024-01-11T00:00:00Z"
        assert _looks() == [("operations", MPAN, "METER_POINT")]

    def test_that_is_unknown_is_not_there(self, support: test.Client) -> None:
        for mpan in (builder.OTHER_MPAN, "0", "x", "%00"):
            assert support.get(f"/api/v1/meter-points/{mpan}/").status_code == 404
            assert support.get(f"/api/v1/meter-points/{mpan}/readings/").status_code == 404
        assert _looks() == []


class TestReadings:
    def test_are_those_of_the_export(
        self, operations: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload(operations, _file("1.0", "2.0", "3.0", "4.0", "5.0"))
        monkeypatch.setattr(pages, "SIZE", 2)

        rows = _all(operations, READINGS)

        exported = listing.listed(listing.find(mpan_core=MPAN))
        assert [(row["value"], row["line_number"]) for row in rows] == [
            (str(row.value), row.line_number) for row in exported
        ]
        assert {*rows[0]} == {*listing.Listed._fields}
        assert _looks() == [("operations", MPAN, "LIST")] * 3

    def test_are_narrowed(self, operations: test.Client) -> None:
        upload(operations, _file("1.0", "2.0"))

        def found(query: str) -> list[str]:
            return [row["value"] for row in _all(operations, f"{READINGS}?{query}")]

        assert found("register=S&serial=a1&standing=current") == ["1.0", "2.0"]
        assert found("register=T") == found("serial=A2") == found("standing=withdrawn") == []
        assert found("since=2024-01-11") == ["2.0"]
        assert found("until=2024-01-10") == ["1.0"]

    def test_refuse_a_period_that_ends_before_it_begins(self, operations: test.Client) -> None:
        upload(operations, _file("1.0"))

        response = operations.get(f"{READINGS}?since=2024-02-01&until=2024-01-01")

        assert response.status_code == 400
        assert "first day" in response.json()["detail"]


class TestMeters:
    def test_are_found_as_in_the_admin(self, operations: test.Client) -> None:
        upload(operations, _file("1.0"))

        told = operations.get("/api/v1/meters/?serial=a1").json()

        assert told == {
            "is_exact": True,
            "has_more": False,
            "meters": [{"mpan_core": MPAN, "serial_number": "A 1"}],
        }
        assert operations.get("/api/v1/meters/?serial=b").json()["meters"] == []
        assert operations.get("/api/v1/meters/").status_code == 400
