from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django import db

from etl.models import StagedLine
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


# Two meters at one meter point, two readings of a register, and visits at all of them.
NEIGHBORS = builder.flow_file(
    builder.meter_point(
        builder.MPAN,
        builder.line("027|01|point|"),
        builder.meter(
            "A1",
            builder.line("029|02|meter|"),
            builder.reading(value="1.0", below=["032|03|T|", "033|07|reading|"]),
            builder.reading(value="2.0"),
        ),
        builder.meter("B2", builder.reading(value="3.0")),
    ),
    builder.meter_point(builder.OTHER_MPAN, builder.meter("A1", builder.reading(value="4.0"))),
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
            (
                "UPDATE reading SET reason_code = '04' WHERE reason_code <> ''",
                "another validation result",
            ),
            ("UPDATE reading SET md_reset_count = 8", "another value than their lines say"),
            ("UPDATE reading SET mpan_core = '1900001059816'", "readings of no register"),
            ("UPDATE meter SET serial_key = 'B2'", "meters that are missing"),
            (
                "DELETE FROM reading WHERE id & 255 = 10",
                "readings that are missing, first at line 10",
            ),
            ("DELETE FROM site_visit WHERE reading_id IS NULL", "site visits that are missing"),
            ("UPDATE site_visit SET check_code = '01'", "say something else than their lines"),
            ("UPDATE site_visit SET reading_id = NULL", "at something else than their lines say"),
            ("UPDATE flow_file SET meter_line_count = 2", "meter lines: expected 2, found 1"),
            (
                "UPDATE flow_file SET meter_point_line_count = 0",
                "meter point lines: expected 0, found 1",
            ),
            (
                (
                    "UPDATE flow_file SET meter_line_count = meter_line_count + 1,"
                    " meter_point_line_count = meter_point_line_count - 1"
                ),
                "meter lines: expected 2, found 1",
            ),
            (
                "UPDATE flow_file SET validation_result_count = 0",
                "validation result lines: expected 0, found 1",
            ),
            (
                "UPDATE flow_file SET site_visit_count = 4",
                "site visit lines: expected 4, found 3",
            ),
            (
                "UPDATE staged_line SET kind = 'unknown' WHERE kind = 'visit_at_meter_point'",
                "site visits of no line at their meter point",
            ),
            (
                "UPDATE flow_file SET declared_flow_count = 2",
                "meter point lines that the trailer counts: expected 1, found 2",
            ),
            (
                "UPDATE reading SET reading_status = ''",
                "validation results at readings: expected 1, found 0",
            ),
            ("DELETE FROM line_issue", "rejected lines: expected 1, found 0"),
            ("DELETE FROM staged_line WHERE id & 255 = 10", "staged lines: expected 11, found 10"),
            ("UPDATE staged_line SET id = id + 100 WHERE id & 255 = 10", "readings of no line"),
            ("UPDATE flow_file SET reading_count = 1", "readings: expected 1, found 2"),
            ("UPDATE flow_file SET declared_group_count = 8", "lines that the trailer counts"),
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

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            (
                (
                    "UPDATE site_visit SET reading_id = reading.id FROM reading"
                    " WHERE reading_id IS NOT NULL AND reading.value = 2.0"
                ),
                "site visits at something else than their lines say, first at line 8",
            ),
            (
                "UPDATE site_visit SET serial_key = 'B2' WHERE id & 255 = 5",
                "site visits at something else than their lines say, first at line 5",
            ),
            (
                "UPDATE site_visit SET serial_key = 'B2' WHERE id & 255 = 8",
                "site visits at something else than their lines say, first at line 8",
            ),
            (
                "UPDATE site_visit SET serial_key = 'B2' WHERE id & 255 = 3",
                "site visits at something else than their lines say, first at line 3",
            ),
            (
                "UPDATE site_visit SET mpan_core = '1900001059816' WHERE id & 255 = 5",
                "site visits of no line at their meter point, first at line 5",
            ),
            (
                "UPDATE site_visit SET serial_key = 'C3' WHERE id & 255 = 5",
                "site visits at no meter, first at line 5",
            ),
            (
                (
                    "UPDATE site_visit SET reading_id = reading.id FROM reading"
                    " WHERE reading_id IS NOT NULL AND reading.value = 4.0"
                ),
                "site visits at no reading of their file and meter, first at line 8",
            ),
            (
                (
                    "UPDATE site_visit SET reading_id = reading.id FROM reading"
                    " WHERE reading_id IS NOT NULL AND reading.value = 3.0"
                ),
                "site visits at no reading of their file and meter, first at line 8",
            ),
            (
                "UPDATE reading SET stated_at = stated_at + interval '1 day' WHERE value = 1.0",
                "readings stated at another time than their file says, first at line 6: expected",
            ),
            ("UPDATE reading SET serial_key = 'B2' WHERE value = 1.0", "under another register"),
            ("UPDATE reading SET serial_key = 'C3' WHERE value = 1.0", "readings of no register"),
            ("DELETE FROM register WHERE identifier = 'S'", "readings of no register, first at"),
            ("DELETE FROM meter WHERE serial_key = 'B2'", "registers of no meter, first at line"),
            ("DELETE FROM meter_point", "meters of no meter point, first at line 4"),
            (
                (
                    "UPDATE meter_point SET line_id = other.line_id FROM meter_point AS other"
                    " WHERE meter_point.mpan_core <> other.mpan_core"
                ),
                "meter points of no line that says so, first at line 2: expected 0,",
            ),
            (
                "UPDATE meter_point SET line_id = line_id + 2",
                "meter points of no line that says so",
            ),
            (
                "UPDATE meter SET serial_number = 'C3' WHERE serial_number = 'B2'",
                "meters of no line that says so, first at line 10",
            ),
            (
                "UPDATE register SET identifier = '1' WHERE id & 255 = 11",
                "registers of no line that says so, first at line 11",
            ),
            (
                "UPDATE staged_line SET mpan_core = '' WHERE id & 255 IN (12, 13, 14)",
                "meters of no line that says so, first at line 13",
            ),
            *(
                (
                    f"UPDATE staged_line SET {column} WHERE id & 255 = 14",  # noqa: S608 - from below
                    "raw lines that take something else from those above, first at line 14",
                )
                for column in (
                    "mpan_core = '1200023305967'",
                    "serial_key = 'B2'",
                    "parent_id = parent_id - 3",
                    "reading_type = 'F'",
                    "validation_status = 'U'",
                    "kind = 'result'",
                )
            ),
            (
                "UPDATE staged_line SET payload = replace(payload, '01|point|', '01|paint|')",
                "raw lines do not give the hash of the file",
            ),
        ],
    )
    def test_finds_what_was_taken_for_its_neighbor(
        self, run: conftest.Run, write: conftest.Write, statement: str, words: str
    ) -> None:
        assert run("load_d0010", write(NEIGHBORS)).code == 0
        assert run("reconcile").code == 0

        change(statement)
        ended = run("reconcile")

        assert ended.code == 1
        assert words in ended.out

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            (
                "UPDATE reading SET reading_status = ''",
                "validation results at readings: expected 1, found 0",
            ),
            ("DELETE FROM site_visit", "site visits: expected 3, found 0"),
            (
                (
                    "UPDATE site_visit SET reading_id = reading.id FROM reading"
                    " WHERE reading_id IS NOT NULL AND reading.value = 3.0"
                ),
                "site visits at no reading of their file and meter",
            ),
            (
                "UPDATE flow_file SET declared_flow_count = 1",
                "meter point lines that the trailer counts: expected 2, found 1",
            ),
        ],
    )
    def test_finds_what_can_be_found_without_the_raw_lines(
        self, run: conftest.Run, write: conftest.Write, statement: str, words: str
    ) -> None:
        run("load_d0010", write(NEIGHBORS))
        run("purge_staged_lines", "--older-than", "0d")
        assert run("reconcile").code == 0

        change(statement)
        ended = run("reconcile")

        assert ended.code == 1
        assert words in ended.out

    def test_takes_a_trailer_at_its_word_unless_a_warning_says_otherwise(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(NEIGHBORS.replace(b"||2|", b"||9|")))

        assert run("reconcile").code == 0

        change("DELETE FROM line_issue")

        assert (
            "meter point lines that the trailer counts: expected 2, found 9"
            in run("reconcile").out
        )

    def test_takes_no_longer_where_the_server_knows_nothing_of_the_tables(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        tables = ("staged_line", "line_issue", "reading", "register", "meter")
        for table in tables:
            # As if autovacuum had not come yet.
            change(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        lines = [line for _ in range(90) for line in builder.reading(below=["032||T|"])]
        paths = [
            write(
                builder.flow_file(
                    builder.meter_point(builder.MPAN, builder.meter("A1", lines)),
                    file_id=str(number),
                ),
                f"{number}.uff",
            )
            for number in range(60)
        ]
        run("load_d0010", *paths)
        change("SET statement_timeout = '10s'")

        ended = run("reconcile")

        change("RESET statement_timeout")
        for table in tables:
            change(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
        assert (ended.code, ended.err) == (0, "")

    def test_looks_at_one_moment_while_files_are_loaded(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(ALL_GROUPS))
        others: list[conftest.Ended] = []

        def load() -> None:
            others.append(run("load_d0010", conftest.SAMPLE))
            change("DELETE FROM reading WHERE value = 7242.0")
            db.connection.close()

        def let_another_load(execute: Callable[..., object], sql: str, *rest: object) -> object:
            result = execute(sql, *rest)
            if "10_account_for_lines" in sql and not others:
                other = threading.Thread(target=load)
                other.start()
                other.join()
            return result

        with db.connection.execute_wrapper(let_another_load):
            ended = run("reconcile")

        assert others[0].code == 0
        assert (ended.code, "1 file, 0 with" in ended.out) == (0, True)
        assert run("reconcile").code == 1

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
        content = ALL_GROUPS.replace(b"|x|", b"|1.0|")
        run("load_d0010", write(content))
        run("load_d0010", "--stage-only", conftest.SAMPLE)

        dry = run("purge_staged_lines", "--older-than", "0d", "--dry-run")
        early = run("purge_staged_lines", "--older-than", "1d")
        done = run("purge_staged_lines", "--older-than", "0d")

        assert dry.out.endswith("11 raw lines of 1 file would be dropped\n")
        assert early.out == "0 raw lines of 0 files dropped\n"
        assert done.out.endswith("11 raw lines of 1 file dropped\n")
        reading = models.Reading.objects.get(identifier="02")
        flow_file = models.FlowFile.objects.get(id=reading.flow_file_id)
        assert (flow_file.file_name, reading.line_number) == ("file.uff", 10)
        reconciled = run("reconcile")
        assert reconciled.code == 0
        assert "(loaded, purged)" in reconciled.out
        assert "duplicate" in run("load_d0010", write(content)).out

        change("DELETE FROM reading WHERE id & 255 = 10")

        assert "readings: expected 3, found 2" in run("reconcile").out

    def test_keeps_the_lines_of_a_file_that_was_not_loaded_whole(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        long = f"033|07|{'x' * 300}|"
        run("load_d0010", write(ALL_GROUPS.replace(b"033|07|stopped|", long.encode())))
        run("load_d0010", "--strict", write(builder.simple("x", file_id="2"), "strict.uff"))

        done = run("purge_staged_lines", "--older-than", "0d")

        assert done.out == "0 raw lines of 0 files dropped\n"
        issue = models.LineIssue.objects.get(line_number=8)
        assert long not in (issue.value, issue.message)
        assert StagedLine.objects.filter(payload=long).exists()


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
            "file_name,line_number,standing,file_created_at\n"
            f"{builder.MPAN},'=1+1,S,2024-07-15T00:00:00+01:00,7.0,R,V,"
            "T,N,,,2024-01-10T12:00:00+00:00,3,"
            "file.uff,4,current,2024-02-01T12:00:00+00:00\n"
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
        assert run("export_readings", "--mpan", "12").code == 2
        assert "expected YYYY-MM-DD" in run("export_readings", "--since", "2024-02-30").err

    @pytest.mark.parametrize("folder", [".", "..", "/"])
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
