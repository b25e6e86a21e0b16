"""Where contents come from: files, directories, quoted globs, gzip, standard input."""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import math
import os
import pathlib
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, BinaryIO, cast


STANDARD_INPUT = "-"
# A content of up to this size is held, so that it is read once and can't change meanwhile.
LARGEST_HELD = 65_536
# Packed flow files unpack to ten or twenty times their size; what goes far beyond is a trap.
LARGEST_RATIO = 100
SMALLEST_TRAP = 67_108_864  # bytes; below this no ratio matters


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
        self.path = storable(path)
        self.name = (
            "standard input" if path == STANDARD_INPUT else pathlib.PurePath(self.path).name
        )
        try:
            self._content = self._open(path)
            self.sha256, self.size = _sha256(self._content)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnreadableError(reason) from error

    def _open(self, path: str) -> BinaryIO:
        if path == STANDARD_INPUT:
            return _copy_of(sys.stdin.buffer)
        content = _regular_file(path)
        if path.endswith(".gz"):
            with content, gzip.GzipFile(fileobj=content) as packed:
                packed_size = os.fstat(content.fileno()).st_size
                return _copy_of(packed, limit=max(LARGEST_RATIO * packed_size, SMALLEST_TRAP))
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


def storable(name: str) -> str:
    """Return a file name as text; bytes of it that are no UTF-8 are written as escapes."""
    return os.fsencode(name).decode(errors="backslashreplace")


def find_paths(patterns: Iterable[str]) -> Iterator[str]:
    """
    Yield the paths that the arguments name: files, what lies in directories, matches of globs.

    What lies in a directory and is no regular file, nor a link to one, is left out. What names
    nothing, or can't be looked into, is yielded as it is; opening it then tells why.
    """
    for pattern in patterns:
        try:
            found = _paths_of(pattern)
        except OSError:
            found = [pattern]
        yield from found


def _paths_of(pattern: str) -> Sequence[str]:
    path = pathlib.Path(pattern)
    if pattern == STANDARD_INPUT:
        return [pattern]
    if path.is_dir():
        with os.scandir(path) as entries:
            return sorted(entry.path for entry in entries if _is_regular(entry))
    if not path.exists() and glob.has_magic(pattern):
        return sorted(glob.glob(pattern)) or [pattern]  # noqa: PTH207 - takes absolute ones
    return [pattern]


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # such as a link to itself
        return False


def _regular_file(path: str) -> BinaryIO:
    # A FIFO would block in a plain open(), and a device might never end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("not a regular file")
    return os.fdopen(descriptor, "rb")


def _copy_of(stream: IO[bytes] | gzip.GzipFile, *, limit: float = math.inf) -> BinaryIO:
    # Closed by close(); it is a BinaryIO in all but name.
    copy = tempfile.SpooledTemporaryFile(max_size=LARGEST_HELD)  # noqa: SIM115 - see above
    try:
        for block in _blocks(stream, limit):
            copy.write(block)
    except BaseException:
        copy.close()
        raise
    return cast("BinaryIO", copy)


def _blocks(stream: IO[bytes] | gzip.GzipFile, limit: float) -> Iterator[bytes]:
    size = 0
    while block := stream.read(LARGEST_HELD):
        size += len(block)
        if size > limit:
            raise UnreadableError(
                f"unpacks to more than {limit:,} bytes, which is no flow file's ratio"
            )
        yield block


def _sha256(content: BinaryIO) -> tuple[str, int]:
    content.seek(0)
    digest = hashlib.sha256()
    size = 0
    while block := content.read(262_144):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
