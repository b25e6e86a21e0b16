"""Where the commands begin, for `manage.py` and for the `d0010` of an installed package."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys


# Objects made before garbage is looked for. Next to none is in cycles here, and to look for it as
# often as Python would takes a tenth of the time of a batch of small files.
_OBJECTS_BETWEEN_LOOKS = 50_000


def main() -> None:
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal can't show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from django.core import exceptions, management  # noqa: PLC0415 - Ctrl-C may come by now

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")
        try:
            management.execute_from_command_line(sys.argv)
        except exceptions.ImproperlyConfigured as error:
            sys.stderr.write(f"CommandError: {error}.\n")
            sys.exit(2)
        except Exception as error:
            from etl.management import base  # noqa: PLC0415 - needs the settings

            # Commands of Django and of others leave errors of the database to their caller.
            sentence = base.sentence_of(error)
            if sentence is None:
                raise
            sys.stderr.write(f"CommandError: {sentence}\n")
            sys.exit(1)
    except KeyboardInterrupt as error:
        sys.stderr.write("Interrupted.\n")
        sys.exit(128 + (error.args or [signal.SIGINT])[0])
