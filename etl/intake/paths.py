"""Which files the arguments of a command name: files, directories, quoted globs."""

from __future__ import annotations

import dataclasses
import functools
import glob
import itertools
import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from . import sources


_ANY_DEPTH = "**"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """The paths to open, in order, and in a sentence each what was passed over."""

    paths: Sequence[str]
    notes: Sequence[str] = ()


def find(patterns: Iterable[str], *, follows_links: bool = False) -> Found:
    """
    Return what the arguments name: files, the files of directories, the matches of globs.

    Root can read everything, so for root a link that somebody has put into a folder, to a file of
    somebody else, is passed over unless `follows_links`. What names nothing, can't be looked into,
    or is a link to nothing, is among the paths as it is; opening it tells why.
    """
    paths: list[str] = []
    notes: list[str] = []
    for pattern in patterns:
        found = _named_by(pattern, is_wary=os.geteuid() == 0 and not follows_links)
        paths += found.paths
        notes += found.notes
        if not found.paths:
            notes.append(f"{pattern}: no files in it")
    return Found(paths=paths, notes=notes)


def _named_by(pattern: str, *, is_wary: bool) -> Found:
    if pattern == sources.STANDARD_INPUT:
        return Found(paths=[pattern])
    if _is_folder(pattern):
        found = _within([pattern])
        return _without_strange_links(found, pattern) if is_wary else found
    links: set[str] = set()
    is_glob = glob.has_magic(pattern) and not os.path.lexists(pattern)
    matches = set(_matches(pattern, links)) if is_glob else set()
    if not matches:
        return Found(paths=[pattern])
    folders = set(filter(_is_folder, matches))
    within = _within(sorted(folders))
    found = Found(
        paths=sorted((matches - folders).union(within.paths)),
        notes=[
            *(f"{link}: a link to a folder, skipped" for link in sorted(links - folders)),
            *within.notes,
        ],
    )
    return _without_strange_links(found, _fixed_part(pattern)) if is_wary else found


def _fixed_part(pattern: str) -> str:
    """Return the folder that a glob names before its first sign."""
    fixed = itertools.takewhile(lambda part: not glob.has_magic(part), pattern.split("/"))
    return "/".join([*fixed, ""]) or os.curdir


def _without_strange_links(found: Found, folder: str) -> Found:
    top = os.path.realpath(folder)

    @functools.cache
    def is_within(parent: str) -> bool:
        return os.path.commonpath([top, os.path.realpath(parent)]) == top

    # Nearly all are no links, and each folder is looked at once.
    strange = {
        path: None
        for path in found.paths
        if (os.path.islink(path) or not is_within(os.path.dirname(path)))  # noqa: PTH114, PTH120 - take what is no path as well
        and _is_strange(path, folder)
    }
    notes = [
        f"{path}: a link out of the folder to a file of another owner, not read;"
        " --follow-links reads it"
        for path in strange
    ]
    paths = [path for path in found.paths if path not in strange]
    return Found(paths=paths, notes=[*found.notes, *notes])


def _is_strange(path: str, folder: str) -> bool:
    """Tell whether a link below the folder leads out of it, to what its owner does not own."""
    top = os.path.realpath(folder)
    if os.path.commonpath([top, os.path.realpath(path)]) == top:
        return False
    step = folder
    try:
        owner = os.stat(path).st_uid  # noqa: PTH116 - takes what is no path as well
        for part in os.path.relpath(path, folder).split("/"):
            step = os.path.join(step, part)  # noqa: PTH118 - the same
            found = os.lstat(step)
            if stat.S_ISLNK(found.st_mode) and found.st_uid != owner:
                return True
    except OSError:  # opening it tells why
        pass
    return False


def _matches(pattern: str, links: set[str]) -> Iterator[str]:
    """
    Yield what a glob matches, where `**` is any number of folders, but goes into no links to any.

    Those are added to the `links`. A folder that can't be looked into is a match.
    """
    parts = pattern.split("/")
    if _ANY_DEPTH not in parts:
        yield from glob.glob(pattern)  # noqa: PTH207 - takes absolute ones
        return
    place = parts.index(_ANY_DEPTH)
    below = "/".join(parts[place + 1 :]) or "*"
    top = "/".join([*parts[:place], ""])
    folders = glob.glob(top) if top else [""]  # noqa: PTH207 - the same
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder or os.curdir) as entries:
                within = [entry for entry in entries if _is_folder(entry.path)]
        except OSError:
            yield folder
            continue
        yield from _matches(glob.escape(folder) + below, links)
        links.update(f"{folder}{entry.name}" for entry in within if entry.is_symlink())
        folders += [
            f"{folder}{entry.name}/"
            for entry in within
            if not entry.is_symlink() and not entry.name.startswith(".")
        ]


def _within(folders: Sequence[str]) -> Found:
    """Return the files that lie in the folders; folders in them are passed over, unless named."""
    paths: list[str] = []
    notes: list[str] = []
    named = set(map(os.path.normpath, folders))
    for folder in folders:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.path)
        except OSError:
            paths.append(folder)
            continue
        for entry in entries:
            if _is_to_be_opened(entry):
                paths.append(entry.path)
            elif not entry.is_dir():
                notes.append(f"{entry.path}: not a regular file, skipped")
            elif os.path.normpath(entry.path) not in named:
                notes.append(f"{entry.path}: a folder inside a folder, skipped")
    return Found(paths=paths, notes=notes)


def _is_to_be_opened(entry: os.DirEntry[str]) -> bool:
    try:
        is_link_to_nothing = entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110 - never raises
        return entry.is_file() or is_link_to_nothing
    except OSError:  # such as a link to itself
        return True


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - never raises
