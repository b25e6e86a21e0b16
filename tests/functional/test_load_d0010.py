from __future__ import annotations

import datetime
import gzip
import json
import os
import pathlib
import shutil
import sys
import zoneinfo
from collections.abc import Callable
from decimal import Decimal

import pytest
from django import db, test

from etl.domain import findings
from etl.management import base
from etl.models import StagedLine
from tests import builder, conftest
from warehouse import codes, models


LONDON = zoneinfo.ZoneInfo("Europe/London")
OTHER_SAMPLES = conftest.ROOT / "tests" / "flow_files" / "other"

pytestmark = pytest.mark.django_db(transaction=True)


def counts() -> dict[str, int]:
    return {
        "flow_file": models.FlowFile.objects.count(),
        "meter_point": models.MeterPoint.objects.count(),
        "meter": models.Meter.objects.count(),
        "register": models.Register.objects.count(),
        "reading": models.Reading.objects.count(),
        "staged_line": StagedLine.objects.count(),
    }


def stored(**filters: object) -> set[tuple[str, str, str, str]]:
    """Return (MPAN, serial number, register, value) of the readings."""
    serial_numbers = {
        (meter.mpan_core, meter.serial_key): meter.serial_number
        for meter in models.Meter.objects.all()
    }
    return {
        (
            reading.mpan_core,
            serial_numbers[reading.mpan_core, reading.serial_key],
            reading.identifier,
            str(reading.value),
        )
        for reading in models.Reading.objects.filter(**filters)
    }


SAMPLE_COUNTS = {
    "flow_file": 1,
    "meter_point": 11,
    "meter": 11,
    "register": 13,
    "reading": 13,
    "staged_line": 37,
}


