"""
Open the admin's pages of one flow file, and print the median seconds of each.

    python pages.py FILE_NAME TIMES

It is run by its path in the folder of the checkout that it is to time, which may be an older one,
with the database in DATABASE_URL. Each page is opened once before, which also fills Django's
caches.
"""

from __future__ import annotations

import os
import pathlib
import re
import statistics
import sys
import time
from typing import Any


def main(file_name: str, times: int) -> None:
    sys.path[0] = str(pathlib.Path.cwd())  # not the folder of this script
    import django  # noqa: PLC0415 - that of the checkout
    from django import test, urls  # noqa: PLC0415 - the same
    from django.conf import settings  # noqa: PLC0415 - the same

    os.environ["DJANGO_DEBUG"] = "0"  # it keeps all that is asked of the server
    django.setup()
    from django.contrib.auth import models as auth_models  # noqa: PLC0415 - needs the set-up

    from warehouse import models  # noqa: PLC0415 - needs the set-up

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    user, _ = auth_models.User.objects.get_or_create(
        username="benchmark", is_staff=True, is_superuser=True
    )
    client = test.Client()
    client.force_login(user)
    flow_file = models.FlowFile.objects.get(file_name=file_name)
    middle = flow_file.pk << 32 | flow_file.line_count // 2

    page = urls.reverse("admin:warehouse_flowfile_change", args=[flow_file.pk])
    readings = urls.reverse("admin:warehouse_reading_changelist")
    link = re.search(rf'href="({readings}[^"]+)"', client.get(page).content.decode())
    if not link:
        raise SystemExit(f"{page} has no link to the readings of {file_name}")
    measure(client, "flow file page", page, times)
    measure(client, "list of a file's readings", link[1].replace("&amp;", "&"), times)
    measure(
        client, "raw line page", urls.reverse("admin:etl_stagedline_change", args=[middle]), times
    )


def measure(client: Any, name: str, address: str, times: int) -> None:
    taken = []
    for _ in range(1 + times):
        started = time.perf_counter()
        response = client.get(address)
        taken.append(time.perf_counter() - started)
        if response.status_code != 200:
            raise SystemExit(f"{address} answers {response.status_code}")
    print(f"{name}: {statistics.median(taken[1:]):.4f} s", flush=True)  # noqa: T201 - a script


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
