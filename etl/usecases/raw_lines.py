"""Read the raw lines of files once more: they prove themselves by the hash of their file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from etl.domain import envelope, flows, headers, lines, trailers
from etl.postgres import staged_lines
from etl.usecases import chunks, differences, stage
from warehouse import codes, models


def compare(first_file_id: int, last_file_id: int) -> Iterator[differences.Difference]:
    """
    Read the raw lines once more: for the hash of the file, its header and trailer, and places.

    Yield what is different. By the code that staged them, which is what it proves: that nothing
    was changed since.
    """
    files = models.FlowFile.objects.filter(
        id__range=(first_file_id, last_file_id),
        purged_at=None,
    ).exclude(status=codes.FlowFileStatus.REJECTED, transformed_at=None)
    for chunk in chunks.of(files):
        replayed = {flow_file.pk: _Replay(flow_file) for flow_file in chunk}
        for stretch in staged_lines.stored(*staged_lines.stretches(chunk[0].pk, chunk[-1].pk)):
            flow_file_id = stretch.first_id >> 32
            if flow_file_id in replayed:
                replayed[flow_file_id].read(stretch)
        for replay in replayed.values():
            yield from replay.judge()


def sha256_of(flow_file: models.FlowFile) -> str:
    """Return the hash of what is kept of a file's raw lines."""
    replay = _Replay(flow_file)
    for stretch in staged_lines.stored(*staged_lines.stretches(flow_file.pk, flow_file.pk)):
        replay.hash(_texts(stretch))
    return replay.sha256


def content_of(flow_file: models.FlowFile) -> Iterator[bytes]:
    """
    Yield the records of a file whose raw lines are kept, each ended by one LF.

    :raises django.db.Error: if the server goes away
    """
    for stretch in staged_lines.stored(*staged_lines.stretches(flow_file.pk, flow_file.pk)):
        yield "\n".join([*_texts(stretch), ""]).encode(flow_file.encoding)


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
        self._positions = lines.Positions(flows.of(flow_file.flow))
        self._first_wrong = self._wrong_count = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, stretch: staged_lines.Stretch) -> None:
        texts = _texts(stretch)
        self.hash(texts)
        is_plain = staged_lines.FORGOTTEN not in stretch.payloads
        lines_before_last = "\n".join([*texts[:-1], ""]).count("\n")
        if is_plain and stretch.last_id - stretch.first_id == lines_before_last:
            self._place(stretch.first_id, stretch.places, stretch.payloads, texts)
        else:
            # Blank lines are not kept, and forgotten ones have no place.
            for place, payload, text in zip(stretch.places, stretch.payloads, texts, strict=True):
                line_id, _, rest = place.partition("\t")
                if (rest, payload) != (staged_lines.PLACE_OF_FORGOTTEN, staged_lines.FORGOTTEN):
                    self._place(int(line_id), [place], [payload], [text])

    def hash(self, texts: Sequence[str]) -> None:
        text = "\n".join([*texts, ""])
        data = text.encode(self._encoding, errors="replace")
        if not text.isascii():
            self._encodings = envelope.still_fit(self._encodings, data)
        self._header = self._header or data.partition(b"\n")[0]
        self._trailer = data[data.rfind(b"\n", 0, -1) + 1 : -1]
        self._size += len(data)
        self._hash.update(data)

    def _place(
        self,
        first_id: int,
        places: Sequence[str],
        payloads: Sequence[str],
        texts: Sequence[str],
    ) -> None:
        """Give consecutive lines their places again, as `staged_lines.copy` was given them."""
        sent = "\n".join([*map(_escaped, places, texts), ""])
        wanted = self._positions.rows(sent, first_id=first_id).split("\n")[:-1]
        rows = zip(places, payloads, strict=True)
        found = [f"{place}\t{_in_one_line(payload)}" for place, payload in rows]
        first_number = first_id & 0xFFFF_FFFF
        numbers = range(first_number, first_number + sent.count("\n"))
        wrong = {number for number in numbers if not 0 < number <= self._file.line_count}
        if wanted != found:
            wrong |= _placed_otherwise(wanted, [*zip(found, places, texts, strict=True)])
        if wrong:
            self._first_wrong = self._first_wrong or min(wrong)
            self._wrong_count += len(wrong)

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


def _texts(stretch: staged_lines.Stretch) -> Sequence[str]:
    """Return the lines of each row as they were sent, LF between them."""
    return [*map(lines.text, stretch.places, stretch.payloads)]


def _placed_otherwise(
    wanted: Sequence[str], found: Sequence[tuple[str, str, str]]
) -> AbstractSet[int]:
    """
    Return the numbers of lines that have another place in these rows than in those.

    Where rows end may be another matter, since that depends on how much was read at once. What is
    found comes as rows, their places, and their lines.
    """
    as_wanted, as_found = {*wanted}, {row for row, _, _ in found}
    places = {place for row in as_wanted - as_found for place in _places_in(row)} ^ {
        one
        for row, place, text in found
        if row not in as_wanted
        for one in lines.places(place, text)
    }
    return {int(place.partition("\t")[0]) & 0xFFFF_FFFF for place in places}


def _places_in(row: str) -> Sequence[str]:
    """Return the place of each line of a row that COPY is to take."""
    line_id, parent_id, *rest = row.split("\t")
    *said, payload = map(lines.sent, rest)
    place = "\t".join((line_id, parent_id, *said))
    return lines.places(place, lines.text(place, payload))


def _escaped(place: str, text: str) -> str:
    """Return the lines of a row as they were when they were staged, LF between them."""
    if "\n" in text and not lines.is_usual(place):
        # One that holds an LF was changed since it was staged, and is a line still.
        return _in_one_line(text)
    return staged_lines.escape(text)


def _in_one_line(text: str) -> str:
    return staged_lines.escape(text).replace("\n", r"\n")