class TestSample:
    def test_gives_its_meter_points_meters_registers_and_readings(self, run: conftest.Run) -> None:
        ended = run("load_d0010", "--batch", conftest.SAMPLE)

        assert (ended.code, ended.err) == (0, "")
        assert "loaded (13 readings)" in ended.out
        assert counts() == SAMPLE_COUNTS
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
        [
            pytest.param(lambda content: content, id="another name"),
            pytest.param(lambda content: content.replace(b"\n", b"\r\n"), id="CRLF"),
            pytest.param(lambda content: content.replace(b"\n", b"\r\r\n"), id="CRCRLF"),
            pytest.param(lambda content: b"\xef\xbb\xbf" + content, id="a byte-order mark"),
            pytest.param(lambda content: content[:-1], id="no final newline"),
            pytest.param(lambda content: content.replace(b"\n", b"\r"), id="CR alone"),
            pytest.param(lambda content: content + b"\x1a", id="Ctrl-Z"),
            pytest.param(lambda content: content[:-1] + b"\x0c", id="a form feed"),
            pytest.param(lambda content: content + bytes(100_000), id="NULs"),
            pytest.param(lambda content: content[:-1] + b"\t\n", id="a tab behind the last |"),
            pytest.param(gzip.compress, id="gzip"),
        ],
    )
    def test_again_is_a_delivery_and_nothing_else(
        self, run: conftest.Run, write: conftest.Write, change: object
    ) -> None:
        run("load_d0010", conftest.SAMPLE)
        path = write(change(conftest.SAMPLE.read_bytes()), "again.uff")  # type: ignore[operator] # ids need params

        ended = run("load_d0010", path)

        assert ended.code == 0
        assert f"duplicate (same content as {conftest.SAMPLE.name})" in ended.out
        assert counts() == SAMPLE_COUNTS
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
        assert counts() == SAMPLE_COUNTS

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
        assert stored(mpan_core="2000055433806") == {
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
        assert stored() == {reading}


class TestHierarchy:
    def test_keeps_two_meters_of_a_meter_point_apart(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value="1.0")),
                builder.meter("B2", builder.reading(value="2.0")),
            )
        )

        run("load_d0010", write(content))

        assert stored() == {
            (builder.MPAN, "A1", "S", "1.0"),
            (builder.MPAN, "B2", "S", "2.0"),
        }

    def test_keeps_two_registers_of_a_meter_apart(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter(
                    "A1",
                    builder.reading("DY", value="1.0"),
                    builder.reading("NT", value="2.0"),
                ),
            )
        )

        run("load_d0010", write(content))

        assert stored() == {
            (builder.MPAN, "A1", "DY", "1.0"),
            (builder.MPAN, "A1", "NT", "2.0"),
        }

    def test_takes_what_stands_above_from_the_group_that_a_reading_is_in(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value="1.0"), reading_type="F"),
                builder.meter("A1", builder.reading(value="2.0"), reading_type="I"),
            ),
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value="3.0"), reading_type="C"),
                validation_status="F",
            ),
        )

        run("load_d0010", write(content))

        assert (models.MeterPoint.objects.count(), models.Meter.objects.count()) == (1, 1)
        assert set(
            models.Reading.objects.values_list("value", "reading_type", "validation_status")
        ) == {
            (Decimal("1.0"), "F", "V"),
            (Decimal("2.0"), "I", "V"),
            (Decimal("3.0"), "C", "F"),
        }

    def test_keeps_a_meter_without_readings(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
            builder.meter_point(builder.OTHER_MPAN, builder.meter("B2")),
        )

        ended = run("load_d0010", write(content))

        assert ended.code == 0
        assert stored() == {(builder.MPAN, "A1", "S", "100.0")}
        assert models.Meter.objects.get(serial_number="B2").mpan_core == builder.OTHER_MPAN

    def test_attaches_a_reading_without_meter_to_nothing(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
            builder.meter_point(builder.OTHER_MPAN, builder.reading(value="666.0")),
        )

        ended = run("load_d0010", write(content))

        assert ended.code == 1
        assert "loaded with rejections (1 reading; 1 line rejected; orphan-line 1)" in ended.out
        assert stored() == {(builder.MPAN, "A1", "S", "100.0")}
        issue = models.LineIssue.objects.get()
        assert (issue.line_number, issue.code, issue.mpan_core) == (
            6,
            "orphan-line",
            builder.OTHER_MPAN,
        )

    @pytest.mark.parametrize(
        "damaged",
        [f"O26|{builder.OTHER_MPAN}|V|", "026", f" 026|{builder.OTHER_MPAN}|V|", "\\26|"],
        ids=["another character", "cut", "shifted", "a backslash"],
    )
    def test_attaches_nothing_to_the_meter_point_above_a_damaged_line(
        self, run: conftest.Run, write: conftest.Write, damaged: str
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
            builder.line(damaged),
            builder.line("027|20||"),
            builder.meter("B2", builder.reading(value="666.0", below=["033|20||"])),
            builder.meter_point(
                builder.THIRD_MPAN, builder.meter("C3", builder.reading(value="3.0"))
            ),
        )

        ended = run("load_d0010", write(content))

        assert "loaded with rejections (2 readings; 5 lines rejected; orphan-line 2," in ended.out
        assert stored() == {
            (builder.MPAN, "A1", "S", "100.0"),
            (builder.THIRD_MPAN, "C3", "S", "3.0"),
        }
        assert not models.Meter.objects.filter(serial_number="B2").exists()
        assert not models.SiteVisit.objects.exists()
        assert not StagedLine.objects.filter(
            mpan_core=builder.MPAN, payload__startswith="028|B2"
        ).exists()
        assert run("reconcile").code == 0

    def test_keeps_the_siblings_of_a_line_of_an_unknown_group(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(), ["099|x|"], builder.reading("DY")),
            )
        )

        ended = run("load_d0010", write(content))

        assert "(2 readings; 1 line rejected; unknown-group 1)" in ended.out
        assert stored() == {
            (builder.MPAN, "A1", "S", "100.0"),
            (builder.MPAN, "A1", "DY", "100.0"),
        }

    def test_finds_registers_that_an_earlier_file_brought(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(builder.simple("1.0", file_id="1"), "one.uff"))

        run("load_d0010", write(builder.simple("2.0", file_id="2"), "two.uff"))

        assert stored() == {
            (builder.MPAN, "A1", "S", "1.0"),
            (builder.MPAN, "A1", "S", "2.0"),
        }
        assert models.Register.objects.count() == 1


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
            (lambda content: content.replace(b"D0010002", b"D0086002"), "wrong-flow"),
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
        assert flow_file.flow == ("D0086002" if code == "wrong-flow" else "D0010002")
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


