"""Read the raw lines of files once more: they prove themselves by the hash of their file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence

from etl.domain import envelope, headers, lines, trailers
from etl.postgres import staged_lines
from etl.usecases import differences, stage
from warehouse import models


_FILES_A_CHUNK = 1_000
# How a row ends whose line was forgotten; it has no place, and none above or below it has.
_FORGOTTEN = f"\t{staged_lines.FORGOTTEN}\t\t\t\t\t{staged_lines.FORGOTTEN}"


def compare(first_file_id: int, last_file_id: int) -> Iterator[differences.Difference]:
    """
    Read the raw lines once more: for the hash of the file, its header and trailer, and places.

    Yield what is different. By the code that staged them, which is what it proves: that nothing
    was changed since.
    """
    files = models.FlowFile.objects.filter(
        id__range=(first_file_id, last_file_id),
        purged_at=None,
    ).exclude(status=models.FlowFileStatus.REJECTED, transformed_at=None)
    after = first_file_id - 1
    while True:
        chunk = files.filter(id__gt=after).order_by("id")
        replayed = {flow_file.pk: _Replay(flow_file) for flow_file in chunk[:_FILES_A_CHUNK]}
        if not replayed:
            return
        first, after = min(replayed), max(replayed)
        for rows in staged_lines.stored(*staged_lines.stretches(first, after)):
            for flow_file_id, run in itertools.groupby(rows, key=_flow_file_id):
                if flow_file_id in replayed:
                    replayed[flow_file_id].read(list(run))
        for replay in replayed.values():
            yield from replay.judge()


def _flow_file_id(row: str) -> int:
    return _id(row) >> 32


def sha256_of(flow_file: models.FlowFile) -> str:
    """Return the hash of what is kept of a file's raw lines."""
    replay = _Replay(flow_file)
    for rows in staged_lines.stored(*staged_lines.stretches(flow_file.pk, flow_file.pk)):
        replay.hash(rows)
    return replay.sha256


def content_of(flow_file: models.FlowFile) -> Iterator[bytes]:
    """
    Yield the records of a file whose raw lines are kept, each ended by one LF.

    :raises django.db.Error: if the server goes away
    """
    for rows in staged_lines.stored(*staged_lines.stretches(flow_file.pk, flow_file.pk)):
        if rows:
            text = lines.sent("\n".join([*map(_payload, rows), ""]))
            yield text.encode(flow_file.encoding)


class _Replay:
    """One file, staged again by what is kept of it."""

    def __init__(self, flow_file: models.FlowFile) -> None:
        self._file = flow_file
        # One that is none is told of; what it gives by another one is not the file's hash either.
        is_encoding = flow_file.encoding in envelope.ENCODINGS
        self._encoding = flow_file.encoding if is_encoding else envelope.ENCODINGS[0]
        self._encodings: Sequence[str] = envelope.ENCODINGS
        self._hash = hashlib.sha256()
        self._size = 0
        self._header = self._trailer = b""
        self._positions = lines.Positions()
        self._first_wrong = self._wrong_count = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, rows: Sequence[str]) -> None:
        self.hash(rows)
        self._place([row for row in rows if not row.endswith(_FORGOTTEN)])

    def hash(self, rows: Sequence[str]) -> None:
        if not rows:
            return
        text = lines.sent("\n".join([*map(_payload, rows), ""]))
        data = text.encode(self._encoding, errors="replace")
        if not text.isascii():
            self._encodings = envelope.still_fit(self._encodings, data)
        self._header = self._header or data.partition(b"\n")[0]
        self._trailer = data[data.rfind(b"\n", 0, -1) + 1 : -1]
        self._size += len(data)
        self._hash.update(data)

    def _place(self, rows: Sequence[str]) -> None:
        ids = [_id(row) for row in rows]
        payloads = [*map(_payload, rows)]
        for start, end in _runs(ids):
            placed = self._positions.place(payloads[start:end], first_id=ids[start])
            for (line_id, place, payload), row in zip(placed, rows[start:end], strict=True):
                number = line_id & 0xFFFF_FFFF
                is_of_file = 0 < number <= self._file.line_count
                if row != f"{line_id}\t{place}\t{payload}" or not is_of_file:
                    self._first_wrong = self._first_wrong or number
                    self._wrong_count += 1

    def judge(self) -> Iterator[differences.Difference]:
        if self._wrong_count:
            yield self._difference(
                "raw lines that take something else from those above, first at line"
                f" {self._first_wrong}",
                self._wrong_count,
            )
        known = self._file.digest or self._file.sha256
        if self.sha256 != known:
            yield self._difference("raw lines do not give the hash of the file")
        if self._file.encoding != self._encodings[0]:
            yield self._difference("encoding is not that of the raw lines")
        if self._file.size < self._size - 1 and not self._file.digest:
            yield self._difference("size is less than that of the raw lines")
        said = stage.envelope_fields(headers.read(self._header), trailers.read(self._trailer))
        for name, value in said.items():
            if getattr(self._file, name) != value:
                yield self._difference(f"{name} is not what header or trailer says")

    def _difference(self, what: str, found: int = 1) -> differences.Difference:
        return differences.unexpected(self._file.pk, what, found=found)


def _id(row: str) -> int:
    return int(row[: row.index("\t")])


def _payload(row: str) -> str:
    return row.split("\t", 1 + len(staged_lines.PLACE))[-1]


def _runs(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last place of lines that follow one another; blank ones are not kept."""
    start = 0
    for place in range(1, len(ids) + 1):
        if place == len(ids) or ids[place] != ids[place - 1] + 1:
            yield start, place
            start = place
