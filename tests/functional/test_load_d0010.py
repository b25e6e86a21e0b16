from __future__ import annotations

import datetime
import gzip
import pathlib
import sys
import zoneinfo
from collections.abc import Callable
from decimal import Decimal

import pytest
from django import db, test

from etl.models import StagedLine
from tests import builder, conftest, depth
from tests.functional import tables
from warehouse import codes, models


LONDON = zoneinfo.ZoneInfo("Europe/London")
OTHER_SAMPLES = conftest.ROOT / "tests" / "flow_files" / "other"

pytestmark = pytest.mark.django_db(transaction=True)


class TestSample:
    def test_gives_its_meter_points_meters_registers_and_readings(self, run: conftest.Run) -> None:
        ended = run("load_d0010", "--batch", conftest.SAMPLE)

        assert (ended.code, ended.err) == (0, "")
        assert "loaded (13 readings)" in ended.out
        assert tables.counts() == tables.SAMPLE_COUNTS
        reading = models.Reading.objects.get(mpan_core="1900005281720", identifier="NT")
        assert reading.serial_key == "36933604"
        assert reading.value == Decimal("15549.0")
        assert reading.read_at.astimezone(LONDON).isoformat() == "2016-02-22T00:00:00+00:00"
        assert (reading.reading_type, reading.validation_status) == ("D", "V")
        assert (reading.reading_flag, reading.reading_method) == ("T", "N")
        assert (reading.md_reset_at, reading.md_reset_count) == (None, None)
        flow_file = models.FlowFile.objects.get(id=reading.flow_file_id)
        assert (flow_file.file_name, reading.line_number) == (conftest.SAMPLE.name, 33)
        assert flow_file.status == codes.FlowFileStatus.LOADED
        assert reading.stated_at == flow_file.file_created_at

    @pytest.mark.parametrize(
        "change",
        depth.some(
            [
                pytest.param(lambda content: content, id="another name"),
                pytest.param(lambda content: content.replace(b"\n", b"\r\n"), id="CRLF"),
                pytest.param(
                    lambda content: content.replace(b"\n", b"\r\r\n"),
                    id="CRCRLF",
                    marks=pytest.mark.thorough,
                ),
                pytest.param(lambda content: b"\xef\xbb\xbf" + content, id="a byte-order mark"),
                pytest.param(lambda content: content[:-1], id="no final newline"),
                pytest.param(
                    lambda content: content.replace(b"\n", b"\r"),
                    id="CR alone",
                    marks=pytest.mark.thorough,
                ),
                pytest.param(
                    lambda content: content + b"\x1a", id="Ctrl-Z", marks=pytest.mark.thorough
                ),
                pytest.param(
                    lambda content: content[:-1] + b"\x0c",
                    id="a form feed",
                    marks=pytest.mark.thorough,
                ),
                pytest.param(lambda content: content + bytes(100_000), id="NULs"),
                pytest.param(
                    lambda content: content[:-1] + b"\t\n",
                    id="a tab behind the last |",
                    marks=pytest.mark.thorough,
                ),
                pytest.param(gzip.compress, id="gzip"),
            ],
            one_of=3,
        ),
    )
    def test_again_is_a_delivery_and_nothing_else(
        self, run: conftest.Run, write: conftest.Write, change: object
    ) -> None:
        run("load_d0010", conftest.SAMPLE)
        path = write(change(conftest.SAMPLE.read_bytes()), "again.uff")  # type: ignore[operator] # ids need params

        ended = run("load_d0010", path)

        assert ended.code == 0
        assert f"duplicate (same content as {conftest.SAMPLE.name})" in ended.out
        assert tables.counts() == tables.SAMPLE_COUNTS
        assert list(
            models.Delivery.objects.order_by("id").values_list("file_name", flat=True)
        ) == [conftest.SAMPLE.name, "again.uff"]

    def test_with_lines_that_end_in_cr_cr_lf_loads(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(conftest.SAMPLE.read_bytes().replace(b"\n", b"\r\r\n"), "doubled.uff")
        crlf = write(conftest.SAMPLE.read_bytes().replace(b"\n", b"\r\n"), "crlf.uff")

        ended, again = run("load_d0010", path), run("load_d0010", crlf)

        assert "loaded (13 readings)" in ended.out
        assert "duplicate (same content as doubled.uff)" in again.out
        assert tables.counts() == tables.SAMPLE_COUNTS

    def test_with_one_reading_changed_is_a_conflict(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", conftest.SAMPLE)
        path = write(conftest.SAMPLE.read_bytes().replace(b"7242.0", b"7243.0"), "changed.uff")

        refused = run("load_d0010", path)

        assert refused.code == 1
        assert "J1064 File Identifier is '0000475656'" in refused.out
        assert conftest.SAMPLE.name in refused.out
        assert "--accept-reused-file-ids" in refused.out
        assert models.Reading.objects.count() == 13
        assert models.FlowFile.objects.get(file_name="changed.uff").status == "REJECTED"

        accepted = run("load_d0010", "--accept-reused-file-ids", path)

        assert accepted.code == 0
        assert tables.stored(mpan_core="2000055433806") == {
            ("2000055433806", "D13C01717", "01", "7242.0"),
            ("2000055433806", "D13C01717", "01", "7243.0"),
        }
        assert models.FlowFile.objects.get(file_name="changed.uff").reuses_file_identifier

    @pytest.mark.parametrize(
        ("name", "reading"),
        [
            ("DS0000IE16_D0010.txt", ("1023527784227", "25P2083306", "01", "78.4")),
            ("S090173959.usr", ("1100013222946", "E12Z070779", "S", "256980.0")),
        ],
    )
    def test_of_another_sender_loads(
        self, run: conftest.Run, name: str, reading: tuple[str, str, str, str]
    ) -> None:
        ended = run("load_d0010", OTHER_SAMPLES / name)

        assert ended.code == 0
        assert tables.stored() == {reading}


class TestEnvelope:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (builder.simple()[:95], "line 4: found '03': expected a ZPT trailer"),
            (builder.simple().replace(b"|3||1|", b"|4||1|"), "line 5: J1067 Total Group Count"),
            (b"not a flow file\n", "line 1: found 'not a flow file': expected a ZHV header"),
        ],
        ids=["cut short", "counts wrong", "no header"],
    )
    def test_rejects_a_file_with_a_reason_on_screen_and_in_the_database(
        self, run: conftest.Run, write: conftest.Write, content: bytes, words: str
    ) -> None:
        bad, good = write(content, "bad.uff"), write(builder.simple("5.0"), "good.uff")

        ended = run("load_d0010", "--batch", bad, good)

        assert ended.code == 1
        assert f"{bad}: rejected ({words}" in ended.out
        assert f"{good}: loaded (1 reading)" in ended.out
        flow_file = models.FlowFile.objects.get(file_name="bad.uff")
        assert (flow_file.status, flow_file.reason.startswith(words)) == ("REJECTED", True)
        assert flow_file.issues.get().severity == codes.Severity.REJECTED
        assert (
            StagedLine.objects.filter(
                id__range=(flow_file.pk << 32, flow_file.pk + 1 << 32)
            ).count()
            == 0
        )

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda content: content.replace(b"OPER", b"TR01"), "test-file"),
            (lambda content: content.replace(b"D0010002", b"D0036002"), "wrong-flow"),
            (lambda content: content.replace(b"||||OPER|", b"||||OPER|x|"), "bad-header"),
            (lambda content: content[:200], "no-trailer"),
            (lambda content: content.replace(b"\n026|", b"\n\x00026|"), "not-text"),
        ],
        ids=["test file", "wrong flow", "bad header", "no trailer", "not text"],
    )
    def test_keeps_what_the_header_of_a_refused_file_says_and_frees_its_file_id(
        self,
        run: conftest.Run,
        write: conftest.Write,
        change: Callable[[bytes], bytes],
        code: str,
    ) -> None:
        content = conftest.SAMPLE.read_bytes()
        refused = run("load_d0010", write(change(content)))

        accepted = run("load_d0010", conftest.SAMPLE)

        assert (refused.code, accepted.code) == (1, 0)
        flow_file = models.FlowFile.objects.get(status="REJECTED")
        assert flow_file.issues.get().code == code
        assert flow_file.flow == ("D0036002" if code == "wrong-flow" else "D0010002")
        assert flow_file.file_identifier == "0000475656"
        assert (flow_file.sender_role, flow_file.sender) == ("D", "UDMS")
        assert (flow_file.recipient_role, flow_file.recipient) == ("X", "MRCY")
        assert flow_file.file_created_at == datetime.datetime(
            2016, 3, 2, 15, 31, 51, tzinfo=LONDON
        )

    def test_judges_a_rejected_content_anew(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.flow_file(builder.meter_point(builder.MPAN), test_flag="TR01"))
        refused = run("load_d0010", path)

        accepted = run("load_d0010", "--accept-test-files", path)

        assert (refused.code, accepted.code) == (1, 0)
        flow_file = models.FlowFile.objects.get()
        assert (flow_file.status, flow_file.reason) == ("LOADED", "")
        assert not flow_file.issues.exists()
        assert flow_file.deliveries.count() == 2

    def test_keeps_a_warning_and_loads(self, run: conftest.Run, write: conftest.Write) -> None:
        ended = run("load_d0010", write(builder.simple().replace(b"|3||1|", b"|3||9|")))

        assert ended.code == 0
        assert "loaded (1 reading; 1 warning; flow-count-differs 1)" in ended.out
        assert models.LineIssue.objects.get().code == "flow-count-differs"


