from __future__ import annotations

import gzip
import json
import pathlib
import shutil

import pytest
from django import db

from etl.domain import findings
from etl.management import base
from tests import builder, conftest
from tests.functional import tables
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)


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
            *(
                pytest.param(options, marks=pytest.mark.thorough)
                for options in (
                    [],
                    ["--batch", "--strict"],
                    ["--batch", "--stage-only"],
                    ["--accept-reused-file-ids", "--accept-test-files"],
                    ["--strict"],
                    ["--json"],
                )
            ),
        ],
        ids=" ".join,
    )
    def test_says_what_a_load_does_and_stores_nothing(
        self, run: conftest.Run, paths: list[pathlib.Path], options: list[str]
    ) -> None:
        run("load_d0010", conftest.SAMPLE)
        before, deliveries = tables.counts(), models.Delivery.objects.count()

        rehearsed = run("load_d0010", "--dry-run", *options, *paths)

        assert (tables.counts(), models.Delivery.objects.count()) == (before, deliveries)
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
        assert set(tables.counts().values()) == {0}

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
            assert set(tables.counts().values()) == {0}
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
