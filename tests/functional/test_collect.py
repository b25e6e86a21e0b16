"""Files that are collected from a folder; tests/faults/test_sftp.py has servers."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Callable

import pytest

from etl import models as pipeline
from etl.intake import folders, inbox
from etl.postgres import claims
from etl.usecases import load
from tests import builder, conftest
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)

Collect = Callable[..., conftest.Ended]


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


@pytest.fixture
def collect(run: conftest.Run, source: pathlib.Path, tmp_path: pathlib.Path) -> Collect:
    def collect(*arguments: object) -> conftest.Ended:
        place = ["--inbox", tmp_path / "inbox", "--settle", "0.001s"]
        return run("collect", source, *place, *arguments)

    return collect


def names(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


class TestCollect:
    def test_loads_a_file_once_and_leaves_it(
        self, collect: Collect, source: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())

        first, second = collect(), collect()

        assert (first.code, second.code) == (0, 0)
        assert f"{source}/a.uff: loaded (1 reading)" in first.out
        assert second.out.startswith("0 files")
        delivery = models.Delivery.objects.get()
        assert (delivery.origin, delivery.path) == ("FOLDER", f"{source}/a.uff")
        assert delivery.brought_by
        assert (names(source), names(tmp_path / "inbox")) == (["a.uff"], [])

    def test_clears_the_inbox_of_what_a_kill_left_behind_a_stored_outcome(
        self, collect: Collect, source: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        collect()
        unfinished = tmp_path / "inbox" / ("0" * 64)
        unfinished.touch()
        left = tmp_path / "inbox" / pipeline.Fetched.objects.get().key
        left.write_bytes(builder.simple())

        ended = collect()

        assert ended.out.startswith("0 files")
        assert names(tmp_path / "inbox") == [unfinished.name]

    def test_takes_a_late_file_with_an_old_name_or_an_old_time(
        self, collect: Collect, source: pathlib.Path
    ) -> None:
        (source / "b.uff").write_bytes(builder.simple())
        collect()
        (source / "a.uff").write_bytes(builder.simple(file_id="2"))
        os.utime(source / "a.uff", (0, 0))
        (source / "b.uff").write_bytes(builder.simple(file_id="3", value="3.0"))

        ended = collect()

        assert "2 files: 2 loaded" in ended.out
        assert models.FlowFile.objects.count() == 3

    def test_takes_every_known_flow(self, collect: Collect, source: pathlib.Path) -> None:
        (source / "d0086.uff").write_bytes(builder.mirrored(builder.simple()))

        assert "1 file: 1 loaded; 1 reading" in collect().out

    def test_takes_no_file_that_is_unfinished_or_no_file(
        self, collect: Collect, source: pathlib.Path
    ) -> None:
        for name in ("a.uff.part", "b.TMP", "c.filepart", ".d.uff"):
            (source / name).write_bytes(builder.simple())
        (source / "folder").mkdir()
        (source / "link.uff").symlink_to(conftest.SAMPLE)
        os.mkfifo(source / "pipe.uff")

        assert collect().out.startswith("0 files")

    def test_takes_no_file_that_still_grows(
        self, collect: Collect, source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = builder.simple()
        (source / "a.uff").write_bytes(content[:50])
        (source / "b.uff").write_bytes(builder.simple(file_id="2"))

        def grow(_: float) -> None:
            with (source / "a.uff").open("ab") as file:
                file.write(content[50:])

        with monkeypatch.context() as patch:
            patch.setattr(time, "sleep", grow)
            early = collect()

        assert "1 file: 1 loaded" in early.out
        assert "a.uff: loaded" in collect().out

    def test_leaves_what_changes_while_it_is_fetched_to_the_next_pass(
        self, collect: Collect, source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        (source / "b.uff").write_bytes(builder.simple(file_id="2"))
        blocks = folders.Folder.blocks

        def replace(self: folders.Folder, entry: object, *, offset: int) -> object:
            (source / "a.uff").write_bytes(builder.simple(file_id="3", value="7.0"))
            return blocks(self, entry, offset=offset)  # type: ignore[arg-type] # handed on

        with monkeypatch.context() as patch:
            patch.setattr(folders.Folder, "blocks", replace)
            early = collect()

        assert early.code == 1
        assert "a.uff: failed (it changed while it was fetched" in early.out
        assert "b.uff: loaded" in early.out
        assert "a.uff: loaded" in collect().out
        assert set(models.Reading.objects.values_list("value", flat=True)) == {7, 100}

    def test_leaves_to_another_collector_what_that_works_at(
        self, collect: Collect, source: pathlib.Path
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        (source / "b.uff").write_bytes(builder.simple(file_id="2"))
        [key] = [
            entry.key(str(source))
            for entry in folders.Folder(str(source)).entries()
            if entry.name == "a.uff"
        ]

        with claims.claimed([key]) as mine:
            beside = collect()

        assert mine == {key}
        assert "1 file: 1 loaded" in beside.out
        assert "a.uff: loaded" in collect().out

    def test_goes_on_from_what_is_on_the_disk_for_certain(
        self, collect: Collect, source: pathlib.Path, tmp_path: pathlib.Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(inbox, "SYNCED_STEP", 50)
        content = builder.simple()
        (source / "a.uff").write_bytes(content)
        [entry] = folders.Folder(str(source)).entries()
        (tmp_path / "inbox").mkdir(mode=0o700)
        # Behind the last step a crash may leave anything.
        part = tmp_path / "inbox" / f"{entry.key(str(source))}.part"
        part.write_bytes(content[:100] + bytes(20))
        offsets = []
        blocks = folders.Folder.blocks

        def note(self: folders.Folder, entry: object, *, offset: int) -> object:
            offsets.append(offset)
            return blocks(self, entry, offset=offset)  # type: ignore[arg-type] # handed on

        monkeypatch.setattr(folders.Folder, "blocks", note)

        assert collect().code == 0
        assert offsets == [100]

    def test_remembers_nothing_of_what_failed_for_want_of_room(
        self, collect: Collect, source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())

        def full(_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(inbox, "_sync", full)
            early = collect("--after", "delete", "--refused", "refused")

        assert "a.uff: failed (No space left on device)" in early.out
        assert (names(source), pipeline.Fetched.objects.count()) == (["a.uff"], 0)
        assert "a.uff: loaded" in collect().out


class TestClearing:
    @pytest.mark.parametrize(
        ("after", "left", "moved"),
        [
            (["leave"], ["bad.uff", "good.uff"], []),
            (["delete"], ["bad.uff"], []),
            (["move", "done"], ["bad.uff", "done"], ["good.uff"]),
        ],
        ids=["leave", "delete", "move"],
    )
    def test_clears_away_what_is_stored_alone(
        self,
        collect: Collect,
        source: pathlib.Path,
        after: list[str],
        left: list[str],
        moved: list[str],
    ) -> None:
        (source / "good.uff").write_bytes(builder.simple())
        (source / "bad.uff").write_bytes(b"hello\n")

        ended = collect("--after", *after)

        assert ended.code == 1
        assert "2 files: 1 rejected, 1 loaded" in ended.out
        assert (names(source), names(source / "done")) == (left, moved)

    def test_moves_refused_files_apart_and_takes_the_place_of_none(
        self, collect: Collect, source: pathlib.Path
    ) -> None:
        for content in (b"hello\n", b"\x1f\x8b broken gzip"):
            (source / "bad.uff").write_bytes(content)
            assert collect("--refused", "refused", "--after", "delete").code == 1

        assert names(source / "refused") == ["bad.uff", "bad.uff.1"]
        assert (source / "refused" / "bad.uff").read_bytes() == b"hello\n"
        assert names(source) == ["refused"]

    def test_clears_away_later_what_an_earlier_pass_could_not(
        self, collect: Collect, source: pathlib.Path
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        (source / "file").write_bytes(builder.simple(file_id="2"))

        early = collect("--after", "move", "file")
        late = collect("--after", "delete")

        assert early.code == 1
        assert f"{source}/a.uff: loaded, but can't be moved to file: File exists" in early.err
        assert (late.code, names(source)) == (0, [])
        assert models.Delivery.objects.count() == 2

    def test_clears_away_no_file_that_came_under_the_name_meanwhile(
        self, collect: Collect, source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        load_files = load.load_files

        def replace(**arguments: object) -> object:
            (source / "a.uff").write_bytes(builder.simple(file_id="2", value="7.0"))
            return load_files(**arguments)  # type: ignore[arg-type] # handed on

        with monkeypatch.context() as patch:
            patch.setattr(load, "load_files", replace)
            collect("--after", "delete")

        assert names(source) == ["a.uff"]
        assert "loaded (1 reading)" in collect("--after", "delete").out
        assert names(source) == []


class TestSource:
    def test_is_closed_at_the_end_whether_it_could_be_used_or_not(
        self, collect: Collect, source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[str] = []
        monkeypatch.setattr(folders.Folder, "close", lambda place: closed.append(place.name))

        codes = [collect().code]
        source.rmdir()
        codes.append(collect().code)

        assert (codes, closed) == ([0, 1], [str(source)] * 2)


class TestMistake:
    def test_tells_of_a_source_that_is_not_there_and_goes_on(
        self, run: conftest.Run, source: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        nowhere, place = tmp_path / "nowhere", tmp_path / "inbox"

        ended = run("collect", nowhere, source, "--inbox", place, "--settle", "0.001s")

        assert (ended.code, ended.err) == (1, f"{nowhere}: No such file or directory.\n")
        assert "1 file: 1 loaded" in ended.out

    def test_refuses_an_inbox_that_others_may_write_to(
        self, collect: Collect, source: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        (source / "a.uff").write_bytes(builder.simple())
        (tmp_path / "inbox").mkdir()
        (tmp_path / "inbox").chmod(0o777)

        ended = collect()

        assert ended.code == 1
        assert "others may write to it; make it private" in ended.err

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["x", "--after", "move"], "expected leave, delete, or move and one folder"),
            (["x", "--after", "burn"], "expected leave, delete, or move and one folder"),
            (["x", "--every", "60"], "'60' is no time: expected 60s, 5m or 1h"),
            (["x", "--every", "0s"], "'0s' is no time: expected 60s, 5m or 1h"),
            (["sftp://u@h/x", "--key", "k"], "sftp://u@h/x: expected --host-key-file"),
            (["sftp://u@h/x", "--known-hosts", "k"], "expected --key, --password-file or"),
            (["sftp://u:secret@h/x", "--known-hosts", "k"], "a password in it is seen by others"),
            (["sftp://h/x", "--known-hosts", "k"], "expected sftp://USER@HOST/FOLDER"),
        ],
        ids=[
            "nowhere to move to",
            "an unknown act",
            "no unit",
            "no pause",
            "no host key",
            "no login",
            "a password for all to see",
            "no user",
        ],
    )  # fmt: skip
    def test_refuses_what_can_not_be_meant(
        self, run: conftest.Run, arguments: list[str], message: str
    ) -> None:
        ended = run("collect", *arguments)

        assert ended.code == 2
        assert message in ended.err
        assert "secret" not in ended.err
