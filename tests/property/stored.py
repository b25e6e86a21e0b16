"""What the database holds of some files, in the terms of the oracle."""

from __future__ import annotations

import collections
from collections.abc import Collection, Mapping
from typing import Any

from django import db

from tests.property import oracle


_FILES = "SELECT id, sha256, status FROM flow_file WHERE sha256 = any(%s)"
_READINGS = """
    SELECT
        reading.id >> 32, reading.id & 4294967295, reading.mpan_core, reading.serial_key,
        reading.identifier, reading.read_at, reading.value, reading.md_reset_at,
        reading.md_reset_count, reading.reading_flag, reading.reading_method,
        reading.reading_type, reading.validation_status, reading.reason_code,
        reading.reading_status
    FROM unnest(%s::bigint[]) AS file (id)
    INNER JOIN reading ON reading.id BETWEEN file.id << 32 AND file.id << 32 | 4294967295
    INNER JOIN register USING (mpan_core, serial_key, identifier)
    INNER JOIN meter USING (mpan_core, serial_key)
    INNER JOIN meter_point USING (mpan_core)
"""
_SITE_VISITS = """
    SELECT
        site_visit.id >> 32, site_visit.id & 4294967295, site_visit.mpan_core,
        meter.serial_key, reading.id & 4294967295, site_visit.check_code,
        site_visit.additional_information
    FROM unnest(%s::bigint[]) AS file (id)
    INNER JOIN site_visit ON site_visit.id BETWEEN file.id << 32 AND file.id << 32 | 4294967295
    LEFT JOIN meter USING (mpan_core, serial_key)
    LEFT JOIN reading ON reading.id = site_visit.reading_id
        AND reading.mpan_core = site_visit.mpan_core
"""
_REJECTED = """
    SELECT DISTINCT flow_file_id, line_number FROM line_issue
    WHERE flow_file_id = any(%s) AND severity = 'REJECTED'
"""
_RAW_LINES = """
    SELECT file.id, staged_line.id & 4294967295, payload
    FROM unnest(%s::bigint[]) AS file (id)
    INNER JOIN staged_line ON staged_line.id BETWEEN file.id << 32 AND file.id << 32 | 4294967295
    ORDER BY staged_line.id
"""


def contents(hashes: Collection[str]) -> Mapping[str, oracle.Content]:
    """
    Return what is stored of the files with these hashes.

    Lines are found rejected by their issues; those of a file that was rejected whole are about
    the file.
    """
    with db.connection.cursor() as cursor:

        def by_line(statement: str) -> dict[int, dict[int, Any]]:
            cursor.execute(statement, [[flow_file_id for flow_file_id, _, _ in files]])
            found: dict[int, dict[int, Any]] = collections.defaultdict(dict)
            for flow_file_id, line_number, *values in cursor.fetchall():
                assert line_number not in found[flow_file_id]
                found[flow_file_id][line_number] = values
            return found

        cursor.execute(_FILES, [sorted(hashes)])
        files = cursor.fetchall()
        raw_lines = by_line(_RAW_LINES)
        readings = by_line(_READINGS)
        site_visits = by_line(_SITE_VISITS)
        rejected = by_line(_REJECTED)
    return {
        sha256: oracle.Content(
            raw_lines={number: text for number, (text,) in raw_lines[flow_file_id].items()},
            readings={
                number: oracle.Reading(*values)
                for number, values in readings[flow_file_id].items()
            },
            site_visits={
                number: oracle.SiteVisit(*values)
                for number, values in site_visits[flow_file_id].items()
            },
            rejected_line_numbers=rejected[flow_file_id].keys() if status != "REJECTED" else set(),
        )
        for flow_file_id, sha256, status in files
    }
