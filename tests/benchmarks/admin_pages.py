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


MEDIAN_WANTED, P95_WANTED = 50.0, 150.0  # milliseconds
MEDIAN_WANTED_OF_MANY = {"meter point, 2,500": 150.0, "paging of 2,232": 150.0}
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
    *MEDIAN_WANTED_OF_MANY,
}
BIG_TABLE = 10_000  # rows; what has fewer, the planner may rightly read whole


def addresses() -> dict[str, Callable[[], str]]:
    """Return for each kind of page what makes the address of one."""
    from tests.benchmarks import admin_fill  # noqa: PLC0415 - needs the set-up
    from warehouse import models  # noqa: PLC0415 - needs the set-up

    numbers = random.Random(20160222)  # noqa: S311 - the same pages each time, no secret
    last = models.Reading.objects.count() // admin_fill.READINGS_A_METER_POINT

    def meter() -> models.Meter:
        # They have no index by id alone, which no page needs.
        found = models.Meter.objects.filter(mpan_core__gte=f"{numbers.randint(10, 23)}")
        return found.order_by("mpan_core")[numbers.randint(0, 1_000)]

    def a_file() -> int:
        return numbers.randint(1, last // 25)

    def behind_a_place() -> str:
        file = a_file()
        return f"/warehouse/reading/?file={file}&before=0-{file << 32 | numbers.randint(5, 1_000)}"

    def with_many(days: int) -> str:
        point = models.MeterPoint.objects.get(mpan_core__startswith=str(250_000_000_000 + days))
        return f"/warehouse/meterpoint/{point.pk}/change/"

    def paging() -> str:
        page = numbers.randint(2, 12)
        return f"{with_many(admin_fill.DAYS_OF_THOSE_READ_DAILY[0])}?page={page}&part=history"

    def reading_page() -> str:
        reading = models.Reading.objects.filter(mpan_core=meter().mpan_core).latest("read_at")
        return f"/warehouse/reading/{reading.mpan_core}-{reading.pk}/change/"

    return {
        "search by MPAN": lambda: f"/warehouse/reading/?q={meter().mpan_core}",
        "search by serial": lambda: f"/warehouse/reading/?q={meter().serial_number}",
        "search by prefix": lambda: f"/warehouse/reading/?q={meter().serial_number[:6]}",
        "not found": lambda: f"/warehouse/reading/?q=99{numbers.randint(10**10, 10**11 - 1)}",
        "meter point page": lambda: f"/warehouse/meterpoint/{meter().mpan_core}/change/",
        "meter point, 2,500": lambda: with_many(admin_fill.DAYS_OF_THOSE_READ_DAILY[1]),
        "paging of 2,232": paging,
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


def measure(rounds: int, *, only: str, is_explaining: bool) -> int:
    """Print the table, and return the number of pages that are not as wanted."""
    from django.contrib.auth import models as auth_models  # noqa: PLC0415 - needs the set-up

    from warehouse import models  # noqa: PLC0415 - needs the set-up

    user, _ = auth_models.User.objects.get_or_create(
        username="benchmark", is_staff=True, is_superuser=True
    )
    client = Client()
    client.force_login(user)
    faults = 0
    indexes: dict[str, set[str]] = {}
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    say(f"{models.Reading.objects.count():,} readings; {os.cpu_count()} cores, loads {load}")
    heading = f"{'page':20}{'median ms':>11}{'p95 ms':>8}{'CPU ms':>8}{'SQL ms':>8}{'queries':>9}"
    say(f"{heading}  scans of whole tables")
    pages = {name: address for name, address in addresses().items() if only in name}
    for name, address in pages.items():
        paths = [address() for _ in range(rounds)]
        times, cpu_times = [], []
        client.get(paths[0])
        for path in paths:
            started, cpu_started = time.perf_counter(), time.process_time()
            response = client.get(path)
            times.append((time.perf_counter() - started) * 1000)
            cpu_times.append((time.process_time() - cpu_started) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{path} answers {response.status_code}")
        with utils.CaptureQueriesContext(connection) as queries:
            client.get(paths[-1])
        sql_time = 1000 * sum(float(query["time"]) for query in queries.captured_queries)
        scanned, indexes[name] = accesses([query["sql"] for query in queries.captured_queries])
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        wanted = MEDIAN_WANTED_OF_MANY.get(name, MEDIAN_WANTED)
        is_slow = median > wanted or p95 > max(wanted, P95_WANTED)
        faults += name in JUDGED and (is_slow or bool(scanned))
        say(
            f"{name:20}{median:11.1f}{p95:8.1f}{statistics.median(cpu_times):8.1f}"
            f"{sql_time:8.0f}{len(queries):9}  {', '.join(sorted(scanned)) or 'none'}"
        )
    for name in sorted(JUDGED & pages.keys()) if is_explaining else ():
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
    parser.add_argument("--only", metavar="TEXT", default="", help="pages with it in their names")
    parser.add_argument("--rounds", type=int, default=100, help="how often to open each page")
    parser.add_argument("--explain", action="store_true", help="show what serves the pages judged")
    arguments: Any = parser.parse_args()
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")
    os.environ.setdefault("DJANGO_DEBUG", "0")  # it keeps all that is asked of the server
    django.setup()
    from etl.usecases import schema  # noqa: PLC0415 - needs the set-up
    from tests.benchmarks import admin_fill  # noqa: PLC0415 - needs the set-up

    schema.prepare(is_writing=True)
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    if arguments.fill:
        admin_fill.fill(arguments.fill, say=say)
    else:
        raise SystemExit(
            bool(measure(arguments.rounds, only=arguments.only, is_explaining=arguments.explain))
        )


if __name__ == "__main__":
    main()
