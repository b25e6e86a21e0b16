from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django import db

from etl.management.commands import reconcile as command
from etl.postgres import steps
from tests import builder, conftest, depth
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
        assert titles.split()[:10] == [title for title, _ in command.COLUMNS]
        assert row.split()[:10] == ["13", "1", "1", "2", "1", "3", "1", "2", "0", "0"]
        assert sample.split()[:10] == ["37", "11", "11", "13", "0", "0", "0", "0", "0", "0"]
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

    @pytest.mark.thorough
    def test_takes_no_longer_where_the_server_knows_nothing_of_the_tables(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        tables = ("staged_text", "line_issue", "reading", "register", "meter")
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
        run("load_d0010", "--batch", *paths)
        change("SET statement_timeout = '10s'")

        ended = run("reconcile")

        change("RESET statement_timeout")
        for table in tables:
            change(f"ALTER TABLE {table} RESET (autovacuum_enabled)")
        assert (ended.code, ended.err) == (0, "")

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

        assert run("reconcile", "--deep").code == 0
        ended = run("reconcile")

        assert (ended.code, ended.out.count("(rejected)")) == (0, 2)


class TestTampered:
    @pytest.mark.parametrize(
        ("statement", "words"),
        depth.some(
            [
                ("UPDATE reading SET value = value + 0.1", "another value than their lines say"),
                ("UPDATE reading SET read_at = read_at + interval '1 s'", "another time than"),
                (
                    "UPDATE reading SET reason_code = '04' WHERE reason_code <> ''",
                    "another validation result",
                ),
                (
                    "DELETE FROM reading WHERE id & 255 = 10",
                    "readings that are missing, first at line 10",
                ),
                ("UPDATE site_visit SET check_code = '01'", "say something else than their lines"),
                (
                    (
                        "UPDATE flow_file SET meter_line_count = meter_line_count + 1,"
                        " meter_point_line_count = meter_point_line_count - 1"
                    ),
                    "meter lines: expected 2, found 1",
                ),
                (
                    "UPDATE staged_text SET kind = 'unknown' WHERE kind = 'visit_at_meter_point'",
                    "site visits of no line at their meter point",
                ),
                (
                    "DELETE FROM staged_text WHERE id & 255 = 10",
                    "staged lines: expected 11, found 10",
                ),
                ("UPDATE flow_file SET status = 'REJECTED'", "readings of no loaded file"),
                ("UPDATE flow_file SET status = 'LOADED'", "status contradicts what was rejected"),
                (
                    "UPDATE flow_file SET transformed_at = NULL",
                    "contradicts when it was transformed",
                ),
                ("UPDATE flow_file SET reason = 'so'", "reason contradicts status and issues"),
                (
                    "UPDATE flow_file SET sender = 'SUP'",
                    "sender is not what header or trailer says",
                ),
                ("UPDATE flow_file SET size = 9", "size is less than that of the raw lines"),
                (
                    "UPDATE flow_file SET encoding = 'utf-7'",
                    "encoding is not that of the raw lines",
                ),
                ("UPDATE flow_file SET file_name = 'x'", "those of none of its deliveries"),
                ("UPDATE flow_file SET purged_at = now()", "staged lines: expected 0, found 11"),
                ("UPDATE flow_file SET warning_count = 1", "warnings: expected 1, found 0"),
                (
                    "UPDATE flow_file SET reuses_file_identifier = TRUE",
                    "reuse of a file id that no other file has",
                ),
            ],
            one_of=3,
        ),
    )
    def test_finds_what_was_changed_behind_its_back(
        self, run: conftest.Run, write: conftest.Write, statement: str, words: str
    ) -> None:
        run("load_d0010", write(ALL_GROUPS))

        change(statement)
        ended = run("reconcile")

        assert ended.code == 1
        assert words in ended.out


class TestNeighbor:
    @pytest.mark.parametrize(
        ("statement", "words"),
        depth.some(
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
                    "UPDATE reading SET stated_at = stated_at + interval '1 d' WHERE value = 1.0",
                    "readings stated at another time than their file says, first at line 6",
                ),
                (
                    "UPDATE reading SET serial_key = 'B2' WHERE value = 1.0",
                    "under another register",
                ),
                (
                    "UPDATE reading SET serial_key = 'C3' WHERE value = 1.0",
                    "readings of no register",
                ),
                (
                    "DELETE FROM register WHERE identifier = 'S'",
                    "readings of no register, first at",
                ),
                (
                    "DELETE FROM meter WHERE serial_key = 'B2'",
                    "registers of no meter, first at line",
                ),
                ("DELETE FROM meter_point", "meters of no meter point, first at line 4"),
                (
                    (
                        "UPDATE meter_point SET line_id = other.line_id FROM meter_point AS other"
                        " WHERE meter_point.mpan_core <> other.mpan_core"
                    ),
                    "meter points introduced by a line that says so: expected 2, found 0",
                ),
                (
                    "UPDATE meter_point SET line_id = line_id + 2",
                    "meter points introduced by a line that says so: expected 2, found 0",
                ),
                (
                    "UPDATE meter SET serial_number = 'C3' WHERE serial_number = 'B2'",
                    "meters introduced by a line that says so: expected 3, found 2",
                ),
                (
                    "UPDATE register SET identifier = '1' WHERE id & 255 = 11",
                    "registers introduced by a reading that says so: expected 3, found 2",
                ),
                (
                    "UPDATE staged_text SET mpan_core = '' WHERE id & 255 = 12",
                    "meters introduced by a line that says so: expected 3, found 2",
                ),
                # Of a reading alone, and of a usual meter point.
                *(
                    (
                        f"UPDATE staged_text SET {column} WHERE id & 255 = {row}",  # noqa: S608 - from below
                        f"something else from those above, first at line {line}",
                    )
                    for row, line, column in (
                        (11, 11, "mpan_core = '1200023305975'"),
                        (11, 11, "serial_key = 'A1'"),
                        (11, 11, "parent_id = parent_id - 6"),
                        (11, 11, "reading_type = 'F'"),
                        (11, 11, "validation_status = 'U'"),
                        (11, 11, "kind = 'result'"),
                        (11, 11, "kind = 'usual'"),
                        (12, 12, "parent_id = id - 3"),
                        (12, 12, "kind = 'reading'"),
                    )
                ),
                (
                    "UPDATE staged_text SET payload = replace(payload, '01|point|', '01|paint|')",
                    "raw lines do not give the hash of the file",
                ),
                # What the columns of a usual meter point say is what its lines say.
                *(
                    (
                        f"UPDATE staged_text SET {column} WHERE id & 255 = 12",  # noqa: S608 - from below
                        "raw lines do not give the hash of the file",
                    )
                    for column in (
                        "payload = payload || E'\\n026|1|'",
                        "payload = 'x'",
                        "payload = E'\\n'",
                        "payload = ''",
                        "mpan_core = '1200023305967'",
                        "serial_key = 'B2'",
                        "serial_key = E'B\\t2'",
                        "reading_type = 'F'",
                        "reading_type = E'F\\t'",
                        "validation_status = 'U'",
                        "validation_status = '|'",
                    )
                ),
            ],
            one_of=4,
        ),
    )
    def test_finds_what_was_taken_for_its_neighbor(
        self, run: conftest.Run, write: conftest.Write, statement: str, words: str
    ) -> None:
        assert run("load_d0010", write(NEIGHBORS)).code == 0

        change(statement)
        ended = run("reconcile")

        assert ended.code == 1
        assert words in ended.out


class TestMoment:
    @pytest.mark.parametrize(
        "many",
        depth.some(
            [pytest.param(1, id="by two connections"), pytest.param(1_000, id="by one")], one_of=2
        ),
    )
    def test_looks_at_one_moment_while_files_are_loaded(
        self, run: conftest.Run, write: conftest.Write, monkeypatch: pytest.MonkeyPatch, many: int
    ) -> None:
        monkeypatch.setattr(steps, "LINES_WORTH_A_SCAN", many)
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

    def test_finds_as_much_by_two_connections_as_by_one(
        self, run: conftest.Run, write: conftest.Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("load_d0010", write(NEIGHBORS))
        change("UPDATE reading SET value = value + 1 WHERE value = 3.0")
        change("UPDATE staged_text SET serial_key = 'B2' WHERE id & 255 = 12")
        by_one = run("reconcile")
        assert (by_one.code, " 5 differences" in by_one.out) == (1, True)

        monkeypatch.setattr(steps, "LINES_WORTH_A_SCAN", 1)

        assert run("reconcile") == by_one
