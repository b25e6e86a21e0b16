from __future__ import annotations

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

        with db.connection.cursor() as cursor:
            cursor.execute("DELETE FROM reading WHERE id & 255 = 10")

        found = run("reconcile").out
        assert "file.uff: readings: expected 3, found 2" in found
        assert "file.uff: rows are not those that were there when the raw lines were" in found

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
