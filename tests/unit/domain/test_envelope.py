from __future__ import annotations

import bz2
import datetime
import gzip
import io
import lzma
import re
import tarfile

import pytest

from etl.domain import checksum, envelope, findings, headers, records, trailers
from tests import builder, conftest


GOOD = builder.simple()
HEADER = GOOD.splitlines()[0]
CHECKSUM = checksum.of_lines(GOOD.splitlines()[:-1])


def tar_of(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("file.uff")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def issue_of(content: bytes) -> findings.FileIssue:
    (issue,) = envelope.examine(io.BytesIO(content)).issues
    return issue


class TestExamine:
    def test_reads_every_field_of_the_sample(self) -> None:
        found = envelope.examine(io.BytesIO(conftest.SAMPLE.read_bytes()))

        assert found.issues == ()
        assert (found.line_count, found.blank_line_count, found.size) == (37, 0, 997)
        assert found.header == headers.Header(
            file_identifier="0000475656",
            flow="D0010002",
            sender_role="D",
            sender="UDMS",
            recipient_role="X",
            recipient="MRCY",
            created_at=datetime.datetime(2016, 3, 2, 15, 31, 51),  # noqa: DTZ001 - clock time
            sending_application="",
            receiving_application="",
            broadcast="",
            test_flag="OPER",
        )
        assert found.trailer == trailers.Trailer(
            group_count=35,
            checksum="",
            flow_count=11,
            completed_at=datetime.datetime(2016, 3, 2, 15, 46, 50),  # noqa: DTZ001 - clock time
        )

    @pytest.mark.parametrize(
        ("size", "is_held"),
        [(1_000, True), (records.BLOCK_SIZE, True), (records.BLOCK_SIZE + 1, False)],
        ids=["small", "a block", "more than a block"],
    )
    def test_holds_all_records_of_a_small_content(
        self,
        size: int,
        is_held: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        lines = GOOD.splitlines(keepends=True)
        beginning = b"".join([*lines[:2], b"\n \n", *lines[2:-1]])
        content = beginning.ljust(size - len(lines[-1]), b"\n") + lines[-1]
        assert len(content) == size

        held = envelope.examine(io.BytesIO(content)).held

        assert held == ([*records.Records(io.BytesIO(content))] if is_held else [])

    @pytest.mark.parametrize(
        "content",
        [b"< 5 is less\n", b"BZ", b"Z\0", b"\x1f", b"PK", bytes(400)],
    )
    def test_guesses_nothing(self, content: bytes) -> None:
        assert issue_of(content).code in {"no-header", "not-text"}

    def test_takes_padding_of_any_length(self) -> None:
        found = envelope.examine(io.BytesIO(GOOD + bytes(5_000_000)))

        assert [issue.code for issue in found.issues] == ["padding-after-trailer"]
        assert found.sha256 == envelope.examine(io.BytesIO(GOOD)).sha256

    @pytest.mark.parametrize(
        ("content", "codes"),
        [
            (GOOD.replace(b"|3||1|", b"|4||1|"), ["wrong-count-accepted"]),
            (GOOD.replace(b"ZPT|0000000001", b"ZPT|2"), ["wrong-file-id-accepted"]),
            (
                GOOD.replace(b"ZPT|0000000001|3||1|", b"ZPT|2|9||7|"),
                ["wrong-file-id-accepted", "wrong-count-accepted", "flow-count-differs"],
            ),
            (GOOD.replace(b"|3||1|", b"|x||1|"), ["bad-trailer"]),
            (GOOD[:-24], ["no-trailer"]),
            (GOOD, []),
        ],
    )
    def test_takes_wrong_counts_when_that_is_meant(self, content: bytes, codes: list[str]) -> None:
        found = envelope.examine(
            io.BytesIO(content), rules=envelope.Rules(accept_wrong_counts=True)
        )

        assert [issue.code for issue in found.issues] == codes

    def test_takes_a_test_file_when_that_is_meant(self) -> None:
        content = GOOD.replace(b"OPER", b"TR01")
        rules = envelope.Rules(accept_test_files=True)

        assert envelope.examine(io.BytesIO(content), rules=rules).issues == ()

    def test_refuses_a_known_flow_that_is_not_taken_by_its_name(self) -> None:
        (issue,) = envelope.examine(io.BytesIO(GOOD), rules=envelope.Rules(takes=["D9"])).issues

        assert (issue.code, issue.value) == ("other-flow", "D0010002")
        assert issue.message.endswith("takes, D9, not Meter Readings (D0010)")

    def test_finds_what_lies_in_a_later_block_of_the_stream(self) -> None:
        body = [text for _ in range(20_000) for text in builder.meter_point(builder.MPAN)]
        content = builder.flow_file(body)

        assert len(content) > records.BLOCK_SIZE
        assert envelope.examine(io.BytesIO(content)).issues == ()
        assert issue_of(content + builder.line("026|x|")[0].encode()).line_number == 20_003
        assert issue_of(content.replace(b"ZPT", b"ZHV")).line_number == 20_002
        late = issue_of(
            content + b"\n" + b"".join(b"%06d|\n" % number for number in range(90_000))
        )
        assert (late.code, late.line_number) == ("data-after-trailer", 20_004)
        assert "'000000|'" in late.message

    @pytest.mark.parametrize(
        ("free_text", "encoding"),
        [("café".encode(), "utf-8"), (b"caf\xe9", "cp1252"), (b"caf\x81", "latin-1")],
    )
    def test_finds_an_encoding_that_gives_the_bytes_back(
        self, free_text: bytes, encoding: str
    ) -> None:
        content = GOOD.replace(b"A1", free_text)

        found = envelope.examine(io.BytesIO(content))

        assert found.encoding == encoding
        assert content.decode(found.encoding).encode(found.encoding) == content


class TestRefusal:
    @pytest.mark.parametrize(
        ("content", "code", "line_number", "words"),
        [
            (b"", "empty-file", 1, "found nothing"),
            (b"\n\n", "empty-file", 1, "found nothing"),
            (b"404\n", "no-header", 1, "found '404': expected a ZHV header"),
            (GOOD[len(HEADER) + 1 :], "no-header", 1, "found '026|1200023305967|V|'"),
            (b"ZHD|P0142001|X|\n", "foreign-header", 1, "pool transfer"),
            (GOOD.replace(b"A1", b"A\0"), "not-text", 3, "NUL"),
            (b"x" * 70_000, "line-too-long", 1, "65,536"),
            (GOOD.replace(b"D0010002", b"D0036002"), "wrong-flow", 1, "'D0036002'"),
            (GOOD.replace(b"D0010002", b"D0010003"), "wrong-flow", 1, "version 001 or 002"),
            (GOOD.replace(b"|UDMS|", b"||"), "bad-header", 1, "J0938 From Participant Id is ''"),
            (GOOD.replace(b"|UDMS|", b"|UDMSX|"), "bad-header", 1, "at most 4 characters"),
            (GOOD.replace(b"|OPER|", b"|OPER|x|"), "bad-header", 1, "no field behind this"),
            (GOOD.replace(b"20240201120000", b"20240230120000"), "bad-header", 1, "J0280"),
            (GOOD.replace(b"OPER", b"TR01"), "test-file", 1, "J1063 Test Data Flag is 'TR01'"),
            (GOOD.replace(b"OPER", b""), "test-file", 1, "''"),
            (GOOD[: GOOD.index(b"ZPT")], "no-trailer", 4, "cut short"),
            (GOOD.replace(b"OPER", b"TR01")[: GOOD.index(b"ZPT")], "no-trailer", 4, "cut short"),
            *((HEADER[:end], "no-trailer", 1, "cut short") for end in (4, 10, 24, 45, 60, None)),
            (GOOD.replace(b"OPER|", b"OP"), "bad-header", 1, "'OP': .*which seems to be cut"),
            *((GOOD[:-end], "no-trailer", 5, "'ZPT") for end in (24, 27, 31, 33)),
            (GOOD.replace(b"|3||1|20240201121500|", b"|4|"), "group-count-differs", 5, "'4'"),
            (GOOD.replace(b"D0010002", b"D0010"), "bad-header", 1, "such as D0010002"),
            (
                GOOD.replace(b"D0010002|D|", b"D0036002|DDD|"),
                "wrong-flow",
                1,
                "'D0036002'",
            ),
            (GOOD.replace(b"|D|", b"|DX|"), "unknown-code", 1, "J0934 From Role Code is 'DX'"),
            (GOOD.replace(b"|X|", b"|XX|"), "unknown-code", 1, "J0935 .*which has one character"),
            (GOOD.replace(b"|X|", b"|XXX|"), "bad-header", 1, "J0935 .*at most 2 characters"),
            (GOOD + b"\x1a", "padding-after-trailer", 6, "found '0x1A': expected nothing"),
            (GOOD[:-1] + b"\0\0", "padding-after-trailer", 5, "found '0x00'"),
            (GOOD + b"\r\n \x0c\n\x1a", "padding-after-trailer", 7, "found '0x0C'"),
            (GOOD.replace(b"OPER|", b"OPER|\t"), "blank-padding", 1, "found '\t'"),
            (GOOD[:-1] + b"\t ", "blank-padding", 5, "found '\t '"),
            (GOOD + b"\x1a\n026|x|", "data-after-trailer", 7, "'026|x|'"),
            (GOOD + b"\0\n026|x|\0", "not-text", 7, "NUL"),
            (GOOD[: GOOD.index(b"100.0")], "no-trailer", 4, "'030|S|20240115000000|'"),
            (GOOD + b"030|S|\n", "data-after-trailer", 6, "'030|S|'"),
            (GOOD + b"026|x|\n030|y|\n", "data-after-trailer", 6, "found '026|x|': expected"),
            (GOOD + b"\n \n026|x|\n\n030|y|\n", "data-after-trailer", 8, "found '026|x|'"),
            (GOOD + b"\nZPT|1|\n", "data-after-trailer", 7, "found 'ZPT|1|'"),
            (GOOD + GOOD, "second-header", 6, "found 'ZHV|0000000001|D0010002|D|UDMS|X|MRCY|"),
            (GOOD + b"\nx\n\n" + GOOD, "second-header", 9, "two files seem to be joined"),
            (
                GOOD.replace(b"ZPT|0000000001", b"ZPT|0000000002"),
                "file-id-differs",
                5,
                "'0000000002': expected the file id of the header in the trailer, '0000000001'",
            ),
            (GOOD.replace(b"|3||1|", b"|4||1|"), "group-count-differs", 5, "is '4': expected"),
            (GOOD.replace(b"|3||1|", b"|||1|"), "bad-trailer", 5, "J1067"),
            (GOOD.replace(b"|3||1|", b"|3||x|"), "bad-trailer", 5, "J1066"),
            (GOOD.replace(b"|3||1|", b"|3||2|"), "flow-count-differs", 5, "is '2'"),
            (
                GOOD.replace(b"|3||1|", b"|3|7|1|"),
                "checksum-given",
                5,
                f"none, or that of the pool format's rule, {CHECKSUM}, from which it differs",
            ),
            (
                GOOD.replace(b"|3||1|", b"|3|%010d|1|" % CHECKSUM).replace(b"\n", b"\r\n\n"),
                "checksum-given",
                9,
                f"{CHECKSUM}, with which it agrees",
            ),
            (GOOD.replace(b"|3||1|", b"|3|x|1|"), "checksum-given", 5, "it differs"),
            (GOOD.replace(b"20240201121500", b"2024"), "bad-trailer-time", 5, "J1065"),
            (
                GOOD.replace(b"20240201121500", b"20240201110000"),
                "completed-before-created",
                5,
                "J1065",
            ),
            (builder.flow_file(), "empty-flow", 2, "no readings"),
        ],
    )
    def test_names_line_value_and_expectation(
        self, content: bytes, code: str, line_number: int, words: str
    ) -> None:
        issue = issue_of(content)

        assert (issue.code, issue.line_number) == (code, line_number)
        assert re.search(words, issue.message) or words in issue.message

    @pytest.mark.parametrize(
        ("content", "code", "words"),
        [
            pytest.param(b"PK\x03\x04\x14\0\0", "archive", "zip archive", id="zip"),
            pytest.param(tar_of(GOOD), "archive", "tar archive", id="tar"),
            pytest.param(bz2.compress(GOOD), "archive", "bzip2 archive", id="bzip2"),
            pytest.param(lzma.compress(GOOD), "archive", "xz archive", id="xz"),
            pytest.param(b"\x28\xb5\x2f\xfd\x24\x00", "archive", "zstd archive", id="zstd"),
            pytest.param(gzip.compress(GOOD), "archive", "gzip within gzip", id="gzip twice"),
            pytest.param(GOOD.decode().encode("utf-16"), "utf-16", "UTF-16, little", id="UTF-16"),
            pytest.param(GOOD.decode().encode("utf-16-le"), "utf-16", "little", id="UTF-16LE"),
            pytest.param(GOOD.decode().encode("utf-16-be"), "utf-16", "big", id="UTF-16BE"),
            pytest.param(
                b"\xfe\xff" + GOOD.decode().encode("utf-16-be"), "utf-16", "big", id="UTF-16 BOM"
            ),
            pytest.param(GOOD.decode().encode("utf-32"), "utf-16", "UTF-32, little", id="UTF-32"),
            pytest.param(b'<?xml version="1.0"?>\n<a/>', "xml", "as XML", id="XML"),
            pytest.param(b"\xef\xbb\xbf\n <Flow>\n", "xml", "found '<Flow>'", id="XML in short"),
            pytest.param(b"<!DOCTYPE html>\n<p>404", "web-page", "saved instead", id="HTML"),
            pytest.param(b"<?xml ?>\n<HTML>\n", "web-page", "found '<.xml .>'", id="XHTML"),
        ],
    )
    def test_names_what_is_no_flow_file(self, content: bytes, code: str, words: str) -> None:
        issue = issue_of(content)

        assert (issue.code, issue.line_number) == (code, 1)
        assert re.search(words, issue.message)


class TestRefusedFile:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (GOOD.replace(b"OPER", b"TR01"), "test-file"),
            (GOOD.replace(b"D0010002", b"D0036002"), "wrong-flow"),
            (GOOD.replace(b"|X|", b"||"), "bad-header"),
            (GOOD[: GOOD.index(b"ZPT")], "no-trailer"),
            (GOOD[: len(HEADER)], "no-trailer"),
            (GOOD + GOOD, "second-header"),
            (GOOD.replace(b"A1", b"A\0"), "not-text"),
            (GOOD.replace(b"|MRCY|", b"|MR\0CY|"), "not-text"),
            (GOOD.replace(b"|3||1|", b"|4||1|"), "group-count-differs"),
        ],
    )
    def test_keeps_what_the_header_of_a_refused_file_says(self, content: bytes, code: str) -> None:
        found = envelope.examine(io.BytesIO(content))

        assert found.rejection is not None
        assert found.rejection.code == code
        assert found.header.flow in {"D0010002", "D0036002"}
        assert (found.header.file_identifier, found.header.sender) == ("0000000001", "UDMS")
        assert (found.header.sender_role, found.header.recipient) == ("D", "MRCY")
        assert found.header.created_at == datetime.datetime(2024, 2, 1, 12)  # noqa: DTZ001 - clock time

    @pytest.mark.parametrize("end", range(0, len(HEADER), 3))
    def test_keeps_what_a_header_that_is_cut_says(self, end: int) -> None:
        found = envelope.examine(io.BytesIO(HEADER[:end]))

        assert found.header.file_identifier == HEADER[4:14][: max(0, end - 4)].decode()
        assert (found.header.created_at is None) == (end < HEADER.index(b"||"))

    def test_keeps_no_more_of_a_header_than_an_index_holds(self) -> None:
        found = envelope.examine(io.BytesIO(GOOD.replace(b"0000000001", b"7" * 60_000)))

        assert found.header.file_identifier == "7" * 60 + "…"

    def test_keeps_what_the_trailer_of_a_refused_file_says(self) -> None:
        found = envelope.examine(io.BytesIO(GOOD.replace(b"|3||1|", b"|4||x|") + b"026|\n"))

        assert found.trailer == trailers.Trailer(
            group_count=4,
            checksum="",
            flow_count=None,
            completed_at=datetime.datetime(2024, 2, 1, 12, 15),  # noqa: DTZ001 - clock time
        )
