"""Files that are collected from OpenSSH's own sFTP server."""

from __future__ import annotations

import os
import pathlib
import random
import time

import pytest

from etl.intake import inbox, sftp, ssh
from tests import builder, conftest, depth
from tests.faults import sftp_servers, snapshot
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)

MANY = depth.rounds(quick=0, thorough=500)  # files
LARGE = 200  # MiB

Collect = sftp_servers.Collect
OpenSsh = sftp_servers.OpenSsh


class TestOpenSsh:
    def test_gives_what_its_own_client_has_put_there(
        self, sshd: OpenSsh, collect: Collect
    ) -> None:
        sshd.sftp(f"put {conftest.SAMPLE} {sshd.folder}/sample.uff")

        ended = collect(sshd)

        assert (ended.code, ended.err) == (0, "")
        assert "sample.uff: loaded (13 readings)" in ended.out
        delivery = models.Delivery.objects.get()
        assert (delivery.origin, delivery.path) == ("SFTP", f"{sshd.source}/sample.uff")
        assert collect(sshd).out.startswith("0 files")

    @pytest.mark.thorough
    def test_has_its_files_moved_and_deleted(self, sshd: OpenSsh, collect: Collect) -> None:
        for content in (b"hello\n", b"worlds\n"):  # times are in seconds, so sizes tell them
            (sshd.folder / "bad.uff").write_bytes(content)
            (sshd.folder / "good.uff").write_bytes(builder.simple(value=f"{10 ** len(content)}.0"))
            after = ["--after", "move", "done", "--refused", "no", "--accept-reused-file-ids"]
            assert collect(sshd, *after).code == 1
        (sshd.folder / "last.uff").write_bytes(builder.simple(file_id="2"))
        collect(sshd, "--after", "delete")

        left = sorted(
            str(path.relative_to(sshd.folder)) for path in sshd.folder.rglob("*") if path.is_file()
        )
        assert left == ["done/good.uff", "done/good.uff.1", "no/bad.uff", "no/bad.uff.1"]

    def test_gives_names_that_are_no_utf_8(self, sshd: OpenSsh, collect: Collect) -> None:
        (sshd.folder / os.fsdecode(b"caf\xe9.uff")).write_bytes(builder.simple())

        ended = collect(sshd, "--after", "delete")

        assert "caf\\xe9.uff: loaded (1 reading)" in ended.out
        assert not list(sshd.folder.iterdir())

    @pytest.mark.thorough
    def test_gives_many_files(self, sshd: OpenSsh, collect: Collect) -> None:
        for number in range(1, MANY + 1):
            content = builder.simple(file_id=str(number), value=f"{number}.0")
            (sshd.folder / f"{number}.uff").write_bytes(content)

        ended = collect(sshd)

        assert f"{MANY:,} files: {MANY:,} loaded; {MANY:,} readings" in ended.out
        snapshot.assert_reconciled()

    @pytest.mark.thorough
    def test_gives_a_large_file_half_as_fast_as_to_its_own_client(
        self, sshd: OpenSsh, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = sshd.folder / "large.uff"
        draw = random.Random(1)  # noqa: S311 - no secret
        with path.open("wb") as large:
            for _ in range(LARGE):
                large.write(draw.randbytes(1 << 20))
        login = ssh.Login(host_key_file=str(sshd.host_keys), key_file=str(sshd.user_key))
        place = sftp.Server(sshd.source, login)
        [entry] = place.entries()
        assert entry.size == LARGE << 20

        for number in range(5):  # what else the machine does meanwhile may harm either
            started = time.monotonic()
            sshd.sftp(f"get {path} {tmp_path}/own")
            own = time.monotonic() - started
            started = time.monotonic()
            fetched = inbox.Inbox(tmp_path / f"inbox {number}").fetch(place, entry)
            ours = time.monotonic() - started
            with capsys.disabled():
                print(f"\n{entry.size >> 20} MiB: sftp get {own:.1f} s, collect {ours:.1f} s")  # noqa: T201
            if ours < 2 * own:
                break

        assert fetched.read_bytes() == path.read_bytes()
        assert ours < 2 * own
        place.close()
