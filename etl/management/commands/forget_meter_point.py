"""`manage.py forget_meter_point`: erase a meter point for ever."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management import base as django_base
from django.utils import timezone

from etl.intake import sources
from etl.management import base
from etl.usecases import forget
from warehouse import words


class Command(base.PipelineCommand):
    help = "Erase everything stored about a meter point; a tombstone records who did it and why."
    stored = "nothing"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("mpan", type=base.mpan_core, help="the MPAN to forget")
        parser.add_argument(
            "--reason", required=True, help="why; it is kept: do not name the MPAN"
        )
        parser.add_argument("--by", help="who; the account of the system, if not given")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        mpan_core: str = options["mpan"]
        forgotten_by = options["by"] or base.account()
        if not options["yes"]:
            _confirm(mpan_core)
        try:
            forgotten = forget.forget_meter_point(
                mpan_core=mpan_core,
                reason=sources.storable(options["reason"]),
                forgotten_by=sources.storable(forgotten_by),
                forgotten_at=timezone.now(),
            )
        except forget.UnknownMeterPointError as error:
            raise base.wrong_usage(f"{error}.") from error
        except forget.PendingFileError as error:
            raise django_base.CommandError(words.visible(f"{error}."), returncode=1) from error
        self.print(
            f"Meter point {mpan_core} is forgotten: {base.counted(forgotten.line_count, 'line')}"
            f" of {base.counted(forgotten.file_count, 'file')}"
        )


def _confirm(mpan_core: str) -> None:
    if not sys.stdin.isatty():
        raise base.wrong_usage("There is no terminal to ask on: use --yes if you mean it.")
    answer = input(
        f"Everything stored about meter point {mpan_core} will be erased. This can't be undone."
        " Type the MPAN once more to go on: "
    )
    if answer.strip() != mpan_core:
        raise django_base.CommandError("Nothing is forgotten.", returncode=1)
