"""`manage.py purge_staged_lines`: drop raw lines of files loaded whole and long ago."""

from __future__ import annotations

import argparse
import datetime
import re
from typing import Any

from django.utils import timezone

from etl.management import base
from etl.usecases import purge
from warehouse import words


class Command(base.PipelineCommand):
    help = "Delete old raw lines of files that loaded completely; readings and warnings stay."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=_age, required=True, metavar="90d", help="days, such as 90d"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        age: datetime.timedelta = options["older_than"]
        files = lines = 0
        for purged in purge.purge_staged_lines(
            loaded_before=now - age, purged_at=now, is_dry_run=options["dry_run"]
        ):
            files += 1
            lines += purged.line_count
            self.print(
                f"{words.visible(purged.file_name)}: {base.counted(purged.line_count, 'line')}"
            )
        verb = "would be dropped" if options["dry_run"] else "dropped"
        self.print(f"{base.counted(lines, 'raw line')} of {base.counted(files, 'file')} {verb}")


def _age(text: str) -> datetime.timedelta:
    days = re.fullmatch(r"(\d{1,5})d", text)
    if days is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not an age: expected days, such as 90d")
    return datetime.timedelta(days=int(days[1]))
