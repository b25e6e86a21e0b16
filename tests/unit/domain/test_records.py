from __future__ import annotations

import hashlib
import io

import pytest

from etl.domain import records


def read(content: bytes) -> tuple[list[records.Block], records.Records]:
    reader = records.Records(io.BytesIO(content))
    return list(reader), reader


class TestRecords:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"a|\r\nb|\r\n", id="CRLF"),
            pytest.param(b"a|\r\r\nb|\r\r\n", id="CRLF made of CRLF"),
            pytest.param(b"a|\r\nb|\r\r\r\n", id="CRLF of several kinds"),
            pytest.param(b"a|\r\r\nb|\r\r", id="a final LF lost from such"),
            pytest.param(b"a|\nb|", id="no final newline"),
            pytest.param(b"a|\r\nb|\r", id="a final LF lost from CRLF"),
            pytest.param(b"\xef\xbb\xbfa|\nb|\n", id="a byte-order mark"),
            pytest.param(b"a|\nb|\n\n \r\n\t\n", id="blank lines at the end"),
            pytest.param(b"\na|\n\nb|\n", id="blank lines elsewhere"),
        ],
    )
    def test_gives_the_same_records_and_hash_whatever_a_transfer_changed(
        self, content: bytes
    ) -> None:
        blocks, reader = read(content)

        assert b"".join(block.data for block in blocks) == b"a|\nb|\n"
        assert reader.sha256 == hashlib.sha256(b"a|\nb|\n").hexdigest()
        assert reader.size == len(content)

    def test_numbers_lines_as_an_editor_does_with_blank_lines_counted(self) -> None:
        blocks, reader = read(b"a\n\nb\nc\n \n")

        assert [(block.first_number, block.data) for block in blocks] == [
            (1, b"a\n"),
            (3, b"b\nc\n"),
        ]
        assert (reader.line_count, reader.blank_line_count) == (5, 2)

    def test_keeps_a_lone_carriage_return_as_a_character_of_its_line(self) -> None:
        blocks, _ = read(b"a\rb\n\nc\n")

        assert [block.data for block in blocks] == [b"a\rb\n", b"c\n"]

    def test_takes_carriage_returns_without_end_in_its_stride(self) -> None:
        line = b"\r" * 60_000
        content = b"".join((line + b"x\n", line + b"\n", b"a" + line + b"\n")) * 20

        blocks, reader = read(content)

        assert b"".join(block.data for block in blocks) == (line + b"x\na\n") * 20
        assert (reader.line_count, reader.blank_line_count) == (60, 20)

    def test_joins_lines_that_two_blocks_of_the_stream_share(self) -> None:
        content = b"".join(b"%07d|\r\n" % number for number in range(60_000))

        blocks, reader = read(content)

        assert len(blocks) > 1
        assert b"".join(block.data for block in blocks) == content.replace(b"\r\n", b"\n")
        assert reader.line_count == 60_000
        assert [block.first_number for block in blocks[1:]] == [
            sum(block.data.count(b"\n") for block in blocks[:place]) + 1
            for place in range(1, len(blocks))
        ]

    @pytest.mark.parametrize("length", [records.LONGEST_LINE + 1, 3_000_000])
    def test_stops_at_a_line_that_is_too_long_and_hashes_the_rest(self, length: int) -> None:
        content = b"a\n" + b"x" * length + b"\nb\n"

        blocks, reader = read(content)

        assert reader.too_long_line == 2
        assert sum(len(block.data) for block in blocks) <= 2
        assert reader.size == len(content)

    def test_takes_a_line_that_is_just_short_enough(self) -> None:
        blocks, reader = read(b"x" * records.LONGEST_LINE + b"\n" + b"y" * 300_000)

        assert reader.too_long_line == 2
        assert [block.data for block in blocks] == [b"x" * records.LONGEST_LINE + b"\n"]

        _, reader = read(b"x" * records.LONGEST_LINE + b"\n" + b"y" * records.LONGEST_LINE)

        assert reader.too_long_line is None
        assert reader.line_count == 2
