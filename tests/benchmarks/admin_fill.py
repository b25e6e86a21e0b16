"""The store over which `admin_pages.py` opens pages: filled by SQL, as files would have."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection


READINGS_A_METER_POINT = 40
READINGS_A_FILE = 1_000
FILES_A_BATCH = 500  # which arrive at the same moment
DAYS_OF_THOSE_READ_DAILY = (1_116, 1_250)  # two registers each
WARNINGS_A_FLAWED_FILE = 300  # one file in three is: an issue for ten readings

_CHECK_DIGIT = " + ".join(
    f"substr(body, {place}, 1)::integer * {weight}"
    for place, weight in enumerate((3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43), start=1)
)
# A meter at each meter point, a register on each meter. The row of a meter point is read once a
# day: day after day the files hold all meter points in the same order, as they really do. Most
# issues are warnings; a few rejections are of a code that only old files have, and one sender
# has sent a handful of files. One meter point in 200 is read no more, and one in 500 jumps,
# throughout: as MPANs go, there are 14 rolls of meter points, one behind the other. Two more have
# a day and a night register that are read every day, each day from another file.
FILL: Sequence[tuple[str, str]] = (
    (
        "flow_file",
        """
        INSERT INTO flow_file (
            id, sha256, file_name, status, reason, staged_at, transformed_at, size, encoding,
            file_identifier, flow, sender_role, sender, recipient_role, recipient,
            file_created_at, sending_application, receiving_application, broadcast, test_flag,
            reuses_file_identifier, is_strict, declared_group_count, checksum,
            declared_flow_count, file_completed_at, line_count, blank_line_count,
            meter_point_line_count, meter_line_count, reading_count, validation_result_count,
            site_visit_count, rejected_line_count, warning_count, forgotten_line_count, digest
        )
        SELECT
            id, encode(sha256(id::text::bytea), 'hex'),
            'BENCH' || lpad(id::text, 10, '0') || '.uff',
            CASE
                WHEN id %% 1000 = 999 THEN 'REJECTED'
                WHEN rejected > 0 THEN 'LOADED_WITH_REJECTIONS'
                ELSE 'LOADED'
            END,
            '', now() - (%(files)s - id) / %(a_batch)s * %(a_batch)s * interval '10 minutes',
            now(), 64000, 'utf-8',
            lpad(id::text, 10, '0'), 'D0010002', 'D',
            CASE WHEN id %% (%(files)s / 4) = 5 THEN 'RARE' ELSE 'SND' || id %% 7 END, 'X', 'MRCY',
            timestamptz '2015-01-02 00:00 Europe/London'
            + least((id - 1) * %(a_file)s / %(points)s, %(days)s - 1) * interval '91 days',
            '', '', '', 'OPER', FALSE, FALSE, 3000, '', 1000, now(), 3002, 0,
            1000, 1000, 1000, 0, 0, rejected,
            CASE WHEN id %% 3 = 0 THEN %(warnings)s ELSE 0 END, 0, ''
        FROM (
            SELECT
                id,
                CASE
                    WHEN id %% 50 = 0 THEN 3
                    WHEN id < %(files)s / 10 AND id %% 500 = 7 THEN 1
                    ELSE 0
                END AS rejected
            FROM generate_series(1, %(files)s) AS id
        ) AS made
        """,
    ),
    (
        "meter_point",
        f"""
        INSERT INTO meter_point (mpan_core, line_id)
        SELECT body || ({_CHECK_DIGIT}) %% 11 %% 10, (1::bigint << 32) + place
        FROM (
            SELECT place, (10 + place %% 14)::text || lpad(place::text, 10, '0') AS body
            FROM generate_series(1, %(points)s) AS place
        ) AS made
        ORDER BY 1
        """,  # noqa: S608 - weights from the constant above
    ),
    (
        "meter",
        """
        INSERT INTO meter (id, mpan_core, serial_key, serial_number)
        SELECT line_id, mpan_core, serial_number, serial_number
        FROM (
            SELECT
                line_id, mpan_core,
                substr('DEKLS', 1 + (line_id %% 5)::integer, 1)
                || lpad(((line_id & 4294967295) * 7919 %% 10000000)::text, 7, '0')
                AS serial_number
            FROM meter_point
        ) AS made
        """,
    ),
    (
        "register",
        """
        INSERT INTO register (id, mpan_core, serial_key, identifier)
        SELECT id, mpan_core, serial_key, 'S' FROM meter
        """,
    ),
    (
        "reading",
        """
        INSERT INTO reading (
            id, mpan_core, read_at, stated_at, serial_key, identifier, value, reading_type,
            validation_status, reading_flag, reading_method, reason_code, reading_status
        )
        SELECT
            (file << 32) + 4 + place, mpan_core,
            timestamptz '2015-01-01 00:00 Europe/London' + day * interval '91 days',
            timestamptz '2015-01-02 00:00 Europe/London' + day * interval '91 days',
            serial_key, 'S',
            1000 + day * 250 + place %% 90
            + CASE WHEN number / 14 %% 500 = 11 AND day = %(days)s - 1 THEN 40000 ELSE 0 END,
            'R', 'V', 'T', 'N', '', ''
        FROM (
            SELECT
                register.mpan_core, register.serial_key, day,
                register.id & 4294967295 AS number,
                1 + (day * %(points)s + (register.id & 4294967295) - 1) / %(a_file)s AS file,
                (day * %(points)s + (register.id & 4294967295) - 1) %% %(a_file)s AS place
            FROM generate_series(0, %(days)s - 1) AS day
            CROSS JOIN register
        ) AS made
        WHERE number / 14 %% 200 <> 7 OR day < %(days)s - 3
        """,
    ),
    (
        "reading of meter points with many",
        f"""
        WITH many AS (
            SELECT body || ({_CHECK_DIGIT}) %% 11 %% 10 AS mpan_core, body AS serial_key, days
            FROM (
                SELECT 250000000000 + days || '' AS body, days
                FROM unnest(%(many)s::integer[]) AS days
            ) AS made
        ),

        meter_point AS (
            INSERT INTO meter_point (mpan_core, line_id)
            SELECT mpan_core, (1::bigint << 32) + 2000 + days FROM many
        ),

        meter AS (
            INSERT INTO meter (id, mpan_core, serial_key, serial_number)
            SELECT (1::bigint << 32) + 2000 + days, mpan_core, serial_key, serial_key FROM many
        ),

        register AS (
            INSERT INTO register (id, mpan_core, serial_key, identifier)
            SELECT (1::bigint << 32) + 2000 + days, mpan_core, serial_key, identifier
            FROM many
            CROSS JOIN unnest(ARRAY['DY', 'NT']) AS identifier
        )

        INSERT INTO reading (
            id, mpan_core, read_at, stated_at, serial_key, identifier, value, reading_type,
            validation_status, reading_flag, reading_method, reason_code, reading_status
        )
        SELECT
            ((%(files)s - ago * (%(files)s / days))::bigint << 32) + 2000 + days * 2 + place,
            mpan_core,
            timestamptz '2024-09-20 00:00 Europe/London' - ago * interval '1 day',
            timestamptz '2024-09-20 00:00 Europe/London' - (ago - 1) * interval '1 day',
            serial_key, identifier, 20000 - ago * 8 + ago %% 7, 'R', 'V', 'T', 'N', '', ''
        FROM many
        CROSS JOIN generate_series(0, days - 1) AS ago
        CROSS JOIN unnest(ARRAY['DY', 'NT']) WITH ORDINALITY AS one (identifier, place)
        """,  # noqa: S608 - weights from the constant above
    ),
    (
        "site_visit",
        """
        INSERT INTO site_visit (id, mpan_core, serial_key, check_code, additional_information)
        SELECT id + 2000, mpan_core, '', '20', 'card left'
        FROM reading
        WHERE id %% 200 = 0
        """,
    ),
    (
        "line_issue",
        """
        INSERT INTO line_issue (
            flow_file_id, line_number, kind, mpan_core, severity, code, item, value, message
        )
        SELECT
            id, 4 + line, 'reading', lpad((id * 1000 + line)::text, 13, '1'), 'WARNING',
            (ARRAY['time-of-day', 'mpan-check-digit', 'unknown-code'])[1 + line %% 3],
            (ARRAY['J0016', 'J0003', 'J0171'])[1 + line %% 3], '20160322120000',
            'J0016 Reading Date & Time is ''20160322120000'': expected midnight or 235959'
        FROM flow_file
        CROSS JOIN generate_series(1, warning_count) AS line
        UNION ALL
        SELECT
            id, 4 + line * 2, 'reading', '', 'REJECTED',
            CASE WHEN id %% 50 = 0 THEN 'bad-date' ELSE 'bad-number' END,
            CASE WHEN id %% 50 = 0 THEN 'J0016' ELSE 'J0040' END, '20160332000000',
            'J0016 Reading Date & Time is ''20160332000000'': expected a date that exists'
        FROM flow_file
        CROSS JOIN generate_series(1, rejected_line_count) AS line
        ORDER BY 1, 2
        """,
    ),
)


def fill(readings: int, *, say: Callable[[str], None]) -> None:
    points = readings // READINGS_A_METER_POINT
    numbers: dict[str, Any] = {
        "points": points,
        "days": READINGS_A_METER_POINT,
        "a_file": READINGS_A_FILE,
        "files": readings // READINGS_A_FILE + 1,
        "a_batch": FILES_A_BATCH,
        "warnings": WARNINGS_A_FLAWED_FILE,
        "many": [*DAYS_OF_THOSE_READ_DAILY],
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM reading)")
        if cursor.fetchone() != (False,):
            raise SystemExit("There are readings here: give the benchmark a database of its own.")
        for table, statement in FILL:
            started = time.perf_counter()
            cursor.execute(statement, numbers)
            say(f"{table}: {cursor.rowcount:,} rows, {time.perf_counter() - started:.0f} s")
        started = time.perf_counter()
        cursor.execute("VACUUM ANALYZE")
        say(f"vacuumed and analysed, {time.perf_counter() - started:.0f} s")
