"""
The other ways to load a D0010 that somebody would try, as somebody good would write them.

    DATABASE_URL=… python -m tests.benchmarks.loading.rivals bulk_create|duckdb|duckdb_raw FILE

All write flow_file, meter_point, meter, register and reading with all their constraints in one
transaction, and may be run again over meters that are known; `duckdb_raw` also keeps the raw lines
with what they inherit, as the product does. All do less than that: they check no envelope, read
groups 026, 028 and 030 alone, and give up at the first value that is none.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import functools
import hashlib
import os
import pathlib
import sys
import tempfile
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any


TIME_ZONE = "Europe/London"
_READINGS_A_CHUNK = 10_000
_BLOCK = 2**20


# R1: Django, with Python parsing and bulk_create(ignore_conflicts=True).


def load_by_bulk_create(path: pathlib.Path) -> None:
    import django  # noqa: PLC0415 - each rival pays for its own imports alone

    django.setup()
    from django.db import transaction  # noqa: PLC0415 - needs the set-up
    from django.utils import timezone  # noqa: PLC0415 - needs the set-up

    from warehouse import codes, models  # noqa: PLC0415 - needs the set-up

    with transaction.atomic():
        flow_file = models.FlowFile.objects.create(
            sha256=_sha256(path),
            file_name=path.name,
            status=codes.FlowFileStatus.LOADED,
            staged_at=timezone.now(),
            size=path.stat().st_size,
            encoding="utf-8",
        )
        for chunk in _chunks(_parsed(path)):
            _bulk_create(flow_file.pk, _stated_at(path), chunk)


def _bulk_create(
    flow_file_id: int, stated_at: datetime.datetime, chunk: Sequence[tuple[Any, ...]]
) -> None:
    from warehouse import models  # noqa: PLC0415 - needs Django's set-up

    base = flow_file_id << 32
    points = {reading[1]: reading[0] for reading in reversed(chunk)}
    models.MeterPoint.objects.bulk_create(
        [models.MeterPoint(mpan_core=mpan, line_id=base + line) for mpan, line in points.items()],
        ignore_conflicts=True,
    )
    meters = {(reading[1], _serial_key(reading[3])): reading for reading in reversed(chunk)}
    models.Meter.objects.bulk_create(
        [
            models.Meter(
                id=base + reading[0], mpan_core=mpan, serial_key=key, serial_number=reading[3]
            )
            for (mpan, key), reading in meters.items()
        ],
        ignore_conflicts=True,
    )
    registers = {
        (reading[1], _serial_key(reading[3]), reading[5]): reading for reading in reversed(chunk)
    }
    models.Register.objects.bulk_create(
        [
            models.Register(
                id=base + reading[0], mpan_core=mpan, serial_key=key, identifier=identifier
            )
            for (mpan, key, identifier), reading in registers.items()
        ],
        ignore_conflicts=True,
    )
    models.Reading.objects.bulk_create(
        [
            models.Reading(
                id=base + line,
                read_at=read_at,
                stated_at=stated_at,
                md_reset_at=md_reset_at,
                md_reset_count=md_reset_count,
                mpan_core=mpan,
                serial_key=_serial_key(serial),
                identifier=identifier,
                value=value,
                reading_type=reading_type,
                validation_status=validation_status,
                reading_flag=flag,
                reading_method=method,
                reason_code="",
                reading_status="",
            )
            for (
                line,
                mpan,
                validation_status,
                serial,
                reading_type,
                identifier,
                read_at,
                value,
                md_reset_at,
                md_reset_count,
                flag,
                method,
            ) in chunk
        ],
        ignore_conflicts=True,
    )


def _serial_key(serial_number: str) -> str:
    return serial_number.upper().replace(" ", "")


def _parsed(path: pathlib.Path) -> Iterator[tuple[Any, ...]]:
    mpan = validation_status = serial = reading_type = ""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.rstrip("\n").split("|")
            if fields[0] == "030":
                yield (
                    number,
                    mpan,
                    validation_status,
                    serial,
                    reading_type,
                    fields[1],
                    _time(fields[2]),
                    decimal.Decimal(fields[3]),
                    _time(fields[4]) if fields[4] else None,
                    int(fields[5]) if fields[5] else None,
                    fields[6],
                    fields[7],
                )
            elif fields[0] == "026":
                mpan, validation_status, serial = fields[1], fields[2], ""
            elif fields[0] == "028":
                serial, reading_type = fields[1], fields[2]


def _stated_at(path: pathlib.Path) -> datetime.datetime:
    with path.open(encoding="utf-8") as lines:
        return _time(next(lines).split("|")[7])


def _time(stamp: str) -> datetime.datetime:
    return datetime.datetime(
        int(stamp[:4]),
        int(stamp[4:6]),
        int(stamp[6:8]),
        int(stamp[8:10]),
        int(stamp[10:12]),
        int(stamp[12:]),
        tzinfo=_LONDON,
    )


def _chunks(readings: Iterable[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    chunk = []
    for reading in readings:
        chunk.append(reading)
        if len(chunk) == _READINGS_A_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


_LONDON = zoneinfo.ZoneInfo(TIME_ZONE)


# R2: DuckDB parses the file as a whole, COPY writes the tables.

_FIELDS = "{" + ", ".join(f"f{number}: 'VARCHAR'" for number in range(14)) + "}"

# The id is that of the line; what a line stands under is the last such line before it.
_LINES = f"""
    CREATE TABLE line AS
    SELECT ($flow_file_id::BIGINT << 32) + row_number() OVER () AS id, *
    FROM read_csv(
        $path, delim = '|', header = FALSE, quote = '', escape = '', null_padding = TRUE,
        strict_mode = FALSE, parallel = FALSE, auto_detect = FALSE, columns = {_FIELDS}
    )
