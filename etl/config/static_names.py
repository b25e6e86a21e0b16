"""
Names of static files that tell their content, so that browsers keep them for good.

Nothing is collected and nothing written: the files are served from the packages they came in.
"""

from __future__ import annotations

import functools
import hashlib
import pathlib
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles import finders, storage


HASHED = r"\.[0-9a-f]{12}(\.\w+)?$"


class Storage(storage.StaticFilesStorage):
    """Puts a hash of the content into the address of each file."""

    def url(self, name: str | None, force: bool = False) -> str:  # noqa: ARG002, FBT001, FBT002 - the signature is Django's
        return super().url(_hashed(name or ""))


class Finder(finders.BaseFinder):
    """Finds a file by its name with the hash, beside the finders that do without."""

    def check(self, **_: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:  # noqa: FBT001, FBT002 - the signature is Django's
        plain = re.sub(HASHED, r"\1", path)
        found = _place(plain) if plain != path and _hashed(plain) == path else None
        if find_all:
            return [found] if found else []
        return found

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Any]]:
        for finder in finders.get_finders():
            if finder is not self and not isinstance(finder, Finder):
                for name, _ in finder.list(ignore_patterns):
                    yield _hashed(name), self

    def path(self, name: str) -> str:
        """Return where a file that was listed is, as a storage does."""
        return str(self.find(name))


@functools.cache
def _place(name: str) -> str | None:
    found = finders.find(name)
    return str(found) if found else None


@functools.cache
def _hashed(name: str) -> str:
    place = _place(name)
    if place is None or not pathlib.Path(place).is_file():
        return name
    digest = hashlib.sha256(pathlib.Path(place).read_bytes()).hexdigest()
    root, extension = posixpath.splitext(name)
    return f"{root}.{digest[:12]}{extension}"
