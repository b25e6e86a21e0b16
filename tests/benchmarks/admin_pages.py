"""
Measure the pages of the admin over many readings, and show that only indexes serve them.

    export D0010_DATA_DIR=/tmp/d0010-pages
    uv run tests/benchmarks/admin_pages.py --fill 20000000
    uv run tests/benchmarks/admin_pages.py --explain
    rm -r "$D0010_DATA_DIR"

The first run fills an empty database by SQL; it refuses one that holds readings. The second
prints the table, and exits with 1 if one of the pages judged is slower than wanted or reads a
whole table. With DATABASE_URL set it is that database, migrated beforehand. Wall time tells of
this machine only while nothing else runs on it: the CPU's and the server's share stand beside it.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.test import Client, utils


READINGS_A_METER_POINT = 40
READINGS_A_FILE = 1_000
FILES_A_BATCH = 500  # which arrive at the same moment
WARNINGS_A_FLAWED_FILE = 300  # one file in three is: an issue for ten readings
MEDIAN_WANTED, P95_WANTED = 50.0, 150.0  # milliseconds
JUDGED = {
    "search by MPAN",
    "search by serial",
    "readings of a file",
    "reading page",
    "meter point page",
    "flow file list",
    "files by outcome",
    "files by sender",
    "issue list",
    "issues by rare code",
}
BIG_TABLE = 10_000  # rows; what has fewer, the planner may rightly read whole

_CHECK_DIGIT = " + ".join(
    f"substr(body, {place}, 1)::integer * {weight}"
    for place, weight in enumerate((3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43), start=1)
)
# A meter at each meter point, a register on each meter. The row of a meter point is read once a
# day: day after day the files hold all meter points in the same order, as they really do. Most
# issues are warnings; a few rejections are of a code that only old files have, and one sender
# has sent a handful of files. One meter point in 200 is read no more, and one in 500 jumps.
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
            + CASE WHEN number %% 500 = 11 AND day = %(days)s - 1 THEN 40000 ELSE 0 END,
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
        WHERE number %% 200 <> 7 OR day < %(days)s - 3
        """,
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


