"""What is large in one dimension: its pages show so much and no more, and cost no more."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from django import db, test
from django.db import transaction
from django.test import utils

from tests import depth
from warehouse import models
from warehouse.queries import files, history, search


MPAN = "1200023305967"
MUCH = depth.size(quick=400, thorough=200_000)

# Meters, registers and readings of one meter point: many meters, or many registers of one. They
# were all read at one time, or one by one.
_METERS = """
    INSERT INTO meter (id, mpan_core, serial_key, serial_number)
    SELECT n, %(mpan)s, 'M' || n, 'M' || n FROM generate_series(1, %(meters)s) AS n
"""
# Others, as they are: else the planner would take all there is for one meter point's.
_OTHERS = """
    INSERT INTO meter (id, mpan_core, serial_key, serial_number)
    SELECT n, 1900000000000 + n, 'N' || n, 'N' || n FROM generate_series(1000001, 1003000) AS n
"""
_OTHER_REGISTERS = """
    INSERT INTO register (id, mpan_core, serial_key, identifier)
    SELECT id, mpan_core, serial_key, '1' FROM meter WHERE id > 1000000
"""
_REGISTERS = """
    INSERT INTO register (id, mpan_core, serial_key, identifier)
    SELECT
        n, %(mpan)s, 'M' || (1 + n %% %(meters)s),
        CASE WHEN %(meters)s > 1 THEN '1' ELSE chr(256 + n / 1000) || chr(256 + n %% 1000) END
    FROM generate_series(1, %(much)s) AS n
"""
_READINGS = """
    INSERT INTO reading
    SELECT filled.*
    FROM register
    CROSS JOIN LATERAL jsonb_populate_record(NULL::reading, jsonb_build_object(
        'id', (%(file)s::bigint << 32) + register.id, 'mpan_core', register.mpan_core,
        'serial_key', register.serial_key, 'identifier', register.identifier,
        'read_at', to_timestamp(1700000000 + %(apart)s * register.id),
        'stated_at', '2024-02-01T00:00:00Z', 'value', 1, 'reading_type', 'R',
        'validation_status', 'V', 'reading_flag', 'T',
        'reading_method', 'N', 'reason_code', '', 'reading_status', ''
    )) AS filled
"""
_ISSUES = """
    INSERT INTO line_issue (
        flow_file_id, line_number, kind, mpan_core, severity, code, item, value, message
    )
    SELECT %(file)s, n, 'reading', %(mpan)s, 'REJECTED', 'bad-date', 'J0016', 'x', 'y'
    FROM generate_series(1, %(much)s) AS n
