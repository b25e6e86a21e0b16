"""From bytes to records: whatever a transfer did to line ends, the same content comes out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


LONGEST_LINE = 65_536
# As rows of COPY a block fits a socket's buffer: the server works on it while the next is made.
BLOCK_SIZE = 65_536
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Consecutive records, each ended by one LF, and the number of the first one's line."""

    first_number: int
    data: bytes


class Records:
    """
    The records of one stream, read once, in blocks and in constant memory.

    CRs before an LF go, a byte-order mark goes, a missing final LF is added, and blank lines are
    counted but left out. `sha256` is over what is left: two files with equal records have equal
    hashes, and a file that needed none of this has the hash that `sha256sum` prints.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0
        self.line_count = 0
        self.blank_line_count = 0
        self.too_long_line: int | None = None

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        """
        Yield the blocks; the counts and the hash are whole when the last one is taken.

        A line over `LONGEST_LINE` bytes ends the blocks; `too_long_line` then has its number,
        and the rest of the stream is only hashed.
        """
        rest = b""
        while data := self._stream.read(BLOCK_SIZE):
            content = rest + (data if self.size else data.removeprefix(_BYTE_ORDER_MARK))
            self.size += len(data)
            if self._has_too_long_line(content):
                self._pass_over(content)
                return
            end = content.rfind(b"\n") + 1
            rest = content[end:]
            yield from self._blocks(content[:end])
        if rest:
            yield from self._blocks(rest.rstrip(b"\r") + b"\n")

    def _pass_over(self, content: bytes) -> None:
        self._hash.update(content)
        while data := self._stream.read(BLOCK_SIZE):
            self._hash.update(data)
            self.size += len(data)

    def _has_too_long_line(self, data: bytes) -> bool:
        start = 0
        while len(data) - start > LONGEST_LINE:
            end = data.rfind(b"\n", start, start + LONGEST_LINE + 1) + 1
            if end == 0:
                self.too_long_line = self.line_count + data.count(b"\n", 0, start) + 1
                return True
            start = end
        return False

    def _blocks(self, data: bytes) -> Iterator[Block]:
        if b"\r\n" in data:
            data = data.replace(b"\r\n", b"\n")
            if b"\r\n" in data:
                # A transfer made CRLF of what had CRLF. By line, since a pattern would take a
                # time that is quadratic in the length of a line of CRs.
                data = b"\n".join([line.rstrip(b"\r") for line in data.split(b"\n")])
        if data and not _may_hold_blank_line(data):
            yield self._block(data)
            return
        run: list[bytes] = []
        # Not splitlines, which also cuts at a lone CR.
        for line in data.split(b"\n")[:-1]:
            if line.strip(b" \t"):
                run.append(line + b"\n")
                continue
            if run:
                yield self._block(b"".join(run))
                run = []
            self.line_count += 1
            self.blank_line_count += 1
        if run:
            yield self._block(b"".join(run))

    def _block(self, data: bytes) -> Block:
        self._hash.update(data)
        block = Block(first_number=self.line_count + 1, data=data)
        self.line_count += data.count(b"\n")
        return block


def _may_hold_blank_line(data: bytes) -> bool:
    return data[:1] in b"\n \t" or b"\n\n" in data or b"\n " in data or b"\n\t" in data
