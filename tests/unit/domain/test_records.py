from __future__ import annotations

import hashlib
import io

import pytest

from etl.domain import records


LONG_RUN = b"\r" * 60_000


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
            pytest.param(b"a|\rb|\r", id="CR alone"),
            pytest.param(b"a|\rb|", id="CR alone and no final one"),
            pytest.param(b"a|\r\rb|\r \r", id="CR alone and blank lines"),
            pytest.param(b"a|\rb|\r\n", id="CR alone, then CRLF"),
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

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"ZHV|\r026|\r028|A1|R|\rx\r030|\r", id="CR alone"),
            pytest.param(b"ZHV|\r\n026|\r028|A1|R|\nx\n030|\n", id="CRLF, CR and LF"),
            pytest.param(b"ZHV|\n026|\r\r028|A1|R|\r\r\nx\r\n030|\r", id="CRs of all kinds"),
        ],
    )
    def test_ends_a_record_at_a_carriage_return_alone(self, content: bytes) -> None:
        blocks, _ = read(content)

        assert b"".join(block.data for block in blocks) == b"ZHV|\n026|\n028|A1|R|\nx\n030|\n"

    @pytest.mark.parametrize("serial", [b"F75A\r00802", b"\rF75A", b"F75A\r", b"F75\r028"])
    def test_keeps_a_carriage_return_within_a_field_of_lines_that_end_otherwise(
        self, serial: bytes
    ) -> None:
        content = b"ZHV|\n028|" + serial + b"|R|\n"

        blocks, _ = read(content)

        assert [block.data for block in blocks] == [content]

    @pytest.mark.parametrize(
        ("content", "records_", "lines"),
        [
            pytest.param(
                b"h\n" + b"".join((LONG_RUN + b"x\n", LONG_RUN + b"\n", b"a" + LONG_RUN + b"\n")),
                b"h\n" + LONG_RUN + b"x\na\n",
                4,
                id="where lines end with LF",
            ),
            pytest.param(
                b"h" + LONG_RUN + b"x\r" + LONG_RUN + b"\n",
                b"h\nx\n",
                len(LONG_RUN) * 2 + 1,
                id="where lines end with CR",
            ),
        ],
    )
    def test_takes_carriage_returns_without_end_in_its_stride(
        self, content: bytes, records_: bytes, lines: int
    ) -> None:
        blocks, reader = read(content)

        assert b"".join(block.data for block in blocks) == records_
        assert reader.line_count == lines

    @pytest.mark.parametrize("size", [3, 4, 5, 7, 11, 16])
    @pytest.mark.parametrize(
        "content",
        [
            b"\xef\xbb\xbfZHV|\t\r\r\n026|\r028|A\rB|\r\n \n\r\n030|\r\rZPT| \x1a\r\n%b\n\x0c"
            % bytes(9),
            b"ZHV|\r\r026|\n028|\r\n\r\r\n030|\rZPT|\r\x1a%b\r\n\r" % bytes(12),
        ],
        ids=["LF", "CR"],
    )
    def test_reads_the_same_wherever_blocks_of_the_stream_end(
        self, monkeypatch: pytest.MonkeyPatch, content: bytes, size: int
    ) -> None:
        blocks, whole = read(content)

        monkeypatch.setattr(records, "BLOCK_SIZE", size)
        monkeypatch.setattr(records, "LONGEST_LINE", 16)
        smaller_blocks, reader = read(content)

        assert b"".join(block.data for block in smaller_blocks) == b"".join(
            block.data for block in blocks
        )
        assert len(smaller_blocks) > len(blocks)
        for fact in ("sha256", "size", "line_count", "blank_line_count", "too_long_line"):
            assert getattr(reader, fact) == getattr(whole, fact), fact
        assert reader.padding.keys() == whole.padding.keys()

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


class TestPadding:
    @pytest.mark.parametrize(
        "padding",
        [
            pytest.param(b"\x1a", id="Ctrl-Z"),
            pytest.param(b"\n\x1a", id="Ctrl-Z on a line of its own"),
            pytest.param(b"\r\n\x1a\r\n", id="Ctrl-Z behind CRLF"),
            pytest.param(b"\n\x0c\n", id="form feed"),
            pytest.param(b"\n\x0c \n\n\t\x0c", id="form feeds between blank lines"),
            pytest.param(bytes(1_000), id="NULs"),
            pytest.param(b"\n" + bytes(3_000_000), id="NULs without end"),
            pytest.param(bytes(100_000) + b"\n" + bytes(100_000) + b"\n", id="lines of NULs"),
        ],
    )
    def test_leaves_out_what_pads_the_file_behind_its_trailer(self, padding: bytes) -> None:
        content = b"ZHV|\n030|\nZPT|\n"

        blocks, reader = read(content[:-1] + padding)

        assert b"".join(block.data for block in blocks) == content
        assert reader.sha256 == hashlib.sha256(content).hexdigest()
        assert reader.line_count - reader.blank_line_count == 3
        assert reader.size == len(content) - 1 + len(padding)
        assert len(reader.padding) == 1
        assert min(reader.padding) >= 3

    def test_leaves_out_what_pads_header_and_trailer(self) -> None:
        blocks, reader = read(b"ZHV|\t\n030|\t\nZPT| \t\n")

        assert [block.data for block in blocks] == [b"ZHV|\n030|\t\nZPT|\n"]
        assert reader.padding == {1: b"\t", 3: b" \t"}

    @pytest.mark.parametrize(
        "content",
        [
            b"ZHV|\n\x0c\n030|\0\n\x1a\nZPT|\n",
            b"ZHV|\0\n030|\n\x1a",
            b"ZHV|\nZPT|\n030|\0",
        ],
        ids=["within", "without a trailer", "in what stands behind the trailer"],
    )
    def test_keeps_what_pads_no_end(self, content: bytes) -> None:
        blocks, reader = read(content)

        assert b"".join(block.data for block in blocks) == content.removesuffix(b"\n") + b"\n"
        assert reader.padding == {}
