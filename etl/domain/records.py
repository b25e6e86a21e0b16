"""From bytes to records: whatever a transfer did to line ends, the same content comes out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


LONGEST_LINE = 65_536
# As rows of COPY a block fits a socket's buffer: the server works on it while the next is made.
BLOCK_SIZE = 65_536
_BLANKS = b" \t"
# What old tools and file systems put behind the end of a text: Ctrl-Z, form feed, NUL.
_PADDING = b"\x1a\x0c\0" + _BLANKS + b"\r"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Neither starts within a run of CRs: to try each of a long run takes a time that is quadratic.
_FIRST_LINE_END = re.compile(rb"(?<!\r)(?:\r*\n|\r+[^\r\n])")
_BLANK_START = re.compile(rb"\n[\n \t]")  # one pass takes a third of what three searches take
_CRS_BETWEEN_RECORDS = re.compile(rb"(?<=\|)\r+(?=[0-9A-Za-z]{3}\|)")


class Block(NamedTuple):
    """Consecutive records, each ended by one LF, how many, and the number of the first line."""

    first_number: int
    line_count: int
    data: bytes


class Records:
    """
    The records of one stream, read once, in blocks and in constant memory.

    CRs before an LF go, a byte-order mark goes, a missing final LF is added, and blank lines are
    counted but left out; so is what pads the header, the trailer or the file behind it. A CR alone
    ends a line in a file whose first line ended so, and in others between two records; elsewhere
    it is a character of a field. `sha256` is over what is left: two files with equal records have
    equal hashes, and a file that needed none of this has the hash that `sha256sum` prints.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._last = b""  # of the lines that were given
        self._has_lone_crs: bool | None = None  # not known until the first line has ended
        self.size = 0
        self.line_count = 0
        self.blank_line_count = 0
        self.too_long_line: int | None = None
        # What was left out as padding, by the number of its line; behind the trailer once.
        self.padding: dict[int, bytes] = {}

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
            if self._has_lone_crs is None and (end := _FIRST_LINE_END.search(content)):
                self._has_lone_crs = not end[0].endswith(b"\n")
            if b"\r" in content:
                content = self._with_line_feeds(content)
            # Only the first line can be too long: the others are shorter than a block.
            line = content.partition(b"\n")[0] if len(content) > LONGEST_LINE else b""
            if len(line) > LONGEST_LINE:
                if not self._is_long_by_padding(line):
                    self.too_long_line = self.line_count + 1
                    self._pass_over(content)
                    return
                content = line[:LONGEST_LINE] + content[len(line) :]
            place = content.rfind(b"\n") + 1
            rest = content[place:]
            yield from self._blocks(content[:place])
        if rest:
            yield from self._blocks(rest.rstrip(b"\r") + b"\n")

    def _with_line_feeds(self, data: bytes) -> bytes:
        """Return the data with each line end as one LF; CRs at its end may be half of the next."""
        if self._has_lone_crs:
            whole = data.removesuffix(b"\r")
            undecided = data[len(whole) :]
            return whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + undecided
        whole = data.rstrip(b"\r")
        undecided = data[len(whole) :]
        whole = whole.replace(b"\r\n", b"\n")
        if b"\r\n" in whole:
            # A transfer made CRLF of what had CRLF. By line, as a pattern is quadratic here too.
            whole = b"\n".join([line.rstrip(b"\r") for line in whole.split(b"\n")])
        if b"\r" in whole:
            whole = _CRS_BETWEEN_RECORDS.sub(b"\n", whole)
        return whole + undecided

    def _is_long_by_padding(self, line: bytes) -> bool:
        is_at_end = line.startswith(b"ZPT|") or self._last.startswith(b"ZPT|")
        return is_at_end and not line[LONGEST_LINE:].translate(None, _PADDING)

    def _pass_over(self, content: bytes) -> None:
        self._hash.update(content)
        while data := self._stream.read(BLOCK_SIZE):
            self._hash.update(data)
            self.size += len(data)

    def _blocks(self, data: bytes) -> Iterator[Block]:
        if data and not _may_hold_blank_line(data) and _last_line(data).strip(_PADDING):
            yield self._block(data)
            return
        run: list[bytes] = []
        for line in data.split(b"\n")[:-1]:
            before = run[-1] if run else self._last
            if line.strip(_PADDING if before.startswith(b"ZPT|") else _BLANKS):
                run.append(line + b"\n")
                continue
            if run:
                yield self._block(b"".join(run))
                run = []
            self.line_count += 1
            self.blank_line_count += 1
            self._note_padding(self.line_count, line)
        if run:
            yield self._block(b"".join(run))

    def _block(self, data: bytes) -> Block:
        first_number, line_count = self.line_count + 1, data.count(b"\n")
        self.line_count += line_count
        if not self._last and data.startswith(b"ZHV|"):
            header, line_end, others = data.partition(b"\n")
            data = self._stripped(header, _BLANKS, first_number) + line_end + others
        self._last = _last_line(data)
        if self._last.startswith(b"ZPT|"):
            others = data[: -len(self._last) - 1]
            data = others + self._stripped(self._last, _PADDING, self.line_count) + b"\n"
        self._hash.update(data)
        return Block(first_number=first_number, line_count=line_count, data=data)

    def _stripped(self, line: bytes, padding: bytes, number: int) -> bytes:
        kept = line.rstrip(padding)
        if kept != line:
            self.padding[number] = line[len(kept) :]
        return kept

    def _note_padding(self, number: int, line: bytes) -> None:
        is_known = any(padding.strip(_BLANKS) for padding in self.padding.values())
        if line.strip(_BLANKS) and not is_known:
            self.padding[number] = line


def _last_line(data: bytes) -> bytes:
    return data[data.rfind(b"\n", 0, -1) + 1 : -1]


def _may_hold_blank_line(data: bytes) -> bool:
    return data[:1] in b"\n \t" or _BLANK_START.search(data) is not None