class TestBatch:
    def test_takes_as_many_statements_for_many_files_as_for_few(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        def load(paths: list[pathlib.Path]) -> int:
            with test.utils.CaptureQueriesContext(db.connection) as queries:
                ended = run("load_d0010", "--batch", *paths)
            assert ended.code == 0
            return len(queries)

        paths = [
            write(builder.simple(file_id=f"{number:010d}"), f"{number}.uff") for number in range(9)
        ]
        few, many = paths[:2], paths[2:]
        assert load(few) == load(many)
        # Known by now.
        assert load(few) == load(many)

    def test_holds_files_with_and_without_lines_of_other_groups(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        plain = write(builder.simple(file_id="0000000001"), "plain.uff")
        visited = builder.meter_point(
            builder.OTHER_MPAN, builder.line("027|20||"), builder.meter("A1", builder.reading())
        )
        other = write(builder.flow_file(visited, file_id="0000000002"), "other.uff")

        assert run("load_d0010", "--batch", plain, other).code == 0

        assert models.SiteVisit.objects.get().mpan_core == builder.OTHER_MPAN
        assert run("reconcile").code == 0

    def test_leaves_the_process_as_it_was(self, run: conftest.Run) -> None:
        before = sys.getswitchinterval()
        sys.setswitchinterval(0.25)
        try:
            run("load_d0010", "--batch", conftest.SAMPLE)

            assert sys.getswitchinterval() == 0.25
        finally:
            sys.setswitchinterval(before)


class TestText:
    @pytest.mark.parametrize(
        "serial",
        depth.some(
            [r"\N", r"\.", r"a\tb", "a\tb", '"', "'; --", "%s", "a\rb", "é", "{}"], one_of=3
        ),
    )
    def test_is_stored_as_it_was_sent(
        self, run: conftest.Run, write: conftest.Write, serial: str
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter(serial, builder.reading()))
        )

        ended = run("load_d0010", write(content))

        assert ended.code == 0
        assert tables.stored() == {(builder.MPAN, serial, "S", "100.0")}
        assert StagedLine.objects.filter(payload=f"028|{serial}|R|").exists()

    def test_that_is_no_utf_8_is_read_as_windows_1252(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        ended = run("load_d0010", write(builder.simple().replace(b"A1", b"caf\xe9")))

        assert ended.code == 0
        assert tables.stored() == {(builder.MPAN, "café", "S", "100.0")}
        assert models.FlowFile.objects.get().encoding == "cp1252"


class TestStagedLines:
    def test_have_ids_that_name_file_and_line(self, run: conftest.Run) -> None:
        run("load_d0010", conftest.SAMPLE)

        flow_file = models.FlowFile.objects.get()
        with db.connection.cursor() as cursor:
            cursor.execute("SELECT min(id), max(id), count(parent_id) FROM staged_line")
            first, last, children = cursor.fetchone()
        assert (first, last) == ((flow_file.pk << 32) + 1, (flow_file.pk << 32) + 37)
        assert children == 11 + 13
