"""
Run `manage.py COMMAND …`, and say on standard error what its work alone took.

That is the time of the use case that the command calls (for load_d0010 between its look at the
first file and its report of the last), with everything the server does for it, and without the
start of Python, of Django and of the connection; and the CPU time of this process meanwhile. It is
run by its path in the folder of the checkout that it is to time, which may be an older one.
"""

from __future__ import annotations

import functools
import importlib
import pathlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock


USE_CASES = {
    "load_d0010": ("etl.usecases.load", "load_files"),
    "transform_pending": ("etl.usecases.transform", "transform_pending"),
    "reconcile": ("etl.usecases.reconcile", "reconcile"),
}


def main() -> None:
    sys.path[0] = str(pathlib.Path.cwd())  # not the folder of this script
    import django  # noqa: PLC0415 - that of the checkout
    from django.core import management  # noqa: PLC0415 - the same

    django.setup()
    module_name, name = USE_CASES[sys.argv[1]]
    module = importlib.import_module(module_name)
    with mock.patch.object(module, name, _timed(getattr(module, name))):
        management.execute_from_command_line(["manage.py", *sys.argv[1:]])


def _timed(use_case: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(use_case)
    def call(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter(), time.process_time()
        result = use_case(*arguments, **named)
        if isinstance(result, Iterator):
            return _until_its_end(result, started)
        _say(started)
        return result

    return call


def _until_its_end(results: Iterator[Any], started: tuple[float, float]) -> Iterator[Any]:
    yield from results
    _say(started)


def _say(started: tuple[float, float]) -> None:
    seconds, cpu_seconds = time.perf_counter() - started[0], time.process_time() - started[1]
    print(f"inside: {seconds:.4f} s, CPU: {cpu_seconds:.4f} s", file=sys.stderr)  # noqa: T201 - a script


if __name__ == "__main__":
    main()
