"""Each finding of the catalogue, shown by the smallest file that has it."""

from __future__ import annotations

import pytest

from etl.domain import findings
from tests import builder, conftest
from warehouse import codes, models


pytestmark = pytest.mark.django_db(transaction=True)

GOOD = builder.simple()
BODY = GOOD.decode().splitlines()[1:-1]


def body(*lines: str, flow: str = "D0010002") -> bytes:
    return builder.flow_file(list(lines), flow=flow)


def above(line: str) -> bytes:
    """Return a file with this line under a good reading."""
    return body(*BODY, line)


def with_reading(**changes: str) -> bytes:
    return builder.flow_file(
        builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading(**changes)))
    )


# Code, content, line, J-item, value. The second part of an id says which case of the code it is.
CASES = [
    ("empty-file", b"", 1, "", ""),
    ("not-text", GOOD.replace(b"A1", b"A\0"), 3, "", ""),
    ("line-too-long", b"ZHV|" + b"x" * 70_000, 1, "", ""),
    ("archive", b"PK\x03\x04\x14\0", 1, "", "zip archive"),
    ("utf-16", GOOD.decode().encode("utf-16"), 1, "", "UTF-16, little-endian"),
    ("xml", b"<?xml version='1.0'?>\n", 1, "", "<?xml version='1.0'?>"),
    ("web-page", b"<html>\n", 1, "", "<html>"),
    ("no-header", b"404\n", 1, "", "404"),
    ("foreign-header", b"ZHD|P0142001|X|\n", 1, "", "ZHD|P0142001|X|"),
    ("bad-header", GOOD.replace(b"|UDMS|", b"||"), 1, "J0938", ""),
    ("wrong-flow", GOOD.replace(b"D0010002", b"D0036002"), 1, "J0937", "D0036002"),
    ("other-flow", builder.mirrored(GOOD), 1, "J0937", "D0086002"),
    ("test-file", GOOD.replace(b"OPER", b"TR01"), 1, "J1063", "TR01"),
    ("no-trailer", GOOD[: GOOD.index(b"ZPT")], 4, "", BODY[2]),
    ("no-trailer: cut in the header", GOOD[:50], 1, "", GOOD.decode()[:50]),
    ("bad-trailer", GOOD.replace(b"|3||1|", b"|x||1|"), 5, "J1067", "x"),
    ("second-header", GOOD + GOOD, 6, "", f"{GOOD.decode()[:60]}…"),
    ("data-after-trailer", GOOD + b"026|\n", 6, "", "026|"),
    ("file-id-differs", GOOD.replace(b"ZPT|0000000001", b"ZPT|2"), 5, "J1064", "2"),
    ("group-count-differs", GOOD.replace(b"|3||1|", b"|4||1|"), 5, "J1067", "4"),
    ("padding-after-trailer: Ctrl-Z", GOOD + b"\x1a", 6, "", "0x1A"),
    ("padding-after-trailer: form feed", GOOD + b"\x0c\r\n", 6, "", "0x0C"),
    ("padding-after-trailer: NULs", GOOD[:-1] + bytes(70_000), 5, "", "0x00"),
    ("blank-padding: of the header", GOOD.replace(b"OPER|", b"OPER|\t"), 1, "", "\t"),
    ("blank-padding: of the trailer", GOOD[:-1] + b"\t\n", 5, "", "\t"),
    ("unknown-code: J0934", GOOD.replace(b"|D|", b"|DX|"), 1, "J0934", "DX"),
    ("flow-count-differs", GOOD.replace(b"|3||1|", b"|3||2|"), 5, "J1066", "2"),
    ("checksum-given", GOOD.replace(b"|3||1|", b"|3|7|1|"), 5, "J1078", "7"),
    ("bad-trailer-time", GOOD.replace(b"20240201121500", b"2024"), 5, "J1065", "2024"),
    (
        "completed-before-created",
        GOOD.replace(b"20240201121500", b"20240201110000"),
        5,
        "J1065",
        "20240201110000",
    ),
    ("empty-flow", builder.flow_file(), 2, "", ""),
    ("unknown-group", above("031|S|"), 5, "", "031|S|"),
    ("unknown-group: no group", above("0300|S|"), 5, "", "0300|S|"),
    ("orphan-line: 028", body("028|A1|R|"), 2, "", "028|A1|R|"),
    ("orphan-line: 030", body(BODY[0], BODY[2]), 3, "", BODY[2]),
    ("orphan-line: 032", body(*BODY[:2], "032|03|F|"), 4, "", "032|03|F|"),
    ("orphan-line: 033", body(*BODY[:2], "033|20||"), 4, "", "033|20||"),
    ("repeated-group", body(*BODY, "032|03|T|", "032|04|T|"), 6, "", "032|04|T|"),
    ("unterminated-line: 026", body("026|1200023305967|V"), 2, "", "026|1200023305967|V"),
    ("unterminated-line: 028", body(BODY[0], "028|A1|R"), 3, "", "028|A1|R"),
    ("unterminated-line: 030", body(*BODY[:2], BODY[2][:-1]), 4, "", BODY[2][:-1]),
    ("unterminated-line: 033", above("033|20"), 5, "", "033|20"),
    ("extra-field: 026", body(f"{BODY[0]}x|"), 2, "", f"{BODY[0]}x|"),
    ("extra-field: 028", body(BODY[0], "028|A1|R|x|"), 3, "", "028|A1|R|x|"),
    ("extra-field: 030", body(*BODY[:2], f"{BODY[2]}|x|"), 4, "", f"{BODY[2]}|x|"),
    ("extra-field: 032", above("032|03|T|x|"), 5, "", "032|03|T|x|"),
    ("extra-field: J1888 in version 001", body(*BODY, flow="D0010001"), 4, "", BODY[2]),
    ("missing-item: J0003", body("026||V|"), 2, "J0003", ""),
    ("missing-item: J0022", body("026|1200023305967||"), 2, "J0022", ""),
    ("missing-item: J0004", body(BODY[0], "028| |R|"), 3, "J0004", " "),
    ("missing-item: J0171", body(BODY[0], "028|A1||"), 3, "J0171", ""),
    ("missing-item: J0010", body(*BODY[:2], BODY[2].replace("|S|", "||")), 4, "J0010", ""),
    ("missing-item: J0016", with_reading(read_at=""), 4, "J0016", ""),
    ("missing-item: J0040", with_reading(value=""), 4, "J0040", ""),
    ("missing-item: J1888", with_reading(method=""), 4, "J1888", ""),
    ("missing-item: J0047", above("032|03||"), 5, "J0047", ""),
    ("missing-item: J0024", above("033|||"), 5, "J0024", ""),
    ("too-long: J0004", body(BODY[0], "028|12345678901|R|"), 3, "J0004", "12345678901"),
    ("too-long: J0010", body(*BODY[:2], BODY[2].replace("|S|", "|SSS|")), 4, "J0010", "SSS"),
    ("too-long: J0012", above(f"033|20|{'x' * 201}|"), 5, "J0012", "x" * 200 + "…"),
    ("too-long: J0045", with_reading(flag="TT"), 4, "J0045", "TT"),
    ("too-long: J1888", with_reading(method="NN"), 4, "J1888", "NN"),
    ("bad-mpan", body("026|12000233059|V|"), 2, "J0003", "12000233059"),
    ("bad-mpan: zeros", body("026|0000000000000|V|"), 2, "J0003", "0000000000000"),
    ("missing-item: J0003, a tab", body("026|\t|V|"), 2, "J0003", "\t"),
    ("missing-item: J0004, a tab", body(BODY[0], "028|\t|R|"), 3, "J0004", "\t"),
    (
        "missing-item: J0004, zero width",
        body(BODY[0], "028|\u200b\u200b|R|"),
        3,
        "J0004",
        "\u200b\u200b",
    ),
    ("missing-item: J0010, no-break", with_reading(register="\xa0"), 4, "J0010", "\xa0"),
    ("missing-item: J1888, a tab", with_reading(method="\t"), 4, "J1888", "\t"),
    (
        "bad-date: no such day",
        with_reading(read_at="20240230000000"),
        4,
        "J0016",
        "20240230000000",
    ),
    ("bad-date: 24 hours", with_reading(read_at="20240115240000"), 4, "J0016", "20240115240000"),
    ("bad-date: year 9999", with_reading(read_at="99990115000000"), 4, "J0016", "99990115000000"),
    ("bad-date: no time", with_reading(read_at="20240115"), 4, "J0016", "20240115"),
    ("bad-date: J0044", with_reading(md_reset_at="x"), 4, "J0044", "x"),
    *(
        (f"bad-number: {value}", with_reading(value=value), 4, "J0040", value)
        for value in ("1e5", "NaN", "+5", "-1", " 5", "5.", ".5", "123456789", "1.25", "٣")
    ),
    ("bad-number: J1013", with_reading(md_resets="1000"), 4, "J1013", "1000"),
    ("mpan-check-digit", builder.simple(mpan="1200023305968"), 2, "J0003", "1200023305968"),
    ("unknown-code: J0022", body("026|1200023305967|X|"), 2, "J0022", "X"),
    ("unknown-code: J0171", body(BODY[0], "028|A1|O|"), 3, "J0171", "O"),
    ("unknown-code: J0045", with_reading(flag="X"), 4, "J0045", "X"),
    ("unknown-code: J1888", with_reading(method="X"), 4, "J1888", "X"),
    ("unknown-code: J0332", above("032|99|T|"), 5, "J0332", "99"),
    ("unknown-code: J0047", above("032|03|X|"), 5, "J0047", "X"),
    ("unknown-code: J0024", above("033|99||"), 5, "J0024", "99"),
    ("future-date", with_reading(read_at="21990115000000"), 4, "J0016", "21990115000000"),
    ("clock-skipped", with_reading(read_at="20240331013000"), 4, "J0016", "20240331013000"),
    ("clock-repeated", with_reading(read_at="20241027013000"), 4, "J0016", "20241027013000"),
    (
        "clock-skipped: J0044",
        with_reading(md_reset_at="20240331013000"),
        4,
        "J0044",
        "20240331013000",
    ),
    (
        "clock-repeated: J0044",
        with_reading(md_reset_at="20241027013000"),
        4,
        "J0044",
        "20241027013000",
    ),
    ("time-of-day", with_reading(read_at="20240115120000"), 4, "J0016", "20240115120000"),
    ("missing-result", with_reading(flag="F"), 4, "J0045", "F"),
    ("blank-padding", body(*BODY[:2], f"{BODY[2]} | |"), 4, "", f"{BODY[2]} | |"),
    ("blank-padding: a tab", body(*BODY[:2], f"{BODY[2]}\t"), 4, "", f"{BODY[2]}\t"),
    (
        "blank-padding: a no-break space and a tab",
        body(BODY[0], f"{BODY[1]}\xa0|\t", BODY[2]),
        3,
        "",
        f"{BODY[1]}\xa0|\t",
    ),
    (
        "blank-padding: J0003",
        body(f"026|\t{builder.MPAN}|V|"),
        2,
        "J0003",
        f"\t{builder.MPAN}",
    ),
    ("blank-padding: J0004", body(BODY[0], "028|A1\xa0|R|"), 3, "J0004", "A1\xa0"),
    ("blank-padding: J0010", with_reading(register="\tS"), 4, "J0010", "\tS"),
    ("missing-reason", above("032||T|"), 5, "J0332", ""),
    ("missing-reason: a tab", above("032|\t|T|"), 5, "J0332", "\t"),
    ("more-decimals", with_reading(value="12345.600"), 4, "J0040", "12345.600"),
]


