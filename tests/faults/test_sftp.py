"""Files that are collected from real sFTP servers, whatever happens on the way."""

from __future__ import annotations

import errno
import functools
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import asyncssh
import pytest

from etl import models as pipeline
from etl.intake import sftp, ssh
from tests import builder, conftest, depth
from tests.benchmarks import generate
from tests.faults import forks, sftp_servers, snapshot
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)

PASSPHRASE = "open it"  # noqa: S105 - of a key of the test
FILES_IN_THE_WAY_OF_KILLS = 5
RANDOM_KILLS = depth.rounds(quick=2, thorough=100)
PARTS = depth.size(quick=1, thorough=5)  # of them, for as many processes

Collect = sftp_servers.Collect
ThreadServer = sftp_servers.ThreadServer


@pytest.fixture
def server(home: pathlib.Path) -> Iterator[ThreadServer]:
    with sftp_servers.thread_server(home) as one:
        yield one


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "PAUSES", (0.01, 0.01, 0.01))


class TestHost:
    @pytest.mark.parametrize("kind", ["changed", "unknown"])
    def test_key_is_refused_before_any_secret_is_sent(
        self, server: ThreadServer, collect: Collect, tmp_path: pathlib.Path, kind: str
    ) -> None:
        if kind == "changed":
            server.use_host_key(sftp_servers.write_key(tmp_path / "another"))
        else:
            server.host_keys.write_text("")

        ended = collect(server)

        assert ended.code == 1
        word = "is not the one in" if kind == "changed" else "is not in"
        assert f"{server.source}: its host key {word} {server.host_keys}" in ended.err
        assert (ended.err.count("\n"), server.orders.seen) == (1, [])

    @pytest.mark.parametrize(
        "is_known",
        [
            pytest.param(True, id="a known key"),
            pytest.param(False, id="another key", marks=pytest.mark.thorough),
        ],
    )
    def test_is_shown_a_key_and_never_its_passphrase(
        self, server: ThreadServer, run: conftest.Run, tmp_path: pathlib.Path, *, is_known: bool
    ) -> None:
        key = server.user_key if is_known else sftp_servers.write_key(tmp_path / "another")
        key.write_private_key(str(tmp_path / "locked"), passphrase=PASSPHRASE, rounds=50)
        (tmp_path / "passphrase").write_text(PASSPHRASE)
        login = ["--host-key-file", server.host_keys, "--key", tmp_path / "locked"]
        login += ["--password-file", tmp_path / "passphrase"]

        ended = run("collect", server.source, *login, "--inbox", tmp_path / "inbox")

        assert ended.code == (0 if is_known else 1)
        assert set(server.orders.seen) == {f"user {sftp_servers.USER}", "key"}
        # asyncssh hangs up on a client that tries another way to log in.
        assert is_known or ended.err.endswith("Authentication failed.\n")

    @pytest.mark.parametrize(
        ("login", "message"),
        [
            ("--password-file", "it does not let collector in: Authentication failed"),
            ("--key", "it does not let collector in: Authentication failed"),
        ],
        ids=["wrong password", "wrong key"],
    )
    def test_that_lets_nobody_in_is_asked_once(
        self, server: ThreadServer, run: conftest.Run, tmp_path: pathlib.Path, login: str,
        message: str,
    ) -> None:  # fmt: skip
        secret = tmp_path / "secret"
        sftp_servers.write_key(secret)

        ended = run("collect", server.source, "--host-key-file", server.host_keys, login, secret)

        assert (ended.code, ended.err.count("\n")) == (1, 1)
        assert f"{server.source}: {message}" in ended.err
        assert server.orders.seen.count(f"user {sftp_servers.USER}") == 1

    def test_that_does_not_answer_is_given_up_after_some_tries(
        self, server: ThreadServer, collect: Collect
    ) -> None:
        server.stop()

        ended = collect(server)

        assert ended.code == 1
        assert ended.err == (
            f"{server.source}: no answer in 4 tries: Unable to connect to port"
            f" {server.port} on 127.0.0.1.\n"
        )
        server.restart()

    @pytest.mark.thorough
    def test_that_falls_silent_is_given_up_after_some_tries(
        self, server: ThreadServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ssh, "TIMEOUT", 0.3)
        monkeypatch.setattr(sftp, "PAUSES", (0.01,))
        (server.folder / "a.uff").write_bytes(builder.simple())
        server.orders.on_read = lambda _name, _offset: time.sleep(0.5)

        ended = collect(server)

        assert ended.code == 1
        assert f"{server.source}: no answer in 2 tries: " in ended.err


