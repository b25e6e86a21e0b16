from __future__ import annotations

import gzip
import json
import os
import pathlib
import shutil

import pytest

from tests import builder, conftest, depth
from tests.functional import tables


pytestmark = pytest.mark.django_db(transaction=True)


class TestPaths:
    def test_may_be_a_directory_a_glob_or_packed(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        write(builder.simple("1.0", file_id="1"), "one.uff")
        write(gzip.compress(builder.simple("2.0", file_id="2")), "two.uff.gz")
        write(builder.simple("3.0", file_id="3"), "three.txt")

        by_glob = run("load_d0010", tmp_path / "*.uff*")
        by_directory = run("load_d0010", "--batch", tmp_path)

        assert (by_glob.code, by_directory.code) == (0, 0)
        assert by_glob.out.count(": loaded") == 2
        assert by_directory.out.count(": duplicate") == 2
        assert {value for _, _, _, value in tables.stored()} == {"1.0", "2.0", "3.0"}

    def test_in_a_directory_are_its_regular_files_and_the_rest_is_named(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        first = write(builder.simple("1.0", file_id="1"), "a.uff")
        second = write(builder.simple("2.0", file_id="2"), "b.uff")
        (tmp_path / "ab.uff").symlink_to(second)
        (tmp_path / "null.uff").symlink_to("/dev/null")
        (tmp_path / "folder.uff").mkdir()
        os.mkfifo(tmp_path / "fifo.uff")

        ended = run("load_d0010", tmp_path)

        assert ended.code == 0
        assert [line.partition(": ")[0] for line in ended.out.splitlines()[:-1]] == [
            str(first),
            str(tmp_path / "ab.uff"),
            str(second),
        ]
        assert ended.err.splitlines() == [
            f"{tmp_path}/fifo.uff: not a regular file, skipped",
            f"{tmp_path}/folder.uff: a folder inside a folder, skipped",
            f"{tmp_path}/null.uff: not a regular file, skipped",
        ]

    @pytest.mark.parametrize(
        ("target", "reason"),
        [("none.uff", "No such file or directory"), ("odd.uff", "Too many levels of symbolic")],
        ids=["link to nothing", "link to itself"],
    )
    def test_in_a_directory_that_are_links_to_no_file_fail(
        self,
        run: conftest.Run,
        write: conftest.Write,
        tmp_path: pathlib.Path,
        target: str,
        reason: str,
    ) -> None:
        good = write(builder.simple())
        (tmp_path / "odd.uff").symlink_to(target)

        ended = run("load_d0010", tmp_path)

        assert ended.code == 1
        assert f"{good}: loaded (1 reading)" in ended.out
        assert f"{tmp_path}/odd.uff: failed ({reason}" in ended.out

    @pytest.mark.parametrize(
        ("pattern", "loaded", "notes"),
        depth.some(
            [
                ("", ["top.uff"], ["/a: a folder inside", "/c: a folder inside"]),
                ("/a", [], ["/a/b: a folder inside", "/a: no files in it"]),
                ("/*", ["c/one.uff", "top.uff"], ["/a/b: a folder inside"]),
                ("/*.uff", ["top.uff"], []),
                ("/**/*.uff", ["a/b/two.uff", "c/one.uff", "top.uff"], []),
                ("/**/b/*.uff", ["a/b/two.uff"], []),
                ("/**", ["a/b/two.uff", "c/one.uff", "top.uff"], []),
                ("/a*", [], ["/a/b: a folder inside", "/a*: no files in it"]),
            ],
            one_of=3,
        ),
    )
    def test_may_go_down_a_tree(
        self,
        run: conftest.Run,
        tmp_path: pathlib.Path,
        pattern: str,
        loaded: list[str],
        notes: list[str],
    ) -> None:
        for number, name in enumerate(["top.uff", "a/b/two.uff", "c/one.uff"], start=1):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(builder.simple(f"{number}.0", file_id=f"{number}"))

        ended = run("load_d0010", f"{tmp_path}{pattern}")

        assert ended.code == 0
        assert ended.out.splitlines()[:-1] == [
            f"{tmp_path}/{name}: loaded (1 reading)" for name in loaded
        ]
        said = ended.err.splitlines()
        assert len(said) == len(notes)
        assert all(
            line.startswith(f"{tmp_path}{note}") for line, note in zip(said, notes, strict=True)
        )

    def test_that_give_nothing_fail_and_stop_nobody(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        good = write(builder.simple())
        broken = write(gzip.compress(builder.simple())[:40], "broken.gz")

        ended = run("load_d0010", "--batch", tmp_path / "none.uff", broken, "/dev/null", good)

        assert ended.code == 1
        assert "none.uff: failed (No such file or directory)" in ended.out
        assert "broken.gz: failed (the gzip data is cut short" in ended.out
        assert "/dev/null: failed (not a regular file)" in ended.out
        assert f"{good}: loaded (1 reading)" in ended.out

    def test_print_as_one_json_object_each(self, run: conftest.Run, write: conftest.Write) -> None:
        path = write(builder.simple(), "\x1b[31m.uff")

        plain, as_json = run("load_d0010", path), run("load_d0010", "--json", path)

        assert "\x1b" not in plain.out
        assert json.loads(as_json.out)["outcome"] == "duplicate"


class TestRepeatedPaths:
    def test_given_twice_in_a_row_load_once_though_the_first_is_still_in_work(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple("1.0", file_id="1"))
        copy = pathlib.Path(shutil.copy(path, path.with_name("copy.uff")))
        other = write(builder.simple("2.0", file_id="2"), "other.uff")

        ended = run("load_d0010", path, copy, path, other)

        assert ended.out.splitlines() == [
            f"{path}: loaded (1 reading)",
            f"{copy}: duplicate (same content as {path.name})",
            f"{path}: duplicate (same content as {path.name})",
            f"{other}: loaded (1 reading)",
            "4 files: 2 loaded, 2 duplicate; 2 readings, 0 rejected lines",
        ]

    def test_given_twice_load_once(self, run: conftest.Run, write: conftest.Write) -> None:
        path = write(builder.simple())
        copy = pathlib.Path(shutil.copy(path, path.with_name("copy.uff")))

        ended = run("load_d0010", "--batch", path, copy, path)

        assert [line.partition(": ")[2][:9] for line in ended.out.splitlines()[:3]] == [
            "loaded (1",
            "duplicate",
            "duplicate",
        ]
        assert tables.counts()["reading"] == 1
