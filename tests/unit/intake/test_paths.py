from __future__ import annotations

import os
import pathlib

import pytest

from etl.intake import paths


@pytest.fixture
def tree(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Make a tree of files in the current folder."""
    for name in ("top.uff", "a/b/two.uff", "a/b/two.txt", "c/one.uff", ".hidden/three.uff"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestFind:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("**/*.uff", ["a/b/two.uff", "c/one.uff", "top.uff"]),
            ("**/two.*", ["a/b/two.txt", "a/b/two.uff"]),
            ("a/**/*.uff", ["a/b/two.uff"]),
            ("a/**/**/*.uff", ["a/b/two.uff"]),
            ("**/b/**", ["a/b/two.txt", "a/b/two.uff"]),
            ("**", ["a/b/two.txt", "a/b/two.uff", "c/one.uff", "top.uff"]),
            ("?/*", ["a/b/two.txt", "a/b/two.uff", "c/one.uff"]),
            ("[c-z]", ["c/one.uff"]),
            ("none/**/*.uff", ["none/**/*.uff"]),
            ("-", ["-"]),
            ("none.uff", ["none.uff"]),
            ("x" * 5_000, ["x" * 5_000]),
        ],
    )
    @pytest.mark.usefixtures("tree")
    def test_goes_down_any_depth_where_that_is_asked_for(
        self, pattern: str, expected: list[str]
    ) -> None:
        found = paths.find([pattern])

        assert found == paths.Found(paths=expected, notes=[])

    def test_goes_from_the_root_of_the_file_system(self, tree: pathlib.Path) -> None:
        found = paths.find([f"{tree}/**/*.uff"])

        assert [str(pathlib.Path(path).relative_to(tree)) for path in found.paths] == [
            "a/b/two.uff",
            "c/one.uff",
            "top.uff",
        ]

    def test_goes_round_in_no_circles(self, tree: pathlib.Path) -> None:
        for name in ("a/loop", "a/b/loop", "a/b/again"):
            (tree / name).symlink_to(tree / "a")

        found = paths.find(["**/*.uff"])

        assert found.paths == ["a/b/two.uff", "c/one.uff", "top.uff"]
        assert found.notes == [
            f"{link}: a link to a folder, skipped" for link in ("a/b/again", "a/b/loop", "a/loop")
        ]

    def test_takes_a_name_with_signs_of_a_glob_as_it_is(self, tree: pathlib.Path) -> None:
        (tree / "[1].uff").touch()

        assert paths.find(["[1].uff"]).paths == ["[1].uff"]

    @pytest.mark.usefixtures("tree")
    def test_leaves_to_whoever_opens_it_what_can_not_be_looked_into(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look = os.scandir

        def look_or_fail(path: str) -> object:
            if path.rstrip("/") == "a/b":
                raise PermissionError
            return look(path)

        monkeypatch.setattr(os, "scandir", look_or_fail)

        assert paths.find(["a/**/*.uff"]).paths == ["a/b/"]
        assert paths.find(["a/*"]).paths == ["a/b"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read, and make, files of others")
class TestLinksForRoot:
    OWNER = 4_711  # of the folder and what is put into it

    @pytest.fixture
    def drop(self, tmp_path: pathlib.Path) -> pathlib.Path:
        """Make a folder of somebody's, with links to root's files in it, and to their own."""
        (tmp_path / "secret").mkdir()
        for name in ("secret/roots.uff", "theirs.uff"):
            (tmp_path / name).touch()
        drop = tmp_path / "drop"
        drop.mkdir()
        for name, target in {
            "astray.uff": "../secret/roots.uff",
            "folder": "../secret",
            "own.uff": "../theirs.uff",
            "within.uff": "roots.uff",
        }.items():
            (drop / name).symlink_to(target)
        (drop / "plain.uff").touch()
        for path in (tmp_path / "theirs.uff", drop, *drop.iterdir()):
            os.chown(path, self.OWNER, -1, follow_symlinks=False)
        (drop / "roots.uff").touch()  # which lies within the folder, so it is meant
        return drop

    @pytest.mark.parametrize("pattern", ["", "/*", "/**"])
    def test_are_not_followed_to_files_of_another_owner(
        self, drop: pathlib.Path, pattern: str
    ) -> None:
        found = paths.find([f"{drop}{pattern}"])

        names = [str(pathlib.Path(path).relative_to(drop)) for path in found.paths]
        assert names == ["own.uff", "plain.uff", "roots.uff", "within.uff"]
        assert (
            f"{drop}/astray.uff: a link out of the folder to a file of another owner, not read;"
            " --follow-links reads it"
        ) in found.notes

    def test_are_followed_where_that_is_meant(self, drop: pathlib.Path) -> None:
        found = paths.find([f"{drop}/*"], follows_links=True)

        names = {str(pathlib.Path(path).relative_to(drop)) for path in found.paths}
        assert {"astray.uff", "folder/roots.uff", "own.uff"} <= names

    def test_are_followed_where_they_are_named(self, drop: pathlib.Path) -> None:
        assert paths.find([f"{drop}/astray.uff"]).paths == [f"{drop}/astray.uff"]

    def test_are_those_of_a_folder_that_others_write_to(self, drop: pathlib.Path) -> None:
        os.chown(drop, 0, -1)

        assert f"{drop}/astray.uff" not in paths.find([str(drop)]).paths
