from __future__ import annotations

import csv
import io
import pathlib
import sys
from collections.abc import Mapping, Sequence

import openpyxl
import pytest

from tests import builder, conftest


pytestmark = pytest.mark.django_db(transaction=True)


def _load(run: conftest.Run, write: conftest.Write, *serial_numbers: str) -> None:
    meters = (builder.meter(serial, builder.reading()) for serial in serial_numbers)
    run("load_d0010", write(builder.flow_file(builder.meter_point(builder.MPAN, *meters))))


def _csv(path: pathlib.Path) -> Sequence[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


class TestCsv:
    @pytest.mark.parametrize(
        ("serial_number", "cell"),
        [
            ("=1+1", "'=1+1"),
            ("'=1+1", "''=1+1"),
            ("\uff1d1+1", "'\uff1d1+1"),
            ("A;B", "A;B"),
        ],
        ids=ascii,
    )
    def test_is_harmless_in_a_spreadsheet(
        self, run: conftest.Run, write: conftest.Write, serial_number: str, cell: str
    ) -> None:
        _load(run, write, serial_number)
        output = write(b"", "out.csv")

        run("export_readings", "--output", output)

        assert [row["serial_number"] for row in _csv(output)] == [cell]

    def test_quotes_a_semicolon(self, run: conftest.Run, write: conftest.Write) -> None:
        _load(run, write, "A;B")
        output = write(b"", "out.csv")

        run("export_readings", "--output", output)

        assert f'{builder.MPAN},"A;B",S,' in output.read_text(encoding="utf-8")

    def test_tells_what_counts_by_when_files_were_made(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        for day, value in (("10", "120.0"), ("05", "100.0")):  # the newer one comes first
            content = builder.flow_file(
                builder.meter_point(
                    builder.MPAN, builder.meter("A1", builder.reading(value=value))
                ),
                file_id=day,
                header=f"ZHV|{day}|D0010002|D|UDMS|X|MRCY|202406{day}080000||||OPER|",
            )
            run("load_d0010", write(content, f"{day}.uff"))
        output = write(b"", "out.csv")

        run("export_readings", "--output", output)

        assert [
            (row["value"], row["standing"], row["file_created_at"], row["file_name"])
            for row in _csv(output)
        ] == [
            ("100.0", "superseded", "2024-06-05T08:00:00+01:00", "05.uff"),
            ("120.0", "current", "2024-06-10T08:00:00+01:00", "10.uff"),
        ]

    @pytest.mark.parametrize(
        "typed", ["K75A\xa000802", "K75A 00802", "k75a00802", "K75A\t00802", "\u200bK75A00802"]
    )
    def test_is_narrowed_by_a_serial_number_however_its_blanks_are_typed(
        self, run: conftest.Run, write: conftest.Write, typed: str
    ) -> None:
        _load(run, write, "K75A\xa000802", "OTHER")
        output = write(b"", "out.csv")

        run("export_readings", "--serial", typed, "--output", output)

        assert [row["serial_number"] for row in _csv(output)] == ["K75A\xa000802"]


class TestXlsx:
    def test_is_written_for_a_spreadsheet(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        _load(run, write, "=1+1")
        output = tmp_path / "out.xlsx"

        ended = run("export_readings", "--format", "xlsx", "--output", output)

        assert (ended.code, ended.out, ended.err) == (0, "", "")
        heading, row = openpyxl.load_workbook(output).worksheets[0].iter_rows(values_only=True)
        told = dict(zip(heading, row, strict=True))
        assert told["mpan_core"] == builder.MPAN
        assert told["serial_number"] == "=1+1"
        assert told["value"] == 100
        assert told["reading_type_in_words"] == "routine"
        assert told["standing"] == "current"

    def test_is_not_for_a_screen(self, run: conftest.Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

        ended = run("export_readings", "--format", "xlsx")

        assert ended.code == 2
        assert ended.err == "XLSX is nothing to show on a screen: name a file by --output."

    def test_that_finds_no_room_leaves_nothing_behind(
        self,
        run: conftest.Run,
        write: conftest.Write,
        tmp_path: pathlib.Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _load(run, write, "A1")
        folder = tmp_path / "full"
        folder.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

        ended = run("export_readings", "--format", "xlsx", "--output", folder / "out.xlsx")

        assert ended.code == 1
        assert "can't be written: No such file or directory." in ended.err
        assert list(folder.iterdir()) == []
