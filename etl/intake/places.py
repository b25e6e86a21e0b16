"""Places that files are collected from: what each has to do, and which of its files are taken."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import Protocol


_UNFINISHED = (".part", ".tmp", ".filepart")


class UnavailableError(Exception):
    """A place that can't be used; the message says why."""


class ChangedError(OSError):
    """A file that is not what was found; there is another one, or it is still being written."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A file as its place tells of it; with another size or time it is another file."""

    name: str  # data, and never a path of this machine
    size: int
    modified_at: int  # as its place counts

    def key(self, place: str) -> str:
        """Return what tells it from all other files of all places."""
        facts = "\0".join([place, self.name, str(self.size), str(self.modified_at)])
        return hashlib.sha256(os.fsencode(facts)).hexdigest()


class Place(Protocol):
    """
    A folder, here or on another machine. Whatever fails for one file alone is an OSError.

    :raises UnavailableError: in each method, if the place itself can't be used
    """

    name: str
    origin: str

    def entries(self) -> Sequence[Entry]: ...

    def look_at(self, name: str) -> Entry: ...

    def blocks(self, entry: Entry, *, offset: int) -> Iterator[bytes]:
        """Yield what the file holds from there on, up to its size."""
        ...

    def move(self, entry: Entry, folder: str) -> None:
        """Move it to a folder, made if need be, in which it takes the place of no other."""
        ...

    def delete(self, entry: Entry) -> None: ...

    def close(self) -> None: ...


def is_taken(name: str) -> bool:
    """Tell whether a file of this name is meant for others, and finished."""
    is_path = "/" in name or name in {"", os.curdir, os.pardir}
    return not (is_path or name.startswith(".") or name.lower().endswith(_UNFINISHED))


def free_names(name: str) -> Iterator[str]:
    """Yield a name, and others for where that is taken."""
    yield name
    yield from (f"{name}.{number}" for number in range(1, 1_000))
