from __future__ import annotations

import datetime
import io

import pytest

from etl.domain import checksum, envelope, records
from tests import builder, conftest


GOOD = builder.simple()
HEADER = GOOD.splitlines()[0]
CHECKSUM = checksum.of_lines(GOOD.splitlines()[:-1])


def issue_of(content: bytes, *, accept_test_files: bool = False) -> envelope.FileIssue:
    (issue,) = envelope.examine(io.BytesIO(content), accept_test_files=accept_test_files).issues
    return issue


class TestExamine:
    def test_reads_every_field_of_the_sample(self) -> None:
        found = envelope.examine(io.BytesIO(conftest.SAMPLE.read_bytes()))

        assert found.issues == ()
        assert (found.line_count, found.blank_line_count, found.size) == (37, 0, 997)
        assert found.header == envelope.Header(
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
        assert found.trailer == envelope.Trailer(
            group_count=35,
            checksum="",
            flow_count=11,
            completed_at=datetime.datetime(2016, 3, 2, 15, 46, 50),  # noqa: DTZ001 - clock time
        )

    @pytest.mark.parametrize(
        ("content", "code", "line_number", "words"),
        [
            (b"", "empty-file", 1, "found nothing"),
            (b"\n\n", "empty-file", 1, "found nothing"),
            (b"<html>\n404\n", "no-header", 1, "found '<html>': expected a ZHV header"),
            (GOOD[len(HEADER) + 1 :], "no-header", 1, "found '026|1200023305967|V|'"),
            (b"ZHD|P0142001|X|\n", "foreign-header", 1, "pool transfer"),
            (GOOD.replace(b"A1", b"A\0"), "not-text", 3, "NUL"),
            (b"x" * 70_000, "line-too-long", 1, "65,536"),
            (GOOD.replace(b"D0010002", b"D0086002"), "wrong-flow", 1, "'D0086002'"),
            (GOOD.replace(b"D0010002", b"D0010003"), "wrong-flow", 1, "version 001 or 002"),
            (GOOD.replace(b"|UDMS|", b"||"), "bad-header", 1, "J0938 From Participant Id is ''"),
            (GOOD.replace(b"|UDMS|", b"|UDMSX|"), "bad-header", 1, "at most 4 characters"),
            (GOOD.replace(b"|OPER|", b"|OPER|x|"), "bad-header", 1, "no field behind this"),
            (GOOD.replace(b"20240201120000", b"20240230120000"), "bad-header", 1, "J0280"),
            (GOOD.replace(b"OPER", b"TR01"), "test-file", 1, "J1063 Test Data Flag is 'TR01'"),
            (GOOD.replace(b"OPER", b""), "test-file", 1, "''"),
            (GOOD[: GOOD.index(b"ZPT")], "no-trailer", 4, "cut short"),
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
        assert words in issue.message

    def test_takes_a_test_file_when_that_is_meant(self) -> None:
        content = GOOD.replace(b"OPER", b"TR01")

        assert envelope.examine(io.BytesIO(content), accept_test_files=True).issues == ()

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
