from __future__ import annotations

import base64
import gzip
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import pytest
from django import test
from pytest_django import live_server_helper
from rest_framework import throttling

from etl.api import uploads
from tests import builder, conftest, depth
from tests.functional.api.conftest import FILES, upload
from warehouse import models


ONE = builder.simple()
BOUNDARY = "frontier"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(autouse=True)
def _copies(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no private copy stay, whatever becomes of a request."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert [*folder.iterdir()] == []


def _part(content: bytes, *, name: str = "file.uff", field: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"'
    return f"{head}\r\nContent-Type: text/plain\r\n\r\n".encode() + content + b"\r\n"


def _field(name: str, value: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value + b"\r\n"


def _post(client: test.Client, *parts: bytes, end: str = f"--{BOUNDARY}--\r\n") -> Any:
    return client.post(FILES, b"".join(parts) + end.encode(), content_type=MULTIPART)


def _told(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("outcome", "")


class TestUpload:
    def test_takes_every_known_flow(self, uploader: test.Client) -> None:
        assert _told(upload(uploader, builder.mirrored(ONE))) == (201, "loaded")

    def test_loads_a_file_as_the_command_does(
        self, uploader: test.Client, write: conftest.Write, run: conftest.Run
    ) -> None:
        response = upload(uploader, ONE)

        assert _told(response) == (201, "loaded")
        flow_file = models.FlowFile.objects.get()
        assert response.headers["Location"].endswith(f"{FILES}{flow_file.sha256}/")
        assert response.json() | {"reading_count": 1, "findings": {}} == response.json()
        delivery = flow_file.deliveries.get()
        assert (delivery.origin, delivery.brought_by) == ("UPLOAD", "upload")
        assert (delivery.file_name, delivery.path) == ("file.uff", "file.uff")

        assert "duplicate" in run("load_d0010", write(ONE)).out

    def test_changes_nothing_when_it_is_repeated(self, uploader: test.Client) -> None:
        first = upload(uploader, ONE)

        again = upload(uploader, gzip.compress(ONE), "other.uff.gz")

        assert _told(again) == (200, "duplicate")
        assert again.headers["Location"] == first.headers["Location"]
        assert models.Reading.objects.count() == 1
        assert models.Delivery.objects.count() == 2

    def test_tells_what_was_rejected_and_what_to_do(self, uploader: test.Client) -> None:
        lines = builder.meter("A1", builder.reading(value="x"), builder.reading("2"))
        content = builder.flow_file(builder.meter_point(builder.MPAN, lines))

        response = upload(uploader, content)

        assert _told(response) == (201, "loaded with rejections")
        assert response.json()["findings"] == {"bad-number": 1}
        assert "Ask the sender" in response.json()["remedies"]["bad-number"]

    def test_only_stages_a_large_file(self, uploader: test.Client) -> None:
        with test.override_settings(LARGEST_LOADED_AT_ONCE=len(ONE) - 1):
            response = upload(uploader, ONE)

        assert _told(response) == (202, "staged")
        assert not models.Reading.objects.exists()

    def test_takes_a_packed_file_for_a_larger_one(self, uploader: test.Client) -> None:
        packed = gzip.compress(ONE)

        with test.override_settings(LARGEST_LOADED_AT_ONCE=len(packed) * 20 - 1):
            assert _told(upload(uploader, packed)) == (202, "staged")

    @pytest.mark.parametrize(
        ("option", "content", "refused"),
        [
            ("accept_test_files", ONE.replace(b"|OPER|", b"|TEST|"), 422),
            ("accept_wrong_counts", ONE.replace(b"|3||1|", b"|4||1|"), 422),
            ("accept_reused_file_ids", builder.simple("7.0"), 409),
        ],
        ids=["test files", "wrong counts", "reused file ids"],
    )
    @pytest.mark.django_db(transaction=True)
    def test_takes_the_options_of_the_command(
        self, uploader: test.Client, option: str, content: bytes, refused: int
    ) -> None:
        if refused == 409:
            upload(uploader, ONE)

        assert _told(upload(uploader, content)) == (refused, "rejected")
        assert _told(upload(uploader, content, **{option: "true"})) == (201, "loaded")

    def test_refuses_a_file_with_all_that_helps(self, uploader: test.Client) -> None:
        response = upload(uploader, ONE.replace(b"|UDMS|", b"|UDMS-IS-TOO-LONG|"))

        assert response.headers["Content-Type"] == "application/problem+json"
        assert _told(response) == (422, "rejected")
        told = response.json()
        assert (told["code"], told["line"], told["status"]) == ("bad-header", 1, 422)
        assert told["remedy"] == "Ask the sender for the file again."
        assert "UDMS-IS-TOO-LONG" in told["detail"]
        assert told["value"] == "UDMS-IS-TOO-LONG"

    def test_refuses_a_file_strictly(self, uploader: test.Client) -> None:
        lines = builder.meter("A1", builder.reading(value="x"), builder.reading("2"))
        content = builder.flow_file(builder.meter_point(builder.MPAN, lines))

        response = upload(uploader, content, strict="true")

        assert (response.status_code, response.json()["code"]) == (422, "bad-number")
        assert not models.Reading.objects.exists()


class TestDigest:
    @pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
    @pytest.mark.parametrize("of", ["the file", "the whole content"])
    def test_is_taken_where_it_is_right(
        self, uploader: test.Client, algorithm: str, of: str
    ) -> None:
        body = _part(ONE) + f"--{BOUNDARY}--".encode()
        digest = hashlib.new(algorithm.replace("-", ""), ONE if of == "the file" else body)
        value = base64.b64encode(digest.digest()).decode()

        response = uploader.post(
            FILES,
            body,
            content_type=MULTIPART,
            headers={"Content-Digest": f"md5=:AAAA:, {algorithm}=:{value}:"},
        )

        assert response.status_code == 201

    @pytest.mark.parametrize(
        "digest", ["sha-256=:AAAA:", "sha-256=AAAA", "sha-256", "sha-256=:\u00e4:"]
    )
    def test_refuses_what_it_does_not_fit(self, uploader: test.Client, digest: str) -> None:
        response = upload(uploader, ONE, headers={"Content-Digest": digest})

        assert response.status_code == 400
        assert "Content-Digest" in response.json()["detail"]
        assert not models.FlowFile.objects.exists()


class TestName:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("../../etc/passwd", "passwd"),
            (r"C:\\outbox\\a.uff", "a.uff"),
            ("/outbox/a.uff", "a.uff"),
            ("a&#x2F;b.uff", "b.uff"),
            ("a\u202eb\x1b[2J.uff", "ab[2J.uff"),
            ("file.".ljust(700, "x"), None),
            ("<script>alert(1)<a>.uff", "<script>alert(1)<a>.uff"),
            ("- -rf.uff", "- -rf.uff"),
            ("m\u00e4rz \U0001f4c8.uff", "m\u00e4rz \U0001f4c8.uff"),
        ],
        ids=[
            "climbs", "of Windows", "absolute", "escaped", "steers", "long", "script", "option",
            "other letters",
        ],
    )  # fmt: skip
    def test_is_data_and_never_a_path(
        self, uploader: test.Client, sent: str, kept: str | None
    ) -> None:
        response = _post(uploader, _part(ONE, name=sent))

        assert response.status_code == 201
        delivery = models.Delivery.objects.get()
        assert delivery.file_name == delivery.path
        assert kept is None or delivery.file_name == kept
        assert len(delivery.file_name) <= 255

    @pytest.mark.parametrize("name", ["", ".", "..", "/", "a/.."])
    def test_is_needed(self, uploader: test.Client, name: str) -> None:
        assert _post(uploader, _part(ONE, name=name)).status_code == 400
        assert not models.FlowFile.objects.exists()


class TestHostileRequest:
    def test_of_an_empty_file_is_refused(self, uploader: test.Client) -> None:
        response = _post(uploader, _part(b""))

        assert (response.status_code, response.json()["code"]) == (422, "empty-file")

    @pytest.mark.parametrize(
        "content",
        [gzip.compress(ONE)[:-9], gzip.compress(ONE) + b"more", b"\x1f\x8bnothing"],
        ids=["cut short", "followed by more", "damaged"],
    )
    def test_of_damaged_gzip_is_refused_and_leaves_nothing(
        self, uploader: test.Client, content: bytes
    ) -> None:
        response = _post(uploader, _part(content))

        assert (response.status_code, response.json()["code"]) == (422, "unreadable")
        assert "gzip" in response.json()["detail"]
        assert not models.FlowFile.objects.exists()

    def test_of_a_bomb_is_refused(
        self, uploader: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("etl.intake.sources.SMALLEST_TRAP", 1_000)

        response = _post(uploader, _part(gzip.compress(bytes(1_000_000))))

        assert (response.status_code, response.json()["code"]) == (422, "unreadable")
        assert "unpacks to more" in response.json()["detail"]

    @pytest.mark.parametrize("by", ["its length", "what comes"])
    def test_of_too_much_is_refused_unread(self, uploader: test.Client, by: str) -> None:
        largest = len(ONE) - 1 if by == "what comes" else 1
        slack = 65_536 if by == "what comes" else 1
        with (
            test.override_settings(LARGEST_UPLOAD=largest),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(uploads, "_FIELDS", slack)
            if by == "its length":
                patch.setattr(uploads.Handler, "receive_data_chunk", lambda *_: None)
            response = _post(uploader, _part(ONE))

        assert response.status_code == 413
        assert "load_flows" in response.json()["detail"]
        assert not models.FlowFile.objects.exists()

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        depth.some([
            (b"", MULTIPART, 400),
            (b"nothing", MULTIPART, 400),
            (_part(ONE), MULTIPART, 400),
            (_part(ONE)[:-40], MULTIPART, 400),
            (_part(ONE) + _field("strict", b"true")[:-2], MULTIPART, 400),
            (_part(ONE) + b"--frontier--", "multipart/form-data", 400),
            (_part(ONE, field="other") + b"--frontier--", MULTIPART, 400),
            (_part(ONE) + _part(ONE) + b"--frontier--", MULTIPART, 400),
            (_part(ONE) + _part(ONE, field="b") + b"--frontier--", MULTIPART, 400),
            (_part(ONE).replace(b"text/plain", b"x" * 20_000) + b"--frontier--", MULTIPART, 400),
            (_field("file", b"x") + b"--frontier--", MULTIPART, 400),
            (_field("stric", b"1") + _part(ONE) + b"--frontier--", MULTIPART, 400),
            (_field("strict", b"yess") + _part(ONE) + b"--frontier--", MULTIPART, 400),
            (_field("strict", b"x" * 3_000_000) + _part(ONE) + b"--frontier--", MULTIPART, 400),
            (ONE, "text/plain", 415),
            (b"{}", "application/json", 415),
            (b"file=x", "application/x-www-form-urlencoded", 415),
        ], one_of=3),
        ids=depth.some([
            "empty", "no multipart", "without its end", "cut short", "cut short behind it",
            "without a boundary", "of another field", "of two files", "of two fields",
            "with a huge header", "no file",
            "of an unknown option", "of an unknown value", "of a huge option", "as text",
            "as JSON", "as a plain form",
        ], one_of=3),
    )  # fmt: skip
    def test_is_refused_and_leaves_nothing(
        self, uploader: test.Client, body: bytes, content_type: str, status: int
    ) -> None:
        response = uploader.post(FILES, body, content_type=content_type)

        assert response.status_code == status
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["detail"]
        assert not models.FlowFile.objects.exists()

    def test_of_an_address_of_none_is_told_so(self, uploader: test.Client) -> None:
        response = uploader.get("/api/v1/nothing")

        assert (response.status_code, response.json()["status"]) == (404, 404)

    def test_that_comes_too_often_has_to_wait(
        self, uploader: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttling.UserRateThrottle, "THROTTLE_RATES", {"user": "1/min"})
        upload(uploader, ONE)

        response = upload(uploader, ONE)

        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) > 0
        assert models.Delivery.objects.count() == 1

    def test_shows_no_traceback_where_all_goes_wrong(
        self, uploader: test.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: object) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr("etl.usecases.load.load_files", fail)

        with test.override_settings(DEBUG=True):
            response = upload(uploader, ONE)

        assert response.status_code == 500
        assert "secret" not in response.content.decode()
        assert "in the log" in response.json()["detail"]


class TestCommand:
    @pytest.mark.thorough
    def test_does_not_pay_for_what_it_does_not_serve(self) -> None:
        statements = (
            "import django, sys; django.setup()",
            "import etl.management.commands.load_d0010",
            "served = {'rest_framework.views', 'drf_spectacular.openapi', 'etl.api'}",
            "print(sorted(served & {*sys.modules}))",
        )
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "etl.config.settings"}

        out = subprocess.check_output(
            [sys.executable, "-c", "\n".join(statements)],
            cwd=conftest.ROOT,
            env=environment,
            text=True,
        )

        assert out == "[]\n"


class TestRace:
    @pytest.mark.django_db(transaction=True)
    def test_loads_what_comes_at_once_from_several_once(
        self, uploader: test.Client, live_server: live_server_helper.LiveServer
    ) -> None:
        body = _part(ONE) + f"--{BOUNDARY}--\r\n".encode()
        headers = {
            "Authorization": uploader.defaults["HTTP_AUTHORIZATION"],
            "Content-Type": MULTIPART,
        }
        request = urllib.request.Request(live_server.url + FILES, body, headers)  # noqa: S310 - of a test's server

        def status(_: int) -> int:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the same
                return int(response.status)

        with futures.ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(status, range(depth.rounds(quick=4, thorough=40))))

        assert statuses == [200] * (len(statuses) - 1) + [201]
        assert models.Delivery.objects.count() == len(statuses)
        assert models.Reading.objects.count() == 1