def fill(readings: int) -> None:
    points = readings // READINGS_A_METER_POINT
    numbers = {
        "points": points,
        "days": READINGS_A_METER_POINT,
        "a_file": READINGS_A_FILE,
        "files": readings // READINGS_A_FILE + 1,
        "a_batch": FILES_A_BATCH,
        "warnings": WARNINGS_A_FLAWED_FILE,
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


def measure(rounds: int, *, is_explaining: bool) -> int:
    """Print the table, and return the number of pages that are not as wanted."""
    from django.contrib.auth import models as auth_models  # noqa: PLC0415 - needs the set-up

    from warehouse import models  # noqa: PLC0415 - needs the set-up

    user, _ = auth_models.User.objects.get_or_create(
        username="benchmark", is_staff=True, is_superuser=True
    )
    client = Client()
    client.force_login(user)
    numbers = random.Random(20160222)  # noqa: S311 - the same pages each time, no secret
    last = models.Reading.objects.count() // READINGS_A_METER_POINT

    def meter() -> models.Meter:
        # They have no index by id alone, which no page needs.
        found = models.Meter.objects.filter(mpan_core__gte=f"{numbers.randint(10, 23)}")
        return found.order_by("mpan_core")[numbers.randint(0, 1_000)]

    def a_file() -> int:
        return numbers.randint(1, last // 25)

    def behind_a_place() -> str:
        file = a_file()
        return f"/warehouse/reading/?file={file}&before=0-{file << 32 | numbers.randint(5, 1_000)}"

    def reading_page() -> str:
        reading = models.Reading.objects.filter(mpan_core=meter().mpan_core).latest("read_at")
        return f"/warehouse/reading/{reading.mpan_core}-{reading.pk}/change/"

    pages: dict[str, Callable[[], str]] = {
        "search by MPAN": lambda: f"/warehouse/reading/?q={meter().mpan_core}",
        "search by serial": lambda: f"/warehouse/reading/?q={meter().serial_number}",
        "search by prefix": lambda: f"/warehouse/reading/?q={meter().serial_number[:6]}",
        "not found": lambda: f"/warehouse/reading/?q=99{numbers.randint(10**10, 10**11 - 1)}",
        "meter point page": lambda: f"/warehouse/meterpoint/{meter().mpan_core}/change/",
        "readings of a file": lambda: f"/warehouse/reading/?file={a_file()}",
        "file's last page": lambda: f"/warehouse/reading/?file={a_file()}&p=10",
        "file, behind a place": behind_a_place,
        "file by standing": lambda: f"/warehouse/reading/?file={a_file()}&standing=superseded",
        "prefix by standing": lambda: (
            f"/warehouse/reading/?q={meter().serial_number[:4]}&standing=superseded"
        ),
        "reading page": reading_page,
        "flow file list": lambda: "/warehouse/flowfile/",
        "flow file page": lambda: f"/warehouse/flowfile/{a_file()}/change/",
        "files by outcome": lambda: "/warehouse/flowfile/?status=REFUSED",
        "files partly loaded": lambda: "/warehouse/flowfile/?status=LOADED_WITH_REJECTIONS",
        "files by sender": lambda: f"/warehouse/flowfile/?sender=SND{numbers.randint(0, 6)}",
        "files by rare sender": lambda: "/warehouse/flowfile/?sender=RARE",
        "issue list": lambda: "/warehouse/lineissue/",
        "issues by code": lambda: "/warehouse/lineissue/?code=time-of-day",
        "issues by rare code": lambda: "/warehouse/lineissue/?code=bad-number",
        "issues by rare item": lambda: "/warehouse/lineissue/?item=J0040",
        "issues, rejected": lambda: "/warehouse/lineissue/?severity=REJECTED",
        "issues by sender": lambda: f"/warehouse/lineissue/?sender=SND{numbers.randint(0, 6)}",
        "issues, rare sender": lambda: "/warehouse/lineissue/?sender=RARE",
        "issues asked about": lambda: "/warehouse/lineissue/?mark=ASKED",
        "open issues": lambda: "/warehouse/lineissue/?mark=OPEN",
        "issues of a file": lambda: f"/warehouse/lineissue/?file={a_file()}",
        "start page": lambda: "/",
        "gaps": lambda: "/gaps/",
        "gaps, none": lambda: "/gaps/?days=36500",
        "jumps": lambda: "/jumps/",
        "jumps, none": lambda: "/jumps/?times=1000000",
    }
    faults = 0
    indexes: dict[str, set[str]] = {}
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    say(f"{last * READINGS_A_METER_POINT:,} readings; {os.cpu_count()} cores, loads {load}")
    heading = f"{'page':20}{'median ms':>11}{'p95 ms':>8}{'CPU ms':>8}{'SQL ms':>8}{'queries':>9}"
    say(f"{heading}  scans of whole tables")
    for name, address in pages.items():
        addresses = [address() for _ in range(rounds)]
        times, cpu_times = [], []
        client.get(addresses[0])
        for path in addresses:
            started, cpu_started = time.perf_counter(), time.process_time()
            response = client.get(path)
            times.append((time.perf_counter() - started) * 1000)
            cpu_times.append((time.process_time() - cpu_started) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{path} answers {response.status_code}")
        with utils.CaptureQueriesContext(connection) as queries:
            client.get(addresses[-1])
        sql_time = 1000 * sum(float(query["time"]) for query in queries.captured_queries)
        scanned, indexes[name] = accesses([query["sql"] for query in queries.captured_queries])
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        is_slow = median > MEDIAN_WANTED or p95 > P95_WANTED
        faults += name in JUDGED and (is_slow or bool(scanned))
        say(
            f"{name:20}{median:11.1f}{p95:8.1f}{statistics.median(cpu_times):8.1f}"
            f"{sql_time:8.0f}{len(queries):9}  {', '.join(sorted(scanned)) or 'none'}"
        )
    for name in sorted(JUDGED) if is_explaining else ():
        say(f"\n{name}, by EXPLAIN:")
        for line in sorted(indexes[name]):
            say(f"    {line}")
    return faults


def accesses(statements: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the tables of some size that are read without an index, and the other accesses."""
    scanned: set[str] = set()
    indexed: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", [BIG_TABLE]
        )
        big_tables = {name for (name,) in cursor.fetchall()}
        for statement in statements:
            if statement.lstrip().startswith(("SELECT", "WITH")):
                cursor.execute(f"EXPLAIN {statement}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
                scanned.update(re.findall(r"Seq Scan on (\w+)", plan))
                indexed.update(re.findall(r"(?:Index|Bitmap)[\w ]* Scan [\w ]+", plan))
    return scanned & big_tables, {access.strip() for access in indexed}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a script


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--fill", type=int, metavar="READINGS", help="make as many, then stop")
    parser.add_argument("--rounds", type=int, default=100, help="how often to open each page")
    parser.add_argument("--explain", action="store_true", help="show what serves the pages judged")
    arguments: Any = parser.parse_args()
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")
    os.environ.setdefault("DJANGO_DEBUG", "0")  # it keeps all that is asked of the server
    django.setup()
    from etl.usecases import schema  # noqa: PLC0415 - needs the set-up

    schema.prepare(is_writing=True)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    if arguments.fill:
        fill(arguments.fill)
    else:
        raise SystemExit(bool(measure(arguments.rounds, is_explaining=arguments.explain)))


if __name__ == "__main__":
    main()
