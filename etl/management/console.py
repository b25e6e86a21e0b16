"""Where the commands begin, for `manage.py` and for the `d0010` of an installed package."""

from __future__ import annotations

import gc
import io
import os
import sys


# Objects made before garbage is looked for. Next to none is in cycles here, and to look for it as
# often as Python would takes a tenth of the time of a batch of small files.
_OBJECTS_BETWEEN_LOOKS = 50_000
_INTERRUPTED = 130  # the exit code that a shell has for what Ctrl-C ended


def main() -> None:
    """
    Run the command that the arguments name.

    :raises SystemExit: with its exit code, unless that is 0
    """
    try:
        _run()
    except KeyboardInterrupt as error:
        sys.stderr.write("Interrupted.\n")
        sys.exit(128 + error.args[0] if error.args else _INTERRUPTED)


def _run() -> None:
    # What is imported here takes its time, in which Ctrl-C may come.
    import signal  # noqa: PLC0415

    # Until there is a command, nothing is to be undone; and an exception that is raised while a
    # class is made can come out as another one, or as none.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, _end_at_once)

    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal can't show is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    from django.core import exceptions, management  # noqa: PLC0415

    class Utility(management.ManagementUtility):
        def fetch_command(self, subcommand: str) -> management.BaseCommand:
            command = super().fetch_command(subcommand)
            if is_heard:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            return command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")
    try:
        Utility(sys.argv).execute()
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


def _end_at_once(*_: object) -> None:
    os.write(sys.stderr.fileno(), b"Interrupted.\n")
    os._exit(_INTERRUPTED)