"""  # noqa: S608 - names from above
_PLACED = """
    CREATE TABLE placed AS
    SELECT
        *,
        upper(replace(serial_number, ' ', '')) AS serial_key,
        CASE f0 WHEN '028' THEN meter_point_id WHEN '030' THEN meter_id END AS parent_id
    FROM (
        SELECT
            *,
            last_value(CASE WHEN f0 = '026' THEN id END IGNORE NULLS) OVER before
                AS meter_point_id,
            last_value(CASE WHEN f0 = '028' THEN id END IGNORE NULLS) OVER before AS meter_id,
            last_value(CASE WHEN f0 = '026' THEN f1 END IGNORE NULLS) OVER before AS mpan_core,
            last_value(CASE WHEN f0 = '026' THEN f2 END IGNORE NULLS) OVER before
                AS validation_status,
            last_value(
                CASE f0 WHEN '026' THEN '' WHEN '028' THEN f1 END IGNORE NULLS
            ) OVER before AS serial_number,
            last_value(
                CASE f0 WHEN '026' THEN '' WHEN '028' THEN f2 END IGNORE NULLS
            ) OVER before AS reading_type
        FROM line
        WINDOW before AS (ORDER BY id ROWS UNBOUNDED PRECEDING)
    )
"""
_READINGS = """
    CREATE TABLE reading AS
    SELECT
        id,
        mpan_core,
        validation_status,
        serial_number,
        serial_key,
        reading_type,
        f1 AS identifier,
        strptime(f2, '%Y%m%d%H%M%S') AS read_at,
        f3::DECIMAL(9, 1) AS value,
        CASE WHEN f4 <> '' THEN strptime(f4, '%Y%m%d%H%M%S') END AS md_reset_at,
        CASE WHEN f5 <> '' THEN f5::SMALLINT END AS md_reset_count,
        coalesce(f6, '') AS reading_flag,
        coalesce(f7, '') AS reading_method,
        (SELECT strptime(f7, '%Y%m%d%H%M%S') FROM line ORDER BY id LIMIT 1) AS stated_at
    FROM placed
    WHERE f0 = '030'
"""
_RAW = """
    SELECT
        placed.id,
        placed.parent_id,
        CASE placed.f0
            WHEN '026' THEN 'meter_point' WHEN '028' THEN 'meter' WHEN '030' THEN 'reading'
            WHEN 'ZHV' THEN 'header' WHEN 'ZPT' THEN 'trailer' ELSE 'unknown'
        END AS kind,
        coalesce(placed.mpan_core, '') AS mpan_core,
        coalesce(placed.serial_key, '') AS serial_key,
        coalesce(placed.reading_type, '') AS reading_type,
        coalesce(placed.validation_status, '') AS validation_status,
        raw.payload
    FROM placed
    INNER JOIN (
        SELECT ($flow_file_id::BIGINT << 32) + row_number() OVER () AS id, payload
        FROM read_csv(
            $path, delim = '\x01', header = FALSE, quote = '', escape = '', parallel = FALSE,
            auto_detect = FALSE, columns = {payload: 'VARCHAR'}
        )
    ) AS raw USING (id)
    ORDER BY placed.id
