"""Holds the SQL to `mpan_core`, by which the tables of readings can be spread over machines."""

from __future__ import annotations

import collections

import pytest

import sql
from tests.unit import mpan_core_lint


STATEMENTS = [
    (folder.name, name)
    for folder in sorted(sql.FOLDER.iterdir())
    for name in sql.names(folder.name)
]


def with_constants(statement: str) -> str:
    """Return a statement with a null for each parameter."""
    has_parameters = "%(" in statement
    return statement % collections.defaultdict(lambda: "NULL") if has_parameters else statement


class TestStatement:
    @pytest.mark.parametrize(("folder", "name"), STATEMENTS)
    def test_compares_and_partitions_within_a_meter_point(self, folder: str, name: str) -> None:
        assert mpan_core_lint.problems(with_constants(sql.statement(folder, name))) == []


class TestLint:
    @pytest.mark.parametrize(
        ("statement", "problem"),
        [
            pytest.param(
                "SELECT 1 FROM reading LEFT JOIN register"
                " ON reading.serial_key = register.serial_key",
                "a join of reading to register without mpan_core",
                id="join",
            ),
            pytest.param(
                "SELECT 1 FROM staged_line AS line, meter"
                " WHERE line.serial_key = meter.serial_key",
                "a join of line to meter without mpan_core",
                id="join by a comma",
            ),
            pytest.param(
                "SELECT 1 FROM reading, register, meter"
                " WHERE reading.mpan_core = register.mpan_core AND meter.id = reading.id",
                "a join of reading and register to meter without mpan_core",
                id="third of three",
            ),
            pytest.param(
                "SELECT 1 FROM reading INNER JOIN meter"
                " ON reading.mpan_core = meter.mpan_core OR reading.id = meter.id",
                "a join of reading to meter without mpan_core",
                id="one condition of two",
            ),
            pytest.param(
                "UPDATE judged_reading SET value = 1 FROM judged_meter"
                " WHERE judged_reading.parent_id = judged_meter.line_id",
                "a join of judged_reading to judged_meter without mpan_core",
                id="update",
            ),
            pytest.param(
                "DELETE FROM register USING meter WHERE register.serial_key = meter.serial_key",
                "a join of register to meter without mpan_core",
                id="deletion",
            ),
            pytest.param(
                "SELECT 1 FROM reading WHERE NOT EXISTS"
                " (SELECT FROM register WHERE reading.serial_key = register.serial_key)",
                "a subquery for reading without mpan_core",
                id="anti-join",
            ),
            pytest.param(
                "SELECT (SELECT serial_number FROM meter WHERE meter.id = reading.id)"
                " FROM reading",
                "a subquery for reading without mpan_core",
                id="subquery for a value",
            ),
            pytest.param(
                "SELECT 1 FROM reading WHERE reading.serial_key IN (SELECT serial_key FROM meter)",
                "a subquery for reading without mpan_core",
                id="IN",
            ),
            pytest.param(
                "SELECT 1 FROM reading WHERE reading.serial_key NOT IN"
                " (SELECT meter.serial_key FROM meter)",
                "a subquery for reading without mpan_core",
                id="NOT IN",
            ),
            pytest.param(
                "SELECT 1 FROM reading WHERE id = any(array(SELECT meter.id FROM meter))",
                "a subquery for reading without mpan_core",
                id="array",
            ),
            pytest.param(
                "SELECT row_number() OVER (PARTITION BY parent_id) FROM staged_line",
                "a window without mpan_core",
                id="window",
            ),
            pytest.param(
                "SELECT max(id) OVER same FROM reading WINDOW same AS (PARTITION BY read_at)",
                "a window without mpan_core",
                id="window with a name",
            ),
            pytest.param(
                "WITH line AS (SELECT id, mpan_core FROM staged_line)"
                " SELECT 1 FROM line INNER JOIN reading ON line.id = reading.id",
                "a join of line to reading without mpan_core",
                id="join of what a WITH gives",
            ),
            pytest.param(
                "CREATE TEMPORARY TABLE judged_meter AS"
                " SELECT 1 FROM (SELECT * FROM meter) AS held"
                " LEFT JOIN meter_point ON held.id = meter_point.line_id",
                "a join of held to meter_point without mpan_core",
                id="join of what a subquery gives",
            ),
            pytest.param(
                "SELECT 1 FROM (SELECT serial_key AS mpan_core FROM meter) AS held"
                " LEFT JOIN register ON held.mpan_core = register.mpan_core",
                "a column that is called mpan_core and is none",
                id="another column of its name",
            ),
            pytest.param(
                "CREATE UNIQUE INDEX ON judged_result (parent_id)",
                "a unique key of judged_result without mpan_core",
                id="unique index",
            ),
        ],
    )
    def test_finds_what_goes_beyond_a_meter_point(self, statement: str, problem: str) -> None:
        assert problem in mpan_core_lint.problems(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            pytest.param(
                "SELECT 1 FROM reading LEFT JOIN flow_file ON reading.id >> 32 = flow_file.id",
                id="join of a file",
            ),
            pytest.param(
                "SELECT 1 FROM staged_line AS line WHERE NOT EXISTS"
                " (SELECT FROM line_issue AS issue WHERE issue.line_number = line.id)",
                id="anti-join of issues",
            ),
            pytest.param(
                "WITH lines AS (SELECT id >> 32 AS file_id FROM staged_line GROUP BY id >> 32),"
                " rows AS (SELECT id >> 32 AS file_id FROM reading GROUP BY id >> 32)"
                " SELECT 1 FROM lines FULL JOIN rows ON lines.file_id = rows.file_id",
                id="join of what is counted by file",
            ),
            pytest.param(
                "SELECT 1 FROM reading WHERE EXISTS (SELECT FROM judged_meter)",
                id="subquery that asks for no row",
            ),
            pytest.param(
                "SELECT 1 FROM reading INNER JOIN register USING (mpan_core, identifier)",
                id="join with USING",
            ),
            pytest.param(
                "SELECT 1 FROM reading, register, meter WHERE meter.mpan_core = register.mpan_core"
                " AND register.mpan_core = reading.mpan_core",
                id="join by commas, in any order",
            ),
            pytest.param(
                "SELECT 1 FROM reading WHERE (reading.serial_key, reading.mpan_core) IN"
                " (SELECT meter.serial_key, meter.mpan_core FROM meter)",
                id="IN with the key",
            ),
        ],
    )
    def test_passes_what_stays_within_one(self, statement: str) -> None:
        assert mpan_core_lint.problems(statement) == []
