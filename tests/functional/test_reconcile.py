from __future__ import annotations

import pytest
from django import db

from tests import builder, conftest
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)

ALL_GROUPS = builder.flow_file(
    builder.meter_point(
        builder.MPAN,
        builder.line("027|20|nobody there|"),
        builder.meter(
            "A1",
            builder.line("029|15||"),
            builder.reading(flag="F", below=["032|03|F|", "033|07|stopped|"]),
            builder.reading(value="x"),
            builder.reading("02", md_reset_at="20240110120000", md_resets="007"),
        ),
    ),
)


def change(statement: str) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(statement)


class TestReconcile:
    def test_accounts_for_every_line_of_every_kind(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(ALL_GROUPS + b"\n \n"), conftest.SAMPLE)

        ended = run("reconcile")

        assert ended.code == 0
        titles, row, sample, summary = ended.out.splitlines()
        assert titles.split()[:9] == row_titles()
        assert row.split()[:9] == ["13", "1", "1", "2", "1", "3", "1", "2", "0"]
        assert sample.split()[:9] == ["37", "11", "11", "13", "0", "0", "0", "0", "0"]
        assert summary == "2 files, 0 with lines unaccounted for, 0 differences"

    def test_looks_at_one_file_by_name_or_hash(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(ALL_GROUPS), conftest.SAMPLE)
        sha256 = models.FlowFile.objects.get(file_name="file.uff").sha256

        by_name, by_hash = (
            run("reconcile", "--file", conftest.SAMPLE.name),
            run("reconcile", "--file", sha256[:10]),
        )

        assert "file.uff" not in by_name.out
        assert conftest.SAMPLE.name not in by_hash.out
        assert run("reconcile", "--file", "none").code == 2

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("UPDATE reading SET value = value + 0.1", "another value than their lines say"),
            ("UPDATE reading SET read_at = read_at + interval '1 s'", "another time than"),
            ("UPDATE reading SET reading_type = 'W'", "another register than their lines say"),
            ("UPDATE reading SET reason_code = '04' WHERE reason_code <> ''", "another value"),
            ("UPDATE reading SET md_reset_count = 8", "another value than their lines say"),
            ("UPDATE reading SET mpan_core = '1900001059816'", "register is at another meter"),
            ("UPDATE meter SET serial_number = 'B2'", "meters that are missing"),
            (
                "DELETE FROM reading WHERE id & 255 = 10",
                "readings that are missing, first at line 10",
            ),
            ("DELETE FROM site_visit WHERE reading_id IS NULL", "site visits that are missing"),
            ("UPDATE site_visit SET check_code = '01'", "say something else than their lines"),
            ("UPDATE site_visit SET reading_id = NULL", "say something else than their lines"),
            ("DELETE FROM line_issue", "rejected lines: expected 1, found 0"),
            ("DELETE FROM staged_line WHERE id & 255 = 10", "staged lines: expected 11, found 10"),
            ("UPDATE staged_line SET id = id + 100 WHERE id & 255 = 10", "readings of no line"),
            ("UPDATE flow_file SET reading_count = 1", "readings: expected 1, found 2"),
            ("UPDATE flow_file SET declared_group_count = 8", "groups that the trailer counts"),
            ("UPDATE flow_file SET status = 'REJECTED'", "readings of no loaded file"),
        ],
    )
    def test_finds_what_was_changed_behind_its_back(
        self, run: conftest.Run, write: conftest.Write, statement: str, words: str
    ) -> None:
        run("load_d0010", write(ALL_GROUPS))

        change(statement)
        ended = run("reconcile")

        assert ended.code == 1
        assert words in ended.out

    def test_leaves_a_staged_file_in_peace(self, run: conftest.Run) -> None:
        run("load_d0010", "--stage-only", conftest.SAMPLE)

        ended = run("reconcile")

        assert ended.code == 0
        assert "(staged)" in ended.out

    def test_leaves_rejected_files_in_peace(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(b"nothing\n", "none.uff"))
        run("load_d0010", "--strict", write(ALL_GROUPS, "strict.uff"))

        ended = run("reconcile")

        assert (ended.code, ended.out.count("(rejected)")) == (0, 2)


class TestPurge:
    def test_drops_raw_lines_and_keeps_the_rest_provable(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(ALL_GROUPS))
        run("load_d0010", "--stage-only", conftest.SAMPLE)

        dry = run("purge_staged_lines", "--older-than", "0d", "--dry-run")
        early = run("purge_staged_lines", "--older-than", "1d")
        done = run("purge_staged_lines", "--older-than", "0d")

        assert dry.out.endswith("11 raw lines of 1 file would be dropped\n")
        assert early.out == "0 raw lines of 0 files dropped\n"
        assert done.out.endswith("11 raw lines of 1 file dropped\n")
        reading = models.Reading.objects.get(register__identifier="02")
        assert (reading.flow_file.file_name, reading.line_number) == ("file.uff", 10)
        reconciled = run("reconcile")
        assert reconciled.code == 0
        assert "(loaded with rejections, purged)" in reconciled.out
        assert "duplicate" in run("load_d0010", write(ALL_GROUPS)).out

        change("DELETE FROM reading WHERE id & 255 = 10")

        assert "readings: expected 2, found 1" in run("reconcile").out


class TestExport:
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
            "file_name,line_number\n"
            f"{builder.MPAN},'=1+1,S,2024-07-15T00:00:00+01:00,7.0,R,V,"
            'T,N,"","",2024-01-10T12:00:00+00:00,3,'
            "file.uff,4\n"
        )

    @pytest.mark.parametrize(
        ("arguments", "values"),
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
        assert run("export_readings", "--mpan", "12").code == 1
        assert "expected YYYY-MM-DD" in run("export_readings", "--since", "2024-02-30").err

    @pytest.mark.parametrize("folder", [".", "..", "/", ""])
    def test_says_that_a_folder_is_no_file(self, run: conftest.Run, folder: str) -> None:
        ended = run("export_readings", "--output", folder)

        assert (ended.code, ended.out) == (1, "")
        assert ended.err.endswith(" can't be written: Is a directory.")


def row_titles() -> list[str]:
    return [
        "lines",
        "points",
        "meters",
        "readings",
        "results",
        "visits",
        "rejected",
        "blank",
        "lost",
    ]