"""


def load_by_duckdb(path: pathlib.Path, *, keeps_raw: bool = False) -> None:
    import duckdb  # noqa: PLC0415 - each rival pays for its own imports alone
    import psycopg  # noqa: PLC0415 - the same

    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as server,
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect() as duck,
    ):
        # So clock time becomes an instant as it arrives.
        server.execute("SELECT set_config('TimeZone', %s, FALSE)", [TIME_ZONE])
        row = server.execute(
            """
            INSERT INTO flow_file (
                sha256, file_name, status, reason, staged_at, size, encoding, file_identifier,
                flow, sender_role, sender, recipient_role, recipient, sending_application,
                receiving_application, broadcast, test_flag, reuses_file_identifier, is_strict,
                checksum, line_count, blank_line_count, meter_point_line_count,
                meter_line_count, reading_count, validation_result_count, site_visit_count,
                rejected_line_count, warning_count, forgotten_line_count, digest
            )
            VALUES (
                %s, %s, 'LOADED', '', now(), %s, 'utf-8', '', '', '', '', '', '', '', '', '', '',
                FALSE, FALSE, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ''
            )
            RETURNING id
            """,
            [_sha256(path), path.name, path.stat().st_size],
        ).fetchone()
        assert row is not None
        duck.execute(_LINES, {"flow_file_id": row[0], "path": str(path)})
        duck.execute(_PLACED)
        duck.execute(_READINGS)
        between = _Between(server=server, duck=duck, file=pathlib.Path(folder, "rows"))
        if keeps_raw:
            raw = _RAW.replace("$flow_file_id", str(row[0])).replace("$path", f"'{path}'")
            between.copy(
                "staged_text (id, parent_id, kind, mpan_core, serial_key, reading_type,"
                " validation_status, payload)",
                raw,
            )
        between.add_new(
            "meter_point",
            ("mpan_core", "line_id"),
            "SELECT mpan_core, min(id) FROM reading GROUP BY ALL ORDER BY ALL",
        )
        between.add_new(
            "meter",
            ("mpan_core", "serial_key", "id", "serial_number"),
            "SELECT mpan_core, serial_key, min(id), arg_min(serial_number, id) FROM reading"
            " GROUP BY mpan_core, serial_key ORDER BY ALL",
        )
        between.add_new(
            "register",
            ("mpan_core", "serial_key", "identifier", "id"),
            "SELECT mpan_core, serial_key, identifier, min(id) FROM reading"
            " GROUP BY ALL ORDER BY ALL",
        )
        columns = (
            "id, mpan_core, serial_key, identifier, read_at, stated_at, md_reset_at,"
            " md_reset_count, value, reading_type, validation_status, reading_flag,"
            " reading_method, reason_code, reading_status"
        )
        between.copy(
            f"reading ({columns})",
            f"SELECT {columns}"  # noqa: S608 - names from above
            " FROM (SELECT *, '' AS reason_code, '' AS reading_status FROM reading)"
            " ORDER BY mpan_core, read_at, id",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Between:
    """Moves rows between DuckDB and the server, by way of a file."""

    server: Any
    duck: Any
    file: pathlib.Path

    def add_new(self, table: str, columns: Sequence[str], query: str) -> None:
        """Insert the rows that the server does not know, by way of a temporary table there."""
        names = ", ".join(columns)
        self.server.execute(
            f"CREATE TEMP TABLE new_{table} ON COMMIT DROP AS TABLE {table} WITH NO DATA"
        )
        self.copy(f"new_{table} ({names})", query)
        self.server.execute(f"ANALYZE new_{table}")
        self.server.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM new_{table}"  # noqa: S608 - names from above
            " ON CONFLICT DO NOTHING"
        )

    def copy(self, target: str, query: str) -> None:
        self.duck.execute(
            f"COPY ({query}) TO '{self.file}'"
            " (DELIMITER '\t', HEADER FALSE, NULLSTR '\\N', QUOTE '')"
        )
        with (
            self.file.open("rb") as file,
            self.server.cursor() as cursor,
            cursor.copy(f"COPY {target} FROM STDIN") as stream,
        ):
            while block := file.read(_BLOCK):
                stream.write(block)


def _sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


RIVALS: Mapping[str, Callable[[pathlib.Path], None]] = {
    "bulk_create": load_by_bulk_create,
    "duckdb": load_by_duckdb,
    "duckdb_raw": functools.partial(load_by_duckdb, keeps_raw=True),
}


if __name__ == "__main__":
    RIVALS[sys.argv[1]](pathlib.Path(sys.argv[2]))