"""
EVERYTHING = (_METERS, _OTHERS, _REGISTERS, _OTHER_REGISTERS, _READINGS, _ISSUES)


def _fill(flow_file: models.FlowFile, *, meters: int, much: int, apart: int) -> None:
    values: dict[str, str | int] = {
        "mpan": MPAN,
        "meters": meters,
        "much": much,
        "apart": apart,
        "file": flow_file.pk,
    }
    with db.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meter_point (mpan_core, line_id) VALUES (%s, 1) ON CONFLICT DO NOTHING",
            [MPAN],
        )
        for statement in EVERYTHING:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE meter, register, reading, line_issue")


def _empty() -> None:
    with db.connection.cursor() as cursor:
        for table in ("reading", "register", "meter", "line_issue"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - one of these


def _get(staff: test.Client, address: str) -> tuple[str, float, int]:
    """Return a page, the seconds that it takes, and how many rows its queries touch."""
    since = time.monotonic()
    with utils.CaptureQueriesContext(db.connection) as queries:
        response = staff.get(address, follow=True)
    seconds = time.monotonic() - since
    assert response.status_code == 200
    asked = [query["sql"] for query in queries.captured_queries]
    rows = sum(_rows(statement) for statement in asked if "SELECT" in statement[:80])
    return response.content.decode(), seconds, rows


def _rows(statement: str) -> int:
    with transaction.atomic(), db.connection.cursor() as cursor:
        # Of tables as small as these the planner would as well read the whole.
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        ((explained,),) = cursor.fetchall()
    touched: int = sum(_touched(node) for node in _nodes(explained[0]["Plan"]))
    return touched


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _touched(node: Mapping[str, Any]) -> int:
    """Return the rows that a scan has read, those included which it has then left out."""
    if not node["Node Type"].endswith("Scan"):
        return 0
    removed = node.get("Rows Removed by Filter", 0)
    touched: int = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return touched


@pytest.fixture
def flow_file(_sample: None, db: None) -> models.FlowFile:  # noqa: ARG001 - needed for its effect
    _empty()
    return models.FlowFile.objects.get()


PAGES: Sequence[str] = (
    f"/warehouse/meterpoint/{MPAN}/change/",
    f"/warehouse/meterpoint/{MPAN}/change/?page=2",
    "/warehouse/meterpoint/",
    "/warehouse/meter/",
    f"/warehouse/meter/?q={MPAN}",
    f"/warehouse/reading/?q={MPAN}",
    "/warehouse/reading/?q=M1",
    "/warehouse/reading/?q=M",
    "/warehouse/lineissue/",
    f"/warehouse/lineissue/?q={MPAN}",
    "/warehouse/lineissue/?file={file}",
    "/warehouse/lineissue/?code=bad-date&severity=REJECTED",
    "/warehouse/flowfile/{file}/change/",
)


class TestPages:
    @pytest.fixture(autouse=True)
    def _small_limits(
        self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        """Let what is shown end early, where few rows are to be many."""
        if not depth.is_thorough() or "touch" in request.node.name:
            monkeypatch.setattr(history, "MOST_READINGS", 20)
            monkeypatch.setattr(history, "MOST_METERS", 5)
            monkeypatch.setattr(history, "MOST_REGISTERS", 5)
            monkeypatch.setattr(history, "MOST_COUNTED", 20)
            monkeypatch.setattr(search, "MOST_METERS", 20)
            monkeypatch.setattr(search, "MOST_METERS_COUNTED", 20)
            monkeypatch.setattr(files, "MOST_ISSUES_LOOKED_AT", 20)

    @pytest.mark.parametrize("meters", [MUCH, 1], ids=["of many meters", "of many registers"])
    def test_tell_of_a_meter_point_and_that_there_is_more(
        self, staff: test.Client, flow_file: models.FlowFile, meters: int
    ) -> None:
        much = MUCH if meters > 1 else MUCH // 2
        _fill(flow_file, meters=meters, much=much, apart=0)

        page, _, _ = _get(staff, PAGES[0])

        shown, counted = history.MOST_METERS, history.MOST_COUNTED
        if meters > 1:
            assert page.count('<section class="module card"') == shown
            assert f"and more than {counted - shown:,} more meters" in page
        else:
            assert page.count('<div class="latest">') == history.MOST_REGISTERS
            assert f"and more than {counted - history.MOST_REGISTERS:,} more registers" in page
        assert f"More than {counted:,} issues" in page
        assert f"The latest {history.MOST_READINGS} readings" in page
        assert len(page) < 1_000_000

    @pytest.mark.thorough
    @pytest.mark.parametrize("meters", [MUCH, 1], ids=["of many meters", "of many registers"])
    def test_answer_fast(
        self, staff: test.Client, flow_file: models.FlowFile, meters: int
    ) -> None:
        much = MUCH if meters > 1 else MUCH // 2
        _fill(flow_file, meters=meters, much=much, apart=0)

        slow = {}
        for address in (page.format(file=flow_file.pk) for page in PAGES):
            page, seconds, _ = _get(staff, address)
            print(f"{seconds:.2f} s, {len(page):,} bytes: {address}")  # noqa: T201 - shown by -s
            # Others may take the machine for a while, so one try of three that is fast is enough.
            for _ in range(2 * (seconds > 2)):
                seconds = min(seconds, _get(staff, address)[1])
            if seconds > 2 or len(page) > 1_000_000:
                slow[address] = (seconds, len(page))

        assert slow == {}

    @pytest.mark.thorough
    def test_touch_as_many_rows_whatever_there_is(
        self, staff: test.Client, flow_file: models.FlowFile
    ) -> None:
        # The readings of a meter are found among those of its meter point: no index names it.
        addresses = [page.format(file=flow_file.pk) for page in PAGES if "q=M" not in page]
        touched = []
        for much in (600, 1_200):  # more than ten pages of a list, which are counted
            _empty()
            _fill(flow_file, meters=much, much=much, apart=60)
            touched.append({address: _get(staff, address)[2] for address in addresses})

        few, many = touched
        assert {
            address: (few[address], many[address])
            for address in addresses
            if many[address] > 1.1 * few[address]
        } == {}
