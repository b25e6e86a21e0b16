"""`manage.py load_d0010`: stage D0010 files and turn them into readings."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NoReturn

import tqdm
from django.utils import timezone

from etl.intake import paths, sources
from etl.management import base, rules
from etl.usecases import load


class Command(base.PipelineCommand):
    help = "Load D0010 flow files: each whole or not at all, and each content once."
    takes: Collection[str] = ("D0010",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "paths",
            nargs="+",
            metavar="PATH",
            help="a file (gzip is unpacked), a directory, a quoted glob, or - for standard input",
        )
        parser.add_argument(
            "--batch",
            action="store_true",
            help="stage and transform many files together, so that each costs less",
        )
        parser.add_argument(
            "--stage-only",
            action="store_true",
            help="keep the raw lines only; transform_pending does the rest",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="report what would happen to the files, and store nothing",
        )
        rules.add(parser)
        parser.add_argument(
            "--follow-links",
            action="store_true",
            help="as root, also read links in a folder that lead out of it to files of another"
            " owner",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object a file")
        self.add_log_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = paths.find(options["paths"], follows_links=options["follow_links"])
        for note in found.notes:
            self.note(note)
        account = base.account()
        with _shown_progress(found.paths) as on_progress:
            reports = load.load_files(
                arrivals=[sources.Arrival(path=path, brought_by=account) for path in found.paths],
                rules=rules.of(options, takes=self.takes),
                delivered_at=timezone.now(),
                in_batch=options["batch"],
                stage_only=options["stage_only"],
                is_dry_run=options["dry_run"],
                on_progress=on_progress,
            )
            # Closed here whatever happens, since it has a thread to end.
            with contextlib.closing(reports):
                self.print_reports(reports, as_json=options["json"], is_dry_run=options["dry_run"])


@contextlib.contextmanager
def _shown_progress(to_load: Sequence[str]) -> Iterator[Callable[[int, int], object]]:
    """Show bytes, lines a second and time left on standard error, if that is a terminal."""
    lines = 0
    since = time.monotonic()
    bar: tqdm.tqdm[NoReturn] = tqdm.tqdm(unit="B", unit_scale=True, leave=False, disable=None)
    if bar.disable:
        yield lambda _byte_count, _line_count: None
        return
    bar.total = sum(map(_size, to_load))

    def advance(byte_count: int, line_count: int) -> None:
        nonlocal lines
        lines += line_count
        rate = lines / max(time.monotonic() - since, 0.001)
        bar.set_postfix_str(f"{rate:,.0f} lines/s", refresh=False)
        bar.update(byte_count)

    with bar:
        yield advance


def _size(path: str) -> int:
    try:
        return pathlib.Path(path).stat().st_size
    except OSError:
        return 0
