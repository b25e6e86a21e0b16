"""
The other ways to load a D0010 that somebody would try, as somebody good would write them.

    DATABASE_URL=… python -m tests.benchmarks.loading.rivals bulk_create|polars FILE

Both write flow_file, meter_point, meter, register and reading with all their constraints in one
transaction, and may be run again over meters that are known. Both do less than the product: they
keep no raw lines, check no envelope, read groups 026, 028 and 030 alone, and give up at the first
value that is none.
"""

from __future__ import annotations

import datetime
import decimal
import hashlib
import io
import os
import pathlib
import sys
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from typing import Any


TIME_ZONE = "Europe/London"
_READINGS_A_CHUNK = 10_000


# R1: Django, with Python parsing and bulk_create(ignore_conflicts=True).


def load_by_bulk_create(path: pathlib.Path) -> None:
    import django  # noqa: PLC0415 - each rival pays for its own imports alone

    django.setup()
    from django.db import transaction  # noqa: PLC0415 - needs the set-up
    from django.utils import timezone  # noqa: PLC0415 - needs the set-up

    from warehouse import models  # noqa: PLC0415 - needs the set-up

    with transaction.atomic():
        flow_file = models.FlowFile.objects.create(
            sha256=_sha256(path),
            file_name=path.name,
            status=models.FlowFileStatus.LOADED,
            staged_at=timezone.now(),
            size=path.stat().st_size,
            encoding="utf-8",
        )
        for chunk in _chunks(_parsed(path)):
            _bulk_create(flow_file.pk, chunk)


