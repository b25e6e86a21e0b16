"""
Run `manage.py load_d0010 …`, and say on standard error how long loading alone took.

That is the time between the look at the first file and the report of the last, with everything
the server does for it, and without the start of Python, of Django and of the connection.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import django
from django.core import management


def main() -> None:
    django.setup()
    from etl.usecases import load, outcomes  # noqa: PLC0415 - needs the set-up

    load_files = load.load_files

    def timed(**arguments: Any) -> Iterator[outcomes.FileReport]:
        started = time.perf_counter()
        yield from load_files(**arguments)
        print(f"loading: {time.perf_counter() - started:.4f} s", file=sys.stderr)  # noqa: T201 - a script

    with mock.patch.object(load, "load_files", timed):
        management.execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
