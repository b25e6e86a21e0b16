from __future__ import annotations

import csv
import io
import os
import pathlib
import sys
from collections.abc import Mapping, Sequence

import openpyxl
import pytest

from tests import builder, conftest, depth


pytestmark = pytest.mark.django_db(transaction=True)


def _load(run: conftest.Run, write: conftest.Write, *serial_numbers: str) -> None:
    meters = (builder.meter(serial, builder.reading()) for serial in serial_numbers)
    run("load_d0010", write(builder.flow_file(builder.meter_point(builder.MPAN, *meters))))


def _csv(path: pathlib.Path) -> Sequence[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


class TestCsv:
    def test_writes_the_columns_of_the_listing(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter(
                    "=1+1",
                    builder.reading(
                        read_at="20240715000000",
                        value="7",
                        md_reset_at="20240110120000",
                        md_resets="3",
                    ),
                ),
            )
        )
        run("load_d0010", write(content))
        output = write(b"", "out.csv")

        run("export_readings", "--output", output)

        assert output.read_text() == (
            "mpan_core,serial_number,register,read_at,value,reading_type,validation_status,"
            "reading_flag,reading_method,reason_code,reading_status,md_reset_at,md_reset_count,"
            "file_name,line_number,standing,file_created_at,flow\n"
            f"{builder.MPAN},'=1+1,S,2024-07-15T00:00:00+01:00,7.0,R,V,"
            "T,N,,,2024-01-10T12:00:00+00:00,3,"
            "file.uff,4,current,2024-02-01T12:00:00+00:00,D0010002\n"
        )

    @pytest.mark.parametrize("folder", [".", "..", "/"])
    def test_says_that_a_folder_is_no_file(self, run: conftest.Run, folder: str) -> None:
        ended = run("export_readings", "--output", folder)

        assert (ended.code, ended.out) == (1, "")
        assert ended.err.endswith(" can't be written: Is a directory.")

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


class TestNarrowing:
    @pytest.mark.parametrize(
        ("arguments", "values"),
        depth.some(
            [
                ((), ["1.0", "2.0", "3.0"]),
                (("--mpan", builder.MPAN), ["1.0", "2.0"]),
                (("--mpan", f"S 00801111{builder.MPAN}"), ["1.0", "2.0"]),
                (("--serial", "a 1b2"), ["1.0", "2.0"]),
                (("--serial", "c3é"), ["3.0"]),
                (("--since", "2024-07-15"), ["2.0", "3.0"]),
                (("--until", "2024-07-15"), ["1.0", "2.0"]),
                (("--since", "2024-07-15", "--until", "2024-07-15"), ["2.0"]),
                (("--since", "0001-01-01", "--until", "9999-12-31"), ["1.0", "2.0", "3.0"]),
                (("--since", "9999-12-31"), []),
                (("--until", "0001-01-01"), []),
            ],
            one_of=3,
        ),
    )
    def test_narrows_by_mpan_serial_and_uk_dates(
        self,
        run: conftest.Run,
        write: conftest.Write,
        arguments: tuple[str, ...],
        values: list[str],
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter(
                    "A1 B2",
                    builder.reading(read_at="20240714235959", value="1.0"),
                    builder.reading(read_at="20240715000000", value="2.0"),
                ),
            ),
            builder.meter_point(
                builder.OTHER_MPAN,
                builder.meter("C3é", builder.reading(read_at="20240716000000", value="3.0")),
            ),
        )
        run("load_d0010", write(content))
        output = write(b"", "out.csv")

        run("export_readings", "--output", output, *arguments)

        assert [line.split(",")[4] for line in output.read_text().splitlines()[1:]] == values

    def test_says_what_is_wrong_with_an_argument(self, run: conftest.Run) -> None:
        assert run("export_readings", "--mpan", "12").code == 2
        assert "expected YYYY-MM-DD" in run("export_readings", "--since", "2024-02-30").err

    @pytest.mark.parametrize(
        "typed",
        depth.some(
            ["K75A\xa000802", "K75A 00802", "k75a00802", "K75A\t00802", "\u200bK75A00802"],
            one_of=3,
        ),
    )
    def test_is_narrowed_by_a_serial_number_however_its_blanks_are_typed(
        self, run: conftest.Run, write: conftest.Write, typed: str
    ) -> None:
        _load(run, write, "K75A\xa000802", "OTHER")
        output = write(b"", "out.csv")

        run("export_readings", "--serial", typed, "--output", output)

        assert [row["serial_number"] for row in _csv(output)] == ["K75A\xa000802"]


class TestOutput:
    def test_that_is_no_regular_file_is_written_to_and_not_replaced(
        self, run: conftest.Run, write: conftest.Write, tmp_path: pathlib.Path
    ) -> None:
        _load(run, write, "A1")
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

        ended = run("export_readings", "--output", pipe)
        text = os.read(reader, 1_000_000).decode()
        os.close(reader)

        assert (ended.code, ended.err) == (0, "")
        assert pipe.is_fifo()
        assert len(text.splitlines()) == 2


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
        assert ended.err == "XLSX can't be shown on a terminal: name a file with --output."

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
