#!/usr/bin/env python
"""Run a command of the D0010 pipeline; `manage.py help` lists them."""

import io
import os
import signal
import sys


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal can't show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from django.core import management  # noqa: PLC0415 - Ctrl-C may come by now

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")
        management.execute_from_command_line(sys.argv)
    except KeyboardInterrupt as error:
        sys.stderr.write("Interrupted.\n")
        sys.exit(128 + (error.args or [signal.SIGINT])[0])


if __name__ == "__main__":
    main()
