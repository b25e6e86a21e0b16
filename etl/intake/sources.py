"""Contents to read more than once: files, packed or not, and standard input."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from . import packed


STANDARD_INPUT = "-"
# A content of up to this size is held, so that it is read once and can't change meanwhile.
LARGEST_HELD = 65_536
# Packed flow files unpack to ten or twenty times their size; what goes far beyond is a trap.
LARGEST_RATIO = 100
SMALLEST_TRAP = 67_108_864  # bytes; below this no ratio matters
_BLOCK_SIZE = 262_144


class UnreadableError(Exception):
    """A path that gives no content; the message says why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arrival:
    """
    A file that somebody brings: where its bytes are, where they came from, and who brought them.

    `place` is what people are told in place of the `path`, where that is only a private copy;
    a name in it is data and is never opened.
    """

    path: str
    place: str = ""
    origin: str = "COMMAND"
    brought_by: str = ""


class Source:
    """
    One content that can be read more than once: the file itself, or a private copy of it.

    `sha256` is over the bytes and `size` their number; where the hash is that of a known content,
    the records are the same.
    """

    def __init__(self, arrival: Arrival) -> None:
        """
        Open the path, unpack it if it begins as gzip does, and hash it.

        :raises UnreadableError: if it is no regular file, or can't be read or unpacked
        """
        self.arrival = arrival
        self.path = storable(arrival.place or arrival.path)
        self.name = (
            "standard input" if arrival.path == STANDARD_INPUT else self.path.rpartition("/")[2]
        )
        try:
            self._content = self._open(arrival.path)
            self.sha256, self.size = _sha256(self._content)
        except OSError as error:
            raise UnreadableError(error.strerror or str(error)) from error
        except packed.DamagedError as error:
            raise UnreadableError(str(error)) from error

    def _open(self, path: str) -> BinaryIO:
        if path == STANDARD_INPUT:
            content = _copy_of(iter(lambda: sys.stdin.buffer.read(_BLOCK_SIZE), b""))
            content.seek(0)
        else:
            content = _regular_file(path)
        head = content.read(LARGEST_HELD + 1)
        if head.startswith(packed.MAGIC):
            with content:
                size = content.seek(0, os.SEEK_END) or content.tell()
                content.seek(0)
                limit = max(LARGEST_RATIO * size, SMALLEST_TRAP)
                return _copy_of(_limited(packed.unpacked(content), limit))
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


def _regular_file(path: str) -> BinaryIO:
    # A FIFO would block in a plain open(), and a device might never end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("not a regular file")
    return os.fdopen(descriptor, "rb")


def _copy_of(blocks: Iterable[bytes]) -> BinaryIO:
    # Closed by close(); it is a BinaryIO in all but name.
    copy = tempfile.SpooledTemporaryFile(max_size=LARGEST_HELD)  # noqa: SIM115 - see above
    try:
        for block in blocks:
            copy.write(block)
    except BaseException:
        copy.close()
        raise
    return cast("BinaryIO", copy)


def _limited(blocks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for block in blocks:
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
    while block := content.read(_BLOCK_SIZE):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