class TestDryRun:
    @pytest.fixture
    def paths(self, write: conftest.Write) -> list[pathlib.Path]:
        """Write files of every outcome."""
        write(builder.simple("1.0", file_id="1"), "new.uff")
        write(builder.simple("1.0", file_id="1"), "again.uff")
        write(builder.simple("2.0", file_id="1"), "other.uff")
        write(builder.simple("3.0", file_id="3", mpan=builder.OTHER_MPAN), "of new meter.uff")
        write(builder.simple("x", file_id="4"), "bad.uff")
        write(builder.simple("4.0", file_id="4"), "corrected.uff")
        write(builder.simple(file_id="5")[:-9], "cut.uff")
        folder = write(b"", "packed.uff").parent
        write(gzip.compress(builder.simple(file_id="6"))[:-1], "packed.uff")
        shutil.copy(conftest.SAMPLE, folder)
        return sorted(folder.iterdir())

    @pytest.mark.parametrize(
        "options",
        [
            ["--batch"],
            [],
            ["--batch", "--strict"],
            ["--strict"],
            ["--batch", "--stage-only"],
            ["--accept-reused-file-ids", "--accept-test-files"],
            ["--json"],
        ],
        ids=" ".join,
    )
    def test_says_what_a_load_does_and_stores_nothing(
        self, run: conftest.Run, paths: list[pathlib.Path], options: list[str]
    ) -> None:
        run("load_d0010", conftest.SAMPLE)
        before, deliveries = counts(), models.Delivery.objects.count()

        rehearsed = run("load_d0010", "--dry-run", *options, *paths)

        assert (counts(), models.Delivery.objects.count()) == (before, deliveries)
        assert not models.LineIssue.objects.exists()
        assert run("transform_pending").out.startswith("0 files: nothing to do")
        ended = run("load_d0010", *options, *paths)
        assert (rehearsed.code, ended.code) == (1, 1)
        said = rehearsed.out.replace("; dry run, nothing is stored\n", "\n")
        assert said == ended.out
        assert ("dry run" in rehearsed.out) == ("--json" not in options)

    def test_ends_with_0_where_a_load_does(self, run: conftest.Run) -> None:
        rehearsed = run("load_d0010", "--dry-run", conftest.SAMPLE)

        assert (rehearsed.code, rehearsed.err) == (0, "")
        assert "loaded (13 readings)" in rehearsed.out
        assert set(counts().values()) == {0}

    def test_takes_apart_a_batch_in_which_one_file_can_not_be_transformed(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        paths = [write(builder.simple(f"{n}.0", file_id=f"{n}"), f"{n}.uff") for n in range(4)]
        refusal = "ALTER TABLE reading ADD CONSTRAINT no_two CHECK (value <> 2)"
        with db.connection.cursor() as cursor:
            cursor.execute(refusal)
        try:
            rehearsed = run("load_d0010", "--dry-run", "--batch", *paths)

            assert rehearsed.out.count(": loaded (1 reading)") == 3
            assert f"{paths[2]}: failed (could not be transformed:" in rehearsed.out
            assert set(counts().values()) == {0}
        finally:
            with db.connection.cursor() as cursor:
                cursor.execute("ALTER TABLE reading DROP CONSTRAINT no_two")


class TestRemedy:
    BAD = builder.flow_file(
        builder.meter_point(
            "1200023305968",
            builder.meter("A1", builder.reading(value="x"), builder.reading(value="y")),
        )
    )

    def test_stands_once_a_kind_below_the_file(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(self.BAD)

        loaded, again = run("load_d0010", path), run("load_d0010", path)

        first, *others = loaded.out.splitlines()[:-1]
        assert first == (
            f"{path}: loaded with rejections (0 readings; 2 lines rejected; 1 warning;"
            " bad-number 2, mpan-check-digit 1)"
        )
        assert others == [
            f"  bad-number: {findings.CATALOGUE['bad-number'].remedy}",
            f"  mpan-check-digit: {findings.CATALOGUE['mpan-check-digit'].remedy}",
        ]
        assert ": duplicate (" in again.out.splitlines()[0]
        assert len(again.out.splitlines()) == 2

    def test_stands_below_what_is_finished_later(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", "--stage-only", write(self.BAD))

        ended = run("transform_pending")

        assert f"\n  bad-number: {findings.CATALOGUE['bad-number'].remedy}\n" in ended.out

    def test_stands_below_the_reason_of_a_refused_file(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple().replace(b"OPER", b"TR01"))

        ended = run("load_d0010", path)

        first, second, _ = ended.out.splitlines()
        assert first == (
            f"{path}: rejected (line 1: J1063 Test Data Flag is 'TR01':"
            f" {findings.CATALOGUE['test-file'].expectation})"
        )
        assert second == f"  test-file: {findings.CATALOGUE['test-file'].remedy}"

    def test_is_told_of_so_many_kinds_and_no_more(
        self, run: conftest.Run, write: conftest.Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(base, "_MOST_REMEDIES", 1)

        ended = run("load_d0010", write(self.BAD))

        assert [line.split()[0] for line in ended.out.splitlines()[1:-1]] == ["bad-number:", "1"]
        assert "  1 more kind of finding\n" in ended.out

    def test_is_in_json_with_each_finding(self, run: conftest.Run, write: conftest.Write) -> None:
        ended = run("load_d0010", "--json", write(self.BAD))

        report = json.loads(ended.out)
        assert report["findings"] == {"bad-number": 2, "mpan-check-digit": 1}
        assert report["remedies"] == {
            code: findings.CATALOGUE[code].remedy for code in report["findings"]
        }
        assert report["refusal"] is None

    @pytest.mark.parametrize(
        ("options", "content", "expected"),
        [
            pytest.param(
                [],
                builder.simple().replace(b"|3||1|", b"|4||1|"),
                {
                    "code": "group-count-differs",
                    "line": 5,
                    "item": "J1067",
                    "value": "4",
                    "expected": "expected the number of lines between header and trailer, 3",
                },
                id="by its envelope",
            ),
            pytest.param(
                ["--strict"],
                BAD,
                {
                    "code": "bad-number",
                    "line": 4,
                    "item": "J0040",
                    "value": "x",
                    "expected": "expected digits as its format allows",
                },
                id="by the first of its lines",
            ),
        ],
    )
    def test_is_in_json_with_what_refuses_a_file(
        self,
        run: conftest.Run,
        write: conftest.Write,
        options: list[str],
        content: bytes,
        expected: dict[str, object],
    ) -> None:
        good = write(builder.simple(file_id="2"), "good.uff")

        ended = run("load_d0010", "--json", "--batch", *options, write(content), good)

        refused, loaded = map(json.loads, ended.out.splitlines())
        remedy = findings.CATALOGUE[str(expected["code"])].remedy
        assert {**refused["refusal"]} == {**expected, "remedy": remedy} | (
            {"expected": refused["refusal"]["expected"]} if options else {}
        )
        assert refused["refusal"]["expected"].startswith(str(expected["expected"]))
        assert loaded["refusal"] is None


class TestStrict:
    def test_rejects_a_file_whole_for_one_line(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(), builder.reading(value="x")),
            )
        )
        bad = write(content, "bad.uff")
        good = write(builder.simple(file_id="2", mpan=builder.OTHER_MPAN), "good.uff")

        ended = run("load_d0010", "--strict", "--batch", bad, good)

        assert ended.code == 1
        assert f"{bad}: rejected (1 line rejected; bad-number 1; line 5 would be" in ended.out
        assert stored() == {(builder.OTHER_MPAN, "A1", "S", "100.0")}
        assert not models.MeterPoint.objects.filter(mpan_core=builder.MPAN).exists()

        ended = run("load_d0010", bad)

        assert "loaded with rejections (1 reading; 1 line rejected; bad-number 1)" in ended.out

    @pytest.mark.parametrize("mode", [(), ("--batch",)], ids=["one by one", "in batch"])
    def test_frees_the_file_id_for_the_corrected_file_behind_it(
        self, run: conftest.Run, write: conftest.Write, mode: tuple[str, ...]
    ) -> None:
        paths = [
            write(builder.simple(value), f"{place}.uff")
            for place, value in enumerate(["x", "y", "1.0", "2.0"])
        ]
        other = write(builder.simple("3.0", file_id="2"), "other.uff")

        ended = run("load_d0010", "--strict", *mode, *paths, other)

        words = ["bad-number 1", "bad-number 1", "loaded (1", "2.uff (SHA-256", "loaded (1"]
        lines = [line for line in ended.out.splitlines() if not line.startswith(" ")]
        assert [word in line for word, line in zip(words, lines, strict=False)] == [True] * 5
        assert {value for _, _, _, value in stored()} == {"1.0", "3.0"}
        assert models.FlowFile.objects.filter(status="REJECTED").count() == 3
        assert run("reconcile").code == 0

    def test_frees_the_file_id_of_what_had_only_been_staged(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        bad, good = write(builder.simple("x"), "bad.uff"), write(builder.simple("1.0"), "good.uff")
        run("load_d0010", "--stage-only", bad)

        ended = run("load_d0010", "--strict", "--batch", bad, good)

        assert "bad.uff: rejected (" in ended.out
        assert "good.uff: loaded (1 reading)" in ended.out

    def test_says_but_once_what_came_twice_around_a_file_id_that_is_held(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        other = builder.simple("3.0", file_id="2")
        paths = [
            write(content, f"{place}.uff")
            for place, content in enumerate([builder.simple("x"), other, builder.simple(), other])
        ]

        ended = run("load_d0010", "--strict", "--batch", *paths)

        assert [
            line.split(": ")[1].split(" (")[0]
            for line in ended.out.splitlines()
            if line.startswith("/")
        ] == ["rejected", "loaded", "loaded", "duplicate"]

    def test_frees_the_file_id_that_a_file_holds_since_a_crash(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", "--stage-only", "--strict", write(builder.simple("x"), "bad.uff"))

        ended = run("load_d0010", write(builder.simple("1.0"), "good.uff"))

        assert "good.uff: loaded (1 reading)" in ended.out
        assert models.FlowFile.objects.get(file_name="bad.uff").status == "REJECTED"

    def test_holds_the_file_id_while_files_are_only_staged(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        bad, good = write(builder.simple("x"), "bad.uff"), write(builder.simple(), "good.uff")

        ended = run("load_d0010", "--stage-only", "--strict", "--batch", bad, good)

        assert [line.split(": ")[1][:8] for line in ended.out.splitlines()[:2]] == [
            "staged",
            "rejected",
        ]
        assert "bad.uff (SHA-256" in ended.out

    def test_holds_for_what_had_only_been_staged_and_is_finished(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple("x"))
        run("load_d0010", "--stage-only", path)

        ended = run("load_d0010", "--strict", path)

        assert ": rejected (" in ended.out
        assert ended.code == 1
        assert not models.MeterPoint.objects.exists()

    def test_holds_for_what_is_finished_by_somebody_who_does_not_say_so(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple("x"))
        run("load_d0010", "--stage-only", "--strict", path)

        refused, again = run("load_d0010", path), run("load_d0010", path)

        assert ": rejected (" in refused.out
        assert ": loaded with rejections (" in again.out


class TestStageOnly:
    def test_leaves_the_rest_to_transform_pending(self, run: conftest.Run) -> None:
        staged = run("load_d0010", "--stage-only", conftest.SAMPLE)

        assert (staged.code, counts()["staged_line"], counts()["reading"]) == (0, 37, 0)
        assert "staged" in staged.out

        finished = run("transform_pending")

        assert finished.code == 0
        assert f"{conftest.SAMPLE.name}: loaded (13 readings)" in finished.out
        assert counts() == SAMPLE_COUNTS
        assert "nothing to do" in run("transform_pending").out

    def test_is_finished_by_loading_the_same_content(self, run: conftest.Run) -> None:
        run("load_d0010", "--stage-only", conftest.SAMPLE)

        ended = run("load_d0010", conftest.SAMPLE)

        assert "loaded (13 readings)" in ended.out
        assert counts() == SAMPLE_COUNTS


class TestPaths:
    def test_may_be_a_directory_a_glob_or_packed(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        write(builder.simple("1.0", file_id="1"), "one.uff")
        write(gzip.compress(builder.simple("2.0", file_id="2")), "two.uff.gz")
        write(builder.simple("3.0", file_id="3"), "three.txt")

        by_glob = run("load_d0010", tmp_path / "*.uff*")
        by_directory = run("load_d0010", "--batch", tmp_path)

        assert (by_glob.code, by_directory.code) == (0, 0)
        assert by_glob.out.count(": loaded") == 2
        assert by_directory.out.count(": duplicate") == 2
        assert {value for _, _, _, value in stored()} == {"1.0", "2.0", "3.0"}

    def test_in_a_directory_are_its_regular_files_and_the_rest_is_named(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        first = write(builder.simple("1.0", file_id="1"), "a.uff")
        second = write(builder.simple("2.0", file_id="2"), "b.uff")
        (tmp_path / "ab.uff").symlink_to(second)
        (tmp_path / "null.uff").symlink_to("/dev/null")
        (tmp_path / "folder.uff").mkdir()
        os.mkfifo(tmp_path / "fifo.uff")

        ended = run("load_d0010", tmp_path)

        assert ended.code == 0
        assert [line.partition(": ")[0] for line in ended.out.splitlines()[:-1]] == [
            str(first),
            str(tmp_path / "ab.uff"),
            str(second),
        ]
        assert ended.err.splitlines() == [
            f"{tmp_path}/fifo.uff: not a regular file, skipped",
            f"{tmp_path}/folder.uff: a folder inside a folder, skipped",
            f"{tmp_path}/null.uff: not a regular file, skipped",
        ]

    @pytest.mark.parametrize(
        ("target", "reason"),
        [("none.uff", "No such file or directory"), ("odd.uff", "Too many levels of symbolic")],
        ids=["link to nothing", "link to itself"],
    )
    def test_in_a_directory_that_are_links_to_no_file_fail(
        self,
        run: conftest.Run,
        write: conftest.Write,
        tmp_path: pathlib.Path,
        target: str,
        reason: str,
    ) -> None:
        good = write(builder.simple())
        (tmp_path / "odd.uff").symlink_to(target)

        ended = run("load_d0010", tmp_path)

        assert ended.code == 1
        assert f"{good}: loaded (1 reading)" in ended.out
        assert f"{tmp_path}/odd.uff: failed ({reason}" in ended.out

    @pytest.mark.parametrize(
        ("pattern", "loaded", "notes"),
        [
            ("", ["top.uff"], ["/a: a folder inside", "/c: a folder inside"]),
            ("/a", [], ["/a/b: a folder inside", "/a: no files in it"]),
            ("/*", ["c/one.uff", "top.uff"], ["/a/b: a folder inside"]),
            ("/*.uff", ["top.uff"], []),
            ("/**/*.uff", ["a/b/two.uff", "c/one.uff", "top.uff"], []),
            ("/**/b/*.uff", ["a/b/two.uff"], []),
            ("/**", ["a/b/two.uff", "c/one.uff", "top.uff"], []),
            ("/a*", [], ["/a/b: a folder inside", "/a*: no files in it"]),
        ],
    )
    def test_may_go_down_a_tree(
        self,
        run: conftest.Run,
        tmp_path: pathlib.Path,
        pattern: str,
        loaded: list[str],
        notes: list[str],
    ) -> None:
        for number, name in enumerate(["top.uff", "a/b/two.uff", "c/one.uff"], start=1):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(builder.simple(f"{number}.0", file_id=f"{number}"))

        ended = run("load_d0010", f"{tmp_path}{pattern}")

        assert ended.code == 0
        assert ended.out.splitlines()[:-1] == [
            f"{tmp_path}/{name}: loaded (1 reading)" for name in loaded
        ]
        said = ended.err.splitlines()
        assert len(said) == len(notes)
        assert all(
            line.startswith(f"{tmp_path}{note}") for line, note in zip(said, notes, strict=True)
        )

    def test_that_give_nothing_fail_and_stop_nobody(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        good = write(builder.simple())
        broken = write(gzip.compress(builder.simple())[:40], "broken.gz")

        ended = run("load_d0010", "--batch", tmp_path / "none.uff", broken, "/dev/null", good)

        assert ended.code == 1
        assert "none.uff: failed (No such file or directory)" in ended.out
        assert "broken.gz: failed (the gzip data is cut short" in ended.out
        assert "/dev/null: failed (not a regular file)" in ended.out
        assert f"{good}: loaded (1 reading)" in ended.out

    def test_print_as_one_json_object_each(self, run: conftest.Run, write: conftest.Write) -> None:
        path = write(builder.simple(), "\x1b[31m.uff")

        plain, as_json = run("load_d0010", path), run("load_d0010", "--json", path)

        assert "\x1b" not in plain.out
        assert json.loads(as_json.out)["outcome"] == "duplicate"

    def test_given_twice_in_a_row_load_once_though_the_first_is_still_in_work(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple("1.0", file_id="1"))
        copy = pathlib.Path(shutil.copy(path, path.with_name("copy.uff")))
        other = write(builder.simple("2.0", file_id="2"), "other.uff")

        ended = run("load_d0010", path, copy, path, other)

        assert ended.out.splitlines() == [
            f"{path}: loaded (1 reading)",
            f"{copy}: duplicate (same content as {path.name})",
            f"{path}: duplicate (same content as {path.name})",
            f"{other}: loaded (1 reading)",
            "4 files: 2 loaded, 2 duplicate; 2 readings, 0 rejected lines",
        ]

    def test_given_twice_load_once(self, run: conftest.Run, write: conftest.Write) -> None:
        path = write(builder.simple())
        copy = pathlib.Path(shutil.copy(path, path.with_name("copy.uff")))

        ended = run("load_d0010", "--batch", path, copy, path)

        assert [line.partition(": ")[2][:9] for line in ended.out.splitlines()[:3]] == [
            "loaded (1",
            "duplicate",
            "duplicate",
        ]
        assert counts()["reading"] == 1


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
        [r"\N", r"\.", r"a\tb", "a\tb", '"', "'; --", "%s", "a\rb", "é", "{}"],
    )
    def test_is_stored_as_it_was_sent(
        self, run: conftest.Run, write: conftest.Write, serial: str
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter(serial, builder.reading()))
        )

        ended = run("load_d0010", write(content))

        assert ended.code == 0
        assert stored() == {(builder.MPAN, serial, "S", "100.0")}
        assert StagedLine.objects.filter(payload=f"028|{serial}|R|").exists()

    def test_that_is_no_utf_8_is_read_as_windows_1252(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        ended = run("load_d0010", write(builder.simple().replace(b"A1", b"caf\xe9")))

        assert ended.code == 0
        assert stored() == {(builder.MPAN, "café", "S", "100.0")}
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
