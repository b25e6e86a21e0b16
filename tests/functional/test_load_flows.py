from __future__ import annotations

import json
from typing import Any

import pytest
from django import db

from tests import builder, conftest
from tests.faults import snapshot
from tests.integration import contents
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)

SAMPLE = conftest.ROOT / "tests" / "flow_files" / "d0086" / "0000475657.usr"


def everything() -> bytes:
    """Return a D0010 with a line of each kind that loads, and lines that are rejected."""
    return builder.flow_file(
        builder.meter_point(
            builder.MPAN,
            builder.line("027|01|at home|"),
            builder.meter(
                "F75A 00802",
                builder.line("029|03||"),
                builder.reading(flag="F", below=["032|03|T|", "032|04|T|", "033|27|x|"]),
                builder.reading("TO", value="1.25"),
                builder.reading("01", md_reset_at="20240101000000", md_resets="3"),
            ),
            builder.meter("A1", builder.reading(value="7"), reading_type="W"),
        ),
        builder.line("031|x|"),
        builder.line("030|S|20240115000000|1.0|||T|N|"),
        builder.meter_point(builder.OTHER_MPAN, validation_status="?"),
        builder.line("033|27|x|"),
    )


def told(content: bytes) -> tuple[dict[str, list[Any]], Any]:
    """Return what is stored of the only file, but for what names its flow, and the rest."""
    held = snapshot.take()
    ((_, tables),) = held.files.items()
    rows = {table: [json.loads(row) for row in of_table] for table, of_table in tables.items()}
    for row in rows["flow_file"]:
        for name in ("sha256", "flow", "file_name"):
            del row[name]
    for row in rows["staged_line"]:
        row[-1] = builder.mirrored_line(row[-1]).replace("D0010", "D0086")
    for row in rows["line_issue"]:
        row["value"] = builder.mirrored_line(row["value"])
    shared = {table: rows for table, rows in held.shared.items() if table != "delivery"}
    assert len(rows["staged_line"]) == content.count(b"\n")
    return rows, shared


class TestMirror:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(everything(), id="of everything"),
            pytest.param(contents.next_file(), id="of 5,000 lines", marks=pytest.mark.thorough),
        ],
    )
    def test_gives_the_rows_of_its_d0010(
        self, run: conftest.Run, write: conftest.Write, content: bytes
    ) -> None:
        run("load_flows", write(content))
        of_d0010 = told(content)
        snapshot.empty()

        ended = run("load_flows", write(builder.mirrored(content)))

        assert told(content) == of_d0010
        assert "loaded with rejections" in ended.out
        assert run("reconcile", "--deep").code == 0

    def test_is_part_of_the_same_history(self, run: conftest.Run, write: conftest.Write) -> None:
        d0010 = builder.simple("100.0")
        repeated = builder.simple("100.0", file_id="2").replace(b"20240201", b"20240202")
        corrected = builder.simple("105.0", file_id="3").replace(b"20240201", b"20240203")
        paths = [
            write(builder.mirrored(content) if place % 2 else content, f"{place}.uff")
            for place, content in enumerate([corrected, repeated, d0010])
        ]

        assert run("load_flows", "--batch", *paths).code == 0

        with db.connection.cursor() as cursor:
            cursor.execute(
                "SELECT flow, value::text, standing FROM reading_listing ORDER BY 2, 3, 1"
            )
            assert cursor.fetchall() == [
                ("D0010002", "100.0", "superseded"),
                ("D0086002", "100.0", "superseded"),
                ("D0010002", "105.0", "current"),
            ]


class TestSample:
    def test_of_d0086_loads_beside_d0010(self, run: conftest.Run) -> None:
        ended = run("load_flows", "--batch", conftest.SAMPLE, SAMPLE)

        assert ended.code == 0
        assert {
            flow_file.flow: (flow_file.reading_count, flow_file.site_visit_count)
            for flow_file in models.FlowFile.objects.all()
        } == {"D0010002": (13, 0), "D0086002": (3, 3)}
        assert run("reconcile").code == 0

    def test_is_refused_by_the_command_for_d0010_by_its_name(self, run: conftest.Run) -> None:
        refused = run("load_d0010", SAMPLE)
        taken = run("load_flows", SAMPLE)

        assert (refused.code, taken.code) == (1, 0)
        assert "takes, D0010, not Notification of Change of Supplier Readings (D0086)" in (
            refused.out
        )
        assert "other-flow: Load it by load_flows" in refused.out
        assert models.FlowFile.objects.get().status == "LOADED"

    def test_has_a_file_id_that_no_other_flow_of_its_sender_may_have(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_flows", SAMPLE)

        refused = run("load_flows", write(builder.simple(file_id="0000475657")))

        assert "reused-file-id" in refused.out

    def test_of_a_code_of_another_flow_is_of_an_unknown_group(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        lines = builder.simple().decode().splitlines()
        mixed = builder.flow_file([*lines[1:-1], builder.mirrored_line(lines[3])])

        run("load_flows", write(mixed))

        issue = models.LineIssue.objects.get()
        assert (issue.code, issue.value) == ("unknown-group", builder.mirrored_line(lines[3]))
