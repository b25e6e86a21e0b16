"""`manage.py export_readings`: readings as CSV or XLSX, to standard output or a file."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import errno
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import IO, Any, cast

from django.core.management import base as django_base

from etl.management import base
from etl.postgres import transactions
from warehouse import words
from warehouse.queries import listing, sheets


class Command(base.PipelineCommand):
    is_writing = False
    help = "Write readings as CSV or XLSX, with the columns of the view reading_listing."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--mpan", type=base.mpan_core, help="of this MPAN only")
        parser.add_argument("--serial", help="of meters with this serial number only")
        parser.add_argument("--since", type=_date, metavar="YYYY-MM-DD", help="first UK date")
        parser.add_argument("--until", type=_date, metavar="YYYY-MM-DD", help="last UK date")
        parser.add_argument(
            "--format",
            choices=list(sheets.CONTENT_TYPES),
            default="csv",
            help="csv for programs; xlsx for spreadsheets, with the words of codes beside them",
        )
        parser.add_argument("--output", type=pathlib.Path, help="a file; it is replaced when done")

    def handle(self, *args: Any, **options: Any) -> None:
        output: pathlib.Path | None = options["output"]
        if options["format"] == "xlsx" and output is None and sys.stdout.isatty():
            raise base.wrong_usage("XLSX can't be shown on a terminal: name a file with --output.")
        try:
            readings = listing.find(
                mpan_core=options["mpan"],
                serial_number=options["serial"],
                since=options["since"],
                until=options["until"],
            )
        except listing.NoPeriodError as error:
            raise base.wrong_usage(f"{error}.") from error
        blocks = sheets.blocks(listing.listed(readings), file_format=options["format"])
        try:
            with (
                transactions.reading(),
                contextlib.closing(blocks),
                _opened(output) as stream,
            ):
                for block in blocks:
                    stream.write(block)
        except BrokenPipeError:
            # Whoever reads, such as head, has had enough.
            base.stop_printing()
        except OSError as error:
            if output is None:
                base.stop_printing()
            raise django_base.CommandError(
                words.visible(f"{output or 'standard output'} can't be written: {error.strerror}.")
            ) from error


@contextlib.contextmanager
def _opened(output: pathlib.Path | None) -> Iterator[IO[bytes]]:
    if output is None:
        yield cast("IO[bytes]", _Screen()) if sys.stdout.isatty() else sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if output.exists() and not output.is_file():  # a device or a pipe, such as /dev/null
        with output.open("wb") as stream:
            yield stream
        return
    # Never half a file under its name.
    new = output.with_name(f"{output.name}.new-{os.getpid()}")
    try:
        with new.open("wb") as stream:
            yield stream
        new.replace(output)
    finally:
        new.unlink(missing_ok=True)


class _Screen:
    """A terminal, which the names in what it shows should not steer."""

    def write(self, block: bytes) -> None:
        lines = block.decode(errors="backslashreplace").split("\n")
        sys.stdout.write("\n".join(map(words.visible, lines)))


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a date: expected YYYY-MM-DD") from None