class TestDownload:
    def test_that_is_cut_goes_on_where_it_was(
        self, server: ThreadServer, collect: Collect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ssh, "_LARGEST_READ", 32_768)
        monkeypatch.setattr(ssh, "BYTES_AHEAD", 4 * 32_768)
        generate.write_flow_file(server.folder / "a.uff", readings=6_000)
        size = (server.folder / "a.uff").stat().st_size
        (server.folder / "b.uff").write_bytes(builder.simple())
        cuts = iter([size // 4, size // 2, size])
        at = [next(cuts)]

        def cut(name: str, offset: int) -> None:
            if name == "a.uff" and offset > at[0]:
                at[0] = next(cuts)
                server.cut_from_within()

        server.orders.on_read = cut

        ended = collect(server)

        assert (ended.code, ended.err) == (0, "")
        assert "2 files: 2 loaded" in ended.out
        read = sum(length for name, _, length in server.orders.reads if name == "a.uff")
        assert size < read < 2.5 * size  # what was under way is asked for again
        snapshot.assert_reconciled()

    @pytest.mark.parametrize(
        ("not_known", "most", "read"),
        [
            pytest.param("", 1 << 20, 261_120, id="as much as it allows"),
            pytest.param("limits@openssh.com", 1 << 20, 32_768, id="as much as all allow"),
            pytest.param("", 10_000, 261_120, id="though less comes"),
        ],
    )
    def test_reads_much_at_once(
        self,
        server: ThreadServer,
        collect: Collect,
        monkeypatch: pytest.MonkeyPatch,
        not_known: str,
        most: int,
        read: int,
    ) -> None:
        handlers = asyncssh.sftp.SFTPServerHandler._packet_handlers  # noqa: SLF001 - to take one away
        monkeypatch.delitem(handlers, not_known.encode(), raising=False)
        server.orders.most = most
        generate.write_flow_file(server.folder / "a.uff", readings=6_000)

        ended = collect(server)

        assert (ended.code, ended.err) == (0, "")
        assert max(length for _, _, length in server.orders.reads) == read
        snapshot.assert_reconciled()

    @pytest.mark.parametrize("kind", ["grows", "is replaced", "vanishes"])
    def test_of_a_file_that_changes_meanwhile_is_left_to_the_next_pass(
        self, server: ThreadServer, collect: Collect, kind: str
    ) -> None:
        path = server.folder / "a.uff"
        path.write_bytes(builder.simple())
        (server.folder / "b.uff").write_bytes(builder.simple(file_id="2"))

        def change(name: str, _: int) -> None:
            server.orders.on_read = lambda _name, _offset: None
            assert name == "a.uff"
            if kind == "vanishes":
                path.unlink()
            elif kind == "grows":
                path.write_bytes(path.read_bytes() + b"\n\n")
            else:
                (server.folder / ".new").write_bytes(builder.simple(value="7.0", file_id="3"))
                os.utime(server.folder / ".new", (9, 9))
                (server.folder / ".new").rename(path)

        server.orders.on_read = change

        early, late = collect(server), collect(server)

        assert early.code == 1
        assert "2 files: 1 failed, 1 loaded" in early.out
        assert "1 file: 1 loaded" in late.out or kind == "vanishes"
        snapshot.assert_reconciled()

    def test_that_is_not_permitted_stops_no_other(
        self, server: ThreadServer, collect: Collect
    ) -> None:
        for name in ("a.uff", "b.uff"):
            (server.folder / name).write_bytes(builder.simple(file_id=name[0]))

        def refuse(name: str, _: int) -> None:
            if name == "a.uff":
                raise PermissionError(errno.EACCES, "no")

        server.orders.on_read = refuse

        ended = collect(server)

        assert ended.code == 1
        assert f"{server.source}/a.uff: failed (Permission denied)" in ended.out
        assert "b.uff: loaded" in ended.out
        assert pipeline.Fetched.objects.count() == 1

    def test_writes_nowhere_that_a_name_says(
        self, server: ThreadServer, collect: Collect, place: pathlib.Path
    ) -> None:
        (server.folder / "a.uff").write_bytes(builder.simple())

        def add(names: list[asyncssh.SFTPName]) -> None:
            [found] = [name for name in names if name.filename == b"a.uff"]
            names += [
                asyncssh.SFTPName(name, attrs=found.attrs)
                for name in (b"../a.uff", b"/etc/passwd", b"x/../a.uff", b"\x1b[2J\n.uff")
            ]

        server.orders.on_list = add

        ended = collect(server)

        assert "2 files: 1 failed, 1 loaded" in ended.out
        assert "\\x1b[2J\\n.uff: failed (" in ended.out
        assert not list(place.iterdir())

    def test_that_finds_no_room_fails_alone_and_comes_later(
        self, server: ThreadServer, collect: Collect, small_disk: pathlib.Path
    ) -> None:
        subprocess.run(["mount", "-o", "remount,size=256k", str(small_disk)], check=True)
        generate.write_flow_file(server.folder / "a.uff", readings=8_000)
        (server.folder / "b.uff").write_bytes(builder.simple())
        folder = small_disk / "inbox"

        early = collect(server, "--inbox", folder, "--after", "delete")
        left = list(folder.iterdir())
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        late = collect(server, "--inbox", folder, "--after", "delete")

        assert "a.uff: failed (No space left on device)" in early.out
        assert "b.uff: loaded" in early.out
        assert left == []
        assert "1 file: 1 loaded; 8,000 readings" in late.out
        assert not list(server.folder.iterdir())


class TestCollector:
    def test_goes_on_until_it_is_told_to_end(
        self, server: ThreadServer, launcher: forks.Launcher, place: pathlib.Path
    ) -> None:
        options = ["--settle", "0.01s", "--every", "0.1s", "--inbox", place]
        command = launcher.start("collect", server.source, *server.login, *options)
        server.restart()
        (server.folder / "a.uff").write_bytes(builder.simple())
        deadline = time.monotonic() + forks.TIMEOUT
        while not pipeline.Fetched.objects.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        command.signal(signal.SIGTERM)

        ended = command.wait()

        assert ended.code == 143
        assert models.Reading.objects.count() == 1
        assert ended.err.endswith("Terminated; what was reported as done is stored.\n")

    @pytest.mark.parametrize(
        "after", ["delete", pytest.param("leave", marks=pytest.mark.thorough)]
    )
    def test_beside_another_shares_the_files(
        self, server: ThreadServer, launcher: forks.Launcher, tmp_path: pathlib.Path, after: str
    ) -> None:
        count = depth.size(quick=12, thorough=300)
        for number in range(count):
            content = builder.simple(file_id=str(number), value=f"{number}.0")
            (server.folder / f"{number}.uff").write_bytes(content)

        commands = [
            launcher.start(
                "collect", server.source, *server.login, "--settle", "0.01s", "--after", after,
                "--inbox", tmp_path / f"inbox {number}",
            )
            for number in range(2)
        ]  # fmt: skip
        ended = [command.wait() for command in commands]

        assert [one.code for one in ended] == [0, 0], ended
        assert models.Delivery.objects.count() == count
        assert pipeline.Fetched.objects.count() == count
        snapshot.assert_reconciled()

    @pytest.mark.parametrize("part", range(PARTS))
    def test_that_is_killed_or_cut_off_loses_and_doubles_nothing(
        self,
        sshd: sftp_servers.OpenSsh,
        launcher: forks.Launcher,
        place: pathlib.Path,
        run: conftest.Run,
        part: int,
    ) -> None:
        """Kill the collector, the server, or the connection, at a random moment of each pass."""
        draw = random.Random(depth.seed() + part)  # noqa: S311 - no secret
        contents = [
            builder.simple(file_id=str(number), value=f"{number}.0")
            for number in range(FILES_IN_THE_WAY_OF_KILLS)
        ]
        generate.write_flow_file(
            place.parent / "large.uff", readings=depth.size(quick=600, thorough=3_000)
        )
        contents.append((place.parent / "large.uff").read_bytes())
        options = ["--settle", "0.01s", "--inbox", place, "--after", "move", "done"]
        arguments = [sshd.source, *sshd.login, *options]
        seconds = 0.0
        for number in range(RANDOM_KILLS // PARTS + 1):
            snapshot.empty()
            pipeline.Fetched.objects.all().delete()
            shutil.rmtree(sshd.folder / "done", ignore_errors=True)
            for name, content in enumerate(contents):
                (sshd.folder / f"{name}.uff").write_bytes(content)
            started = time.monotonic()
            command = launcher.start("collect", *arguments)
            if number == 0:  # undisturbed
                assert command.wait().code == 0
                seconds = time.monotonic() - started
                undisturbed = snapshot.take()
            else:
                time.sleep(draw.uniform(0, seconds))
                kill = functools.partial(command.signal, signal.SIGKILL)
                strikes: list[Callable[[], None]] = [kill, sshd.cut, sshd.restart]
                draw.choice(strikes)()
                ended = command.wait()
                assert "Traceback" not in ended.err
                last = run("collect", *arguments)
                assert last.code == 0, last

            assert snapshot.take() == undisturbed
            assert len(list((sshd.folder / "done").iterdir())) == len(contents)
            assert not list(sshd.folder.glob("*.uff"))
            assert pipeline.Fetched.objects.count() == len(contents)
            assert not list(place.iterdir())
        snapshot.assert_reconciled()