class TestFindings:
    @pytest.mark.parametrize(
        ("name", "content", "line_number", "item", "value"),
        # A third of the codes in a quick run; the first case of a code comes by its name alone.
        [
            pytest.param(
                *case,
                id=case[0],
                marks=[pytest.mark.thorough] * (place % 3 > 0 or ":" in case[0]),
            )
            for place, case in enumerate(CASES)
        ],
    )
    def test_name_code_line_item_and_value(
        self,
        run: conftest.Run,
        write: conftest.Write,
        name: str,
        content: bytes,
        line_number: int,
        item: str,
        value: str,
    ) -> None:
        code = name.partition(":")[0]
        finding = findings.CATALOGUE[code]

        ended = run("load_d0010", write(content))

        issue = models.LineIssue.objects.get(code=code)
        assert (issue.line_number, issue.item, issue.value) == (line_number, item, value)
        assert issue.severity == finding.severity
        assert finding.expectation in issue.message
        assert not item or f"'{value}'" in issue.message
        assert ended.code == (1 if finding.severity == "REJECTED" else 0)
        status = models.FlowFile.objects.get().status
        if finding.severity == "WARNING":
            assert status == codes.FlowFileStatus.LOADED
        elif finding.scope == "file":
            assert status == codes.FlowFileStatus.REJECTED
        else:
            assert status == codes.FlowFileStatus.LOADED_WITH_REJECTIONS
        assert run("reconcile").code == 0

    def test_of_a_reused_file_id_name_the_other_file(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(builder.simple("1.0"), "first.uff"))

        run("load_d0010", write(builder.simple("2.0"), "second.uff"))

        issue = models.LineIssue.objects.get(code="reused-file-id")
        assert (issue.line_number, issue.item, issue.value) == (1, "J1064", "0000000001")
        assert "first.uff" in issue.message

    @pytest.mark.parametrize(
        ("content", "code", "item", "value"),
        [
            (GOOD.replace(b"|3||1|", b"|4||1|"), "wrong-count-accepted", "J1067", "4"),
            (GOOD.replace(b"ZPT|0000000001", b"ZPT|2"), "wrong-file-id-accepted", "J1064", "2"),
        ],
        ids=["count", "file id"],
    )
    def test_of_wrong_counts_are_warnings_when_they_are_accepted(
        self,
        run: conftest.Run,
        write: conftest.Write,
        content: bytes,
        code: str,
        item: str,
        value: str,
    ) -> None:
        path = write(content)
        refused = run("load_d0010", path)

        ended = run("load_d0010", "--accept-wrong-counts", path)

        assert (refused.code, ended.code) == (1, 0)
        assert f"loaded (1 reading; 1 warning; {code} 1)" in ended.out
        issue = models.LineIssue.objects.get()
        assert (issue.code, issue.line_number, issue.item, issue.value) == (code, 5, item, value)
        assert issue.severity == codes.Severity.WARNING
        assert models.FlowFile.objects.get().status == codes.FlowFileStatus.LOADED
        assert run("reconcile").code == 0

    def test_of_a_line_reach_all_that_stands_under_it(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                "12",
                builder.line("027|20||"),
                builder.meter(
                    "A1",
                    builder.line("029|20||"),
                    builder.reading(below=["032|03|T|", "033|20||"]),
                ),
            ),
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
        )

        run("load_d0010", write(content))

        rejected = models.LineIssue.objects.filter(severity=codes.Severity.REJECTED)
        assert set(rejected.values_list("line_number", "code")) == {
            (2, "bad-mpan"),
            *((number, "parent-rejected") for number in range(3, 9)),
        }
        assert models.Reading.objects.get().mpan_core == builder.MPAN

    def test_are_all_shown_here(self) -> None:
        shown = {name.partition(":")[0] for name, *_ in CASES}

        elsewhere = {
            "reused-file-id",
            "parent-rejected",
            "wrong-count-accepted",
            "wrong-file-id-accepted",
        }
        assert shown | elsewhere == set(findings.CATALOGUE)
