"""Where contents come from: files, directories, quoted globs, gzip, standard input."""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import pathlib
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, BinaryIO, cast


STANDARD_INPUT = "-"
# A content of up to this size is held, so that it is read once and can't change meanwhile.
LARGEST_HELD = 65_536


class UnreadableError(Exception):
    """A path that gives no content; the message says why."""


class Source:
    """
    One content that can be read more than once: the file itself, or a private copy of it.

    `sha256` is over the bytes and `size` their number; where the hash is that of a known content,
    the records are the same.
    """

    def __init__(self, path: str) -> None:
        """
        Open the path, unpack it if its name ends in `.gz`, and hash it.

        :raises UnreadableError: if it is no regular file, or can't be read or unpacked
        """
        self.path = path
        self.name = "standard input" if path == STANDARD_INPUT else pathlib.PurePath(path).name
        try:
            self._content = self._open()
            self.sha256, self.size = _sha256(self._content)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnreadableError(reason) from error

    def _open(self) -> BinaryIO:
        if self.path == STANDARD_INPUT:
            return _copy_of(sys.stdin.buffer)
        if self.path.endswith(".gz"):
            with _regular_file(self.path), gzip.open(self.path, "rb") as packed:
                return _copy_of(packed)
        content = _regular_file(self.path)
        head = content.read(LARGEST_HELD + 1)
        if len(head) <= LARGEST_HELD:
            content.close()
            return io.BytesIO(head)
        return content

    def content(self) -> BinaryIO:
        """Return the content, at its beginning; it stays open until `close`."""
        self._content.seek(0)
        return self._content

    def close(self) -> None:
        self._content.close()


def find_paths(patterns: Iterable[str]) -> Iterator[str]:
    """
    Yield the paths that the arguments name: files, the files of directories, matches of globs.

    What names nothing is yielded as it is; opening it then tells why.
    """
    for pattern in patterns:
        path = pathlib.Path(pattern)
        if pattern != STANDARD_INPUT and path.is_dir():
            yield from sorted(str(inner) for inner in path.iterdir() if inner.is_file())
        elif pattern != STANDARD_INPUT and not path.exists() and glob.has_magic(pattern):
            matches = glob.glob(pattern)  # noqa: PTH207 - pathlib refuses absolute patterns
            yield from sorted(matches) or [pattern]
        else:
            yield pattern


def _regular_file(path: str) -> BinaryIO:
    # A FIFO would block in open(), a device might never end: look before opening.
    if not stat.S_ISREG(pathlib.Path(path).stat().st_mode):
        raise UnreadableError("not a regular file")
    return pathlib.Path(path).open("rb")


def _copy_of(stream: IO[bytes] | gzip.GzipFile) -> BinaryIO:
    # Closed by close(); it is a BinaryIO in all but name.
    copy = tempfile.SpooledTemporaryFile(max_size=LARGEST_HELD)  # noqa: SIM115 - see above
    try:
        shutil.copyfileobj(stream, copy, LARGEST_HELD)
    except BaseException:
        copy.close()
        raise
    return cast("BinaryIO", copy)


def _sha256(content: BinaryIO) -> tuple[str, int]:
    content.seek(0)
    digest = hashlib.sha256()
    size = 0
    while block := content.read(262_144):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
