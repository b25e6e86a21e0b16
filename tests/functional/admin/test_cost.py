"""What a page asks of the server does not grow with what is stored."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from django import db, test
from django.db import transaction
from django.test import utils

from tests import builder, depth
from tests.functional.admin import flow_files
from warehouse import models


LISTS = ("reading", "meter", "meterpoint", "flowfile", "lineissue", "lookup")


def _load(folder: pathlib.Path, first: int, last: int) -> None:
    """Load files of two meters, a rejected line and a site visit each."""
    flow_files.load(
        folder,
        {
            f"{number}.uff": builder.flow_file(
                builder.meter_point(
                    builder.MPAN,
                    builder.line("027|20||"),
                    builder.meter(
                        f"A{number}",
                        builder.reading(value=f"{number}.0"),
                        builder.reading("T", value=f"{number}.0"),
                        builder.reading(value="wrong"),
                    ),
                ),
                builder.meter_point(builder.OTHER_MPAN, builder.meter(f"B{number}")),
                file_id=f"{number}",
                sender=f"S{number}",
            ).decode()
            for number in range(first, last)
        },
    )


def _asked(staff: test.Client, address: str) -> Sequence[str]:
    with utils.CaptureQueriesContext(db.connection) as queries:
        response = staff.get(address)
    assert response.status_code == 200
    return [query["sql"] for query in queries.captured_queries]


def _reads_whole_table(statement: str) -> bool:
    """Tell whether the planner, loath to read a table as a whole, has no other way."""
    with transaction.atomic(), db.connection.cursor() as cursor:
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        partial = {name for (name,) in cursor.fetchall()}
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        (explained,) = cursor.fetchall()
    return any(
        "Index Cond" not in node and node.get("Index Name") not in partial
        for node in _nodes(explained[0][0]["Plan"])
        if node["Node Type"].endswith("Scan")
        and node["Node Type"]
        not in {"Bitmap Heap Scan", "CTE Scan", "Function Scan", "Subquery Scan"}
    )


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


@pytest.fixture(scope="module")
def _few(keep: flow_files.Keep) -> None:
    keep(lambda folder: _load(folder, 1, 2))


@pytest.fixture
def addresses(_few: None, staff: test.Client) -> Sequence[str]:
    """Return one address of each kind of page, each opened once."""
    reading = models.Reading.objects.earliest("id")
    issue = models.LineIssue.objects.earliest("id")
    addresses = [
        "/",
        *(f"/warehouse/{name}/" for name in LISTS),
        f"/warehouse/reading/?q={builder.MPAN}",
        "/warehouse/reading/?q=A",
        "/warehouse/reading/?q=1200023305697",
        f"/warehouse/reading/?file={reading.flow_file_id}",
        f"/warehouse/reading/?file={reading.flow_file_id}&before=0-{reading.pk + 1}",
        f"/warehouse/reading/?file={reading.flow_file_id}&standing=current",
        f"/warehouse/reading/?q={builder.MPAN}&standing=current&before=9999999999-1",
        f"/warehouse/reading/{reading.mpan_core}-{reading.pk}/change/",
        f"/warehouse/meterpoint/{builder.MPAN}/change/",
        f"/warehouse/flowfile/{reading.flow_file_id}/change/",
        "/warehouse/flowfile/?arrived=7&issues=rejected&sender=S1&q=1",
        "/warehouse/flowfile/?arrived=2026-01&status=REFUSED",
        "/warehouse/lineissue/?code=bad-number&item=J0040&severity=REJECTED&sender=S1",
        f"/warehouse/lineissue/?q={builder.MPAN}",
        "/warehouse/lineissue/?mark=ASKED",
        f"/warehouse/lineissue/?file={reading.flow_file_id}",
        f"/warehouse/lineissue/{issue.pk}/change/",
        f"/etl/stagedline/{reading.pk}/change/",
    ]
    for address in addresses:
        staff.get(address)
    return addresses


@pytest.mark.django_db
class TestQueries:
    def test_are_as_many_for_much_as_for_little(
        self, staff: test.Client, addresses: Sequence[str], tmp_path: pathlib.Path
    ) -> None:
        tried = depth.some(addresses, one_of=3)
        few = {address: len(_asked(staff, address)) for address in tried}
        _load(tmp_path, 2, 12)

        many = {address: len(_asked(staff, address)) for address in tried}

        assert many == few
        assert max(many.values()) <= 15  # of a meter point, with its transaction

    def test_count_no_whole_table(self, staff: test.Client, addresses: Sequence[str]) -> None:
        counting = [
            statement
            for address in addresses
            for statement in _asked(staff, address)
            if re.search(r"\bcount\(", statement, re.IGNORECASE)
        ]

        # What counts has an end, or a condition that an index serves.
        unbounded = [
            statement
            for statement in counting
            if not re.search(r"\(\s*SELECT\s.*\bLIMIT \d+\s*\)", statement, re.DOTALL)
            and _reads_whole_table(statement)
        ]
        assert counting
        assert unbounded == []

    def test_that_read_a_whole_table_are_found_out(self) -> None:
        count = 'SELECT COUNT(*) FROM "flow_file"'

        assert _reads_whole_table(count)
        assert _reads_whole_table(f'{count} WHERE "flow_file"."size" > 0')
        assert not _reads_whole_table(f'{count} WHERE "flow_file"."staged_at" > now()')
        assert not _reads_whole_table(f'{count} WHERE "flow_file"."status" = \'STAGED\'')

    def test_end_after_ten_pages(self, staff: test.Client, addresses: Sequence[str]) -> None:
        for address in (
            f"/warehouse/reading/?q={builder.MPAN}",
            "/warehouse/meter/",
            "/warehouse/flowfile/",
            "/warehouse/lineissue/",
        ):
            assert address in addresses
            counts = [statement for statement in _asked(staff, address) if "COUNT(*)" in statement]

            assert len(counts) == 1, address
            assert re.search(r"LIMIT (251|501)\)", counts[0]), address
