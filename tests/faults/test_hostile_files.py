"""
Files that nobody should send, and paths at which there is none to read.

Sizes are cut down for everyday runs; in full, which takes some minutes:

    uv run pytest --times=10 tests/faults/test_hostile_files.py::TestSize
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import pathlib
import pwd
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

import psutil
import pytest

from etl.intake import sources
from tests import builder, depth
from tests import conftest as tests_conftest
from tests.benchmarks import generate
from tests.faults import forks, proxy, snapshot
from warehouse import models


ONE_FIELD_LINES = depth.rounds(quick=5_000, thorough=500_000)
NAMES = depth.rounds(quick=1_000, thorough=10_000)
LONG_LINE = depth.size(quick=1 << 26, thorough=1 << 30)  # bytes
BOMB = depth.size(quick=80 << 20, thorough=200 << 20)  # bytes that it unpacks to
FLAT = 120  # MiB that no load takes more than

pytestmark = pytest.mark.django_db(transaction=True)


def highest_memory(process: subprocess.Popen[str]) -> tuple[float, str]:
    """Wait for the end of a process, and return the most MiB that it had, and what it printed."""
    watched = psutil.Process(process.pid)
    highest = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal highest
        with contextlib.suppress(psutil.NoSuchProcess):
            while not done.wait(0.02):
                highest = max(highest, watched.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = process.communicate(timeout=1_800)
    done.set()
    watcher.join()
    assert err == ""
    return highest / 2**20, out


class TestFileThatChangesWhileItIsRead:
    """The file has been hashed and its envelope looked at; its lines are about to be copied."""

    @pytest.mark.parametrize(
        ("change", "is_refused"),
        [
            pytest.param(
                lambda path: path.write_bytes(path.read_bytes() + b"030|S|"), True, id="grows"
            ),
            pytest.param(
                lambda path: os.truncate(path, 70_000),
                True,
                id="shrinks",
                marks=pytest.mark.thorough,
            ),
            pytest.param(
                lambda path: path.write_bytes(b"x" * 200_000),
                True,
                id="is overwritten",
                marks=pytest.mark.thorough,
            ),
            pytest.param(
                lambda path: path.write_bytes(path.read_bytes().replace(b"S|", b"\xe9|")),
                True,
                id="is no UTF-8 any more",
                marks=pytest.mark.thorough,
            ),
            pytest.param(
                lambda path: path.unlink(), False, id="disappears", marks=pytest.mark.thorough
            ),
            pytest.param(
                lambda path: path.with_name("not it.uff").replace(path),
                False,
                id="is replaced",
                marks=pytest.mark.thorough,
            ),
        ],
    )
    def test_is_loaded_as_it_was_or_not_at_all(
        self,
        launcher: forks.Launcher,
        between: proxy.Proxy,
        tmp_path: pathlib.Path,
        change: Callable[[pathlib.Path], object],
        is_refused: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        path = tmp_path / "changing.uff"
        generate.write_flow_file(path, readings=4_000)
        other = tmp_path / "not it.uff"
        generate.write_flow_file(other, readings=2_000, first=50_000)
        good = tmp_path / "good.uff"
        good.write_bytes(builder.simple())

        def strike() -> bool:
            change(path)
            return False

        between.arm(lambda _, label: label == "SELECT nextval", proxy.Moment.BEFORE, strike)
        ended = launcher.run("load_d0010", "--batch", path, good)

        assert between.has_struck.is_set()
        assert f"{good}: loaded (1 reading)" in ended.out
        if is_refused:
            assert ended.code == 1
            assert f"{path}: failed (the file was written to while it was read)" in ended.out
            assert models.FlowFile.objects.get().file_name == "good.uff"
        else:
            assert ended.code == 0
            assert f"{path}: loaded (4,000 readings)" in ended.out
        snapshot.assert_reconciled()


class TestFileThatCannotBeReadTwice:
    def test_fails_alone_and_says_why(
        self,
        run: tests_conftest.Run,
        write: tests_conftest.Write,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        files = [write(builder.simple(file_id=name), f"{name}.uff") for name in "123"]
        content = sources.Source.content

        def content_or_error(source: sources.Source) -> BinaryIO:
            if source.name == "2.uff":  # as when its disk breaks, or its server is gone
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return content(source)

        monkeypatch.setattr(sources.Source, "content", content_or_error)
        ended = run("load_d0010", "--batch", *files)

        assert ended.code == 1
        assert f"{files[1]}: failed (Input/output error)" in ended.out
        assert ended.out.count("loaded (1 reading)") == 2
        assert models.FlowFile.objects.count() == 2
        snapshot.assert_reconciled()


class TestPath:
    @pytest.fixture
    def good(self, tmp_path: pathlib.Path) -> pathlib.Path:
        path = tmp_path / "good.uff"
        path.write_bytes(builder.simple())
        return path

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            pytest.param(os.mkfifo, "not a regular file", id="FIFO"),
            pytest.param(
                lambda path: path.symlink_to("/dev/zero"), "not a regular file", id="device"
            ),
            pytest.param(
                lambda path: path.symlink_to(path), "Too many levels of symbolic", id="loop"
            ),
            pytest.param(
                lambda path: path.symlink_to("nothing"), "No such file", id="broken link"
            ),
            pytest.param(
                lambda path: path.with_suffix(".gz").write_bytes(b"\x1f\x8b\x08broken"),
                "failed (the gzip data is damaged)",
                id="broken gzip",
            ),
            pytest.param(
                lambda path: path.write_bytes(gzip.compress(builder.simple()) + b"ga"),
                "failed (the gzip data is followed by 2 bytes that are no gzip)",
                id="garbage behind gzip",
            ),
            pytest.param(
                lambda path: path.write_bytes(gzip.compress(builder.simple())[:-9]),
                "failed (the gzip data is cut short)",
                id="cut gzip",
            ),
        ],
    )
    def test_that_is_no_file_to_read_fails_alone_and_says_why(
        self,
        run: tests_conftest.Run,
        good: pathlib.Path,
        make: Callable[[pathlib.Path], object],
        reason: str,
    ) -> None:
        make(good.parent / "odd.uff")

        ended = run("load_d0010", *good.parent.iterdir())

        assert ended.code == 1
        assert f"{good}: loaded (1 reading)" in ended.out
        assert "failed (" in ended.out
        assert reason in ended.out
        assert models.FlowFile.objects.get().file_name == "good.uff"
        snapshot.assert_reconciled()

    @pytest.fixture
    def open_folder(self) -> Iterator[pathlib.Path]:
        """Make a folder that every account can pass through, unlike pytest's own."""
        with tempfile.TemporaryDirectory(prefix="d0010-", dir="/tmp") as name:
            folder = pathlib.Path(name)
            folder.chmod(0o755)
            yield folder

    @pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
    def test_that_may_not_be_read_fails_alone(
        self,
        open_folder: pathlib.Path,
        is_folder: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        good, secret = open_folder / "good.uff", open_folder / "secret"
        good.write_bytes(builder.simple())
        if is_folder:
            secret.mkdir()
        else:
            secret.write_bytes(builder.simple("2.0", file_id="2"))
        secret.chmod(0)
        # Root may read all, so another account asks.
        uid = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        code = (
            "from etl.intake import paths, sources\n"
            "import os, sys\n"
            f"os.setuid({uid})\n"
            "for path in paths.find(sys.argv[1:]).paths:\n"
            "    try:\n"
            "        print(sources.Source(sources.Arrival(path=path)).name)\n"
            "    except sources.UnreadableError as error:\n"
            "        print(error)\n"
        )

        out = subprocess.check_output(
            [sys.executable, "-c", code, secret, good],
            cwd=forks.ROOT,
            text=True,
        )

        assert out == "Permission denied\ngood.uff\n"

    def test_that_is_longer_than_names_may_be_fails_alone(
        self, run: tests_conftest.Run, good: pathlib.Path
    ) -> None:
        ended = run("load_d0010", "x" * 5_000, good)

        assert "failed (File name too long)" in ended.out
        assert f"{good}: loaded (1 reading)" in ended.out


class TestSize:
    def test_of_a_bomb_is_bounded(
        self, start: Callable[..., subprocess.Popen[str]], tmp_path: pathlib.Path
    ) -> None:
        path, folder = tmp_path / "bomb.gz", tmp_path / "temporary"
        with gzip.open(path, "wb", compresslevel=1) as bomb:
            for _ in range(BOMB >> 20):
                bomb.write(bytes(1 << 20))
        folder.mkdir()

        memory, out = highest_memory(start("load_d0010", path, TMPDIR=str(folder)))

        most = max(sources.SMALLEST_TRAP, sources.LARGEST_RATIO * path.stat().st_size)
        assert f"failed (unpacks to more than {most:,} bytes, which is no flow file's" in out
        assert memory < FLAT
        assert [*folder.iterdir()] == []

    @pytest.mark.thorough
    @pytest.mark.parametrize("is_piped", [False, True], ids=["file", "pipe"])
    def test_of_a_line_of_a_gigabyte_takes_no_memory(
        self,
        start: Callable[..., subprocess.Popen[str]],
        tmp_path: pathlib.Path,
        is_piped: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        path = tmp_path / "long.uff"
        path.write_bytes(b"ZHV|")
        os.truncate(path, LONG_LINE // 8 if is_piped else LONG_LINE)
        if is_piped:
            with path.open("rb") as content:
                process = start("load_d0010", "-", stdin=content)
        else:
            process = start("load_d0010", path)

        memory, out = highest_memory(process)

        assert "rejected (line 1: expected records of at most 208 characters" in out
        assert memory < FLAT
        assert models.FlowFile.objects.get().status == "REJECTED"

    @pytest.mark.thorough
    def test_of_millions_of_lines_of_one_field_takes_no_memory(
        self, start: Callable[..., subprocess.Popen[str]], tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "lines.uff"
        with path.open("w", encoding="ascii") as flow_file:
            flow_file.write("ZHV|1|D0010002|D|UDMS|X|MRCY|20240201120000||||OPER|\n")
            for _ in range(ONE_FIELD_LINES // 1_000):
                flow_file.write("030\n" * 1_000)
            flow_file.write(f"ZPT|1|{ONE_FIELD_LINES}||0|20240201121500|\n")

        memory, out = highest_memory(start("load_d0010", path))

        assert f"{ONE_FIELD_LINES:,} lines rejected" in out
        assert memory < FLAT
        snapshot.assert_reconciled()

    @pytest.mark.thorough
    def test_of_a_folder_with_very_many_names_is_no_matter(
        self, start: Callable[..., subprocess.Popen[str]], tmp_path: pathlib.Path
    ) -> None:
        contents = [builder.simple(file_id=f"{number:010d}") for number in range(50)]
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        for number in range(NAMES):
            path = inbox / f"{number}.uff"
            if number < len(contents):
                path.write_bytes(contents[number])
            else:
                path.hardlink_to(inbox / f"{number % len(contents)}.uff")

        memory, out = highest_memory(start("load_d0010", "--batch", inbox))

        assert out.endswith(
            f"{NAMES:,} files: {len(contents)} loaded, {NAMES - len(contents):,} duplicate;"
            f" {len(contents)} readings, 0 rejected lines\n"
        ), out[-200:]
        assert models.Delivery.objects.count() == NAMES
        assert memory < FLAT + 50
        snapshot.assert_reconciled()