def _bulk_create(flow_file_id: int, chunk: Sequence[tuple[Any, ...]]) -> None:
    from warehouse import models  # noqa: PLC0415 - needs Django's set-up

    base = flow_file_id << 32
    points = {reading[1]: reading[0] for reading in reversed(chunk)}
    models.MeterPoint.objects.bulk_create(
        [models.MeterPoint(mpan_core=mpan, line_id=base + line) for mpan, line in points.items()],
        ignore_conflicts=True,
    )
    meters = {(reading[1], reading[3]): reading[0] for reading in reversed(chunk)}
    models.Meter.objects.bulk_create(
        [
            models.Meter(id=base + line, meter_point_id=mpan, serial_number=serial)
            for (mpan, serial), line in meters.items()
        ],
        ignore_conflicts=True,
    )
    meter_ids = {
        (mpan, serial): pk
        for pk, mpan, serial in models.Meter.objects.filter(
            meter_point_id__in=list(points)
        ).values_list("id", "meter_point_id", "serial_number")
    }
    registers = {
        (meter_ids[reading[1], reading[3]], reading[5]): reading for reading in reversed(chunk)
    }
    models.Register.objects.bulk_create(
        [
            models.Register(
                id=base + reading[0],
                mpan_core=reading[1],
                meter_id=meter_id,
                identifier=identifier,
            )
            for (meter_id, identifier), reading in registers.items()
        ],
        ignore_conflicts=True,
    )
    register_ids = {
        (meter_id, identifier): pk
        for pk, meter_id, identifier in models.Register.objects.filter(
            mpan_core__in=list(points)
        ).values_list("id", "meter_id", "identifier")
    }
    models.Reading.objects.bulk_create(
        [
            models.Reading(
                id=base + line,
                register_id=register_ids[meter_ids[mpan, serial], identifier],
                flow_file_id=flow_file_id,
                read_at=read_at,
                md_reset_at=md_reset_at,
                md_reset_count=md_reset_count,
                mpan_core=mpan,
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


# R2: polars parses the file as a whole, COPY writes the tables.


def load_by_polars(path: pathlib.Path) -> None:
    import polars as pl  # noqa: PLC0415 - each rival pays for its own imports alone
    import psycopg  # noqa: PLC0415 - the same

    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        # The server turns clock time into instants, as polars would; it knows both clocks.
        connection.execute("SELECT set_config('TimeZone', %s, FALSE)", [TIME_ZONE])
        row = connection.execute(
            """
            INSERT INTO flow_file (
                sha256, file_name, status, reason, staged_at, size, encoding, file_identifier,
                flow, sender_role, sender, recipient_role, recipient, sending_application,
                receiving_application, broadcast, test_flag, reuses_file_identifier, is_strict,
                checksum, line_count, blank_line_count, meter_point_line_count,
                meter_line_count, reading_count, validation_result_count, site_visit_count,
                rejected_line_count, warning_count
            )
            VALUES (
                %s, %s, 'LOADED', '', now(), %s, 'utf-8', '', '', '', '', '', '', '', '', '', '',
                FALSE, FALSE, '', 0, 0, 0, 0, 0, 0, 0, 0, 0
            )
            RETURNING id
            """,
            [_sha256(path), path.name, path.stat().st_size],
        ).fetchone()
        assert row is not None
        flow_file_id = row[0]
        group, one, two = pl.col("f0"), pl.col("f1"), pl.col("f2")
        lines = pl.read_csv(
            path,
            separator="|",
            has_header=False,
            quote_char=None,
            schema={f"f{number}": pl.String for number in range(8)},
            truncate_ragged_lines=True,
            extra_columns="ignore",
            row_index_name="line_number",
            row_index_offset=1,
        ).with_columns(
            id=pl.col("line_number").cast(pl.Int64) + (flow_file_id << 32),
            mpan_core=pl.when(group == "026").then(one).forward_fill(),
            validation_status=pl.when(group == "026").then(two).forward_fill(),
            serial_number=pl.when(group == "026")
            .then(pl.lit(""))
            .when(group == "028")
            .then(one)
            .forward_fill(),
            reading_type=pl.when(group == "028").then(two).forward_fill(),
        )
        readings = lines.filter(group == "030").select(
            "id",
            "mpan_core",
            "validation_status",
            "serial_number",
            "reading_type",
            identifier=one,
            read_at=two.str.to_datetime("%Y%m%d%H%M%S"),
            value=pl.col("f3").cast(pl.Decimal(10, 1)),
            md_reset_at=pl.col("f4").str.to_datetime("%Y%m%d%H%M%S"),
            md_reset_count=pl.col("f5").cast(pl.Int16),
            reading_flag=pl.col("f6").fill_null(""),
            reading_method=pl.col("f7").fill_null(""),
        )
        _add_new(
            connection,
            "meter_point (mpan_core, line_id)",
            readings.group_by("mpan_core").agg(pl.col("id").min()).sort("mpan_core"),
        )
        meter_key = ["mpan_core", "serial_number"]
        meters = readings.group_by(meter_key).agg(pl.col("id").min()).sort(meter_key)
        _add_new(connection, "meter (mpan_core, serial_number, id)", meters)
        meters = meters.select(meter_key).join(
            _read_back(
                connection,
                "SELECT meter.mpan_core, meter.serial_number, meter.id FROM meter"
                " INNER JOIN new_meter_point USING (mpan_core)",
                {"mpan_core": pl.String, "serial_number": pl.String, "meter_id": pl.Int64},
            ),
            on=meter_key,
        )
        readings = readings.join(meters, on=meter_key)
        register_key = ["mpan_core", "meter_id", "identifier"]
        registers = readings.group_by(register_key).agg(pl.col("id").min()).sort(register_key)
        _add_new(connection, "register (mpan_core, meter_id, identifier, id)", registers)
        register_ids = _read_back(
            connection,
            "SELECT register.meter_id, register.identifier, register.id FROM register"
            " INNER JOIN new_meter_point USING (mpan_core)",
            {"meter_id": pl.Int64, "identifier": pl.String, "register_id": pl.Int64},
        )
        finished = (
            readings.join(register_ids, on=["meter_id", "identifier"])
            .sort("mpan_core", "id")
            .select(
                "id",
                "register_id",
                pl.lit(flow_file_id).alias("flow_file_id"),
                "read_at",
                "md_reset_at",
                "md_reset_count",
                "mpan_core",
                "value",
                "reading_type",
                "validation_status",
                "reading_flag",
                "reading_method",
                pl.lit("").alias("reason_code"),
                pl.lit("").alias("reading_status"),
            )
        )
        _copy(connection, f"reading ({', '.join(finished.columns)})", finished)


def _add_new(connection: Any, target: str, rows: Any) -> None:
    """Insert the rows that are not known, by way of a temporary table without constraints."""
    table, _, columns = target.partition(" ")
    connection.execute(
        f"CREATE TEMP TABLE new_{table} ON COMMIT DROP AS TABLE {table} WITH NO DATA"
    )
    _copy(connection, f"new_{target}", rows)
    connection.execute(f"ANALYZE new_{table}")
    columns = columns.strip("()")
    connection.execute(
        f"INSERT INTO {target} SELECT {columns} FROM new_{table} ON CONFLICT DO NOTHING"  # noqa: S608 - names from above
    )


def _copy(connection: Any, target: str, rows: Any) -> None:
    text = io.BytesIO()
    rows.write_csv(
        text, separator="\t", include_header=False, null_value="\\N", quote_style="never"
    )
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as stream:
        stream.write(text.getbuffer())


def _read_back(connection: Any, query: str, schema: Any) -> Any:
    import polars as pl  # noqa: PLC0415 - only this rival has it

    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as stream:
        text = b"".join(map(bytes, stream))
    return pl.read_csv(text, separator="\t", has_header=False, quote_char=None, schema=schema)


def _sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


RIVALS = {"bulk_create": load_by_bulk_create, "polars": load_by_polars}


if __name__ == "__main__":
    RIVALS[sys.argv[1]](pathlib.Path(sys.argv[2]))
