"""`manage.py reconcile`: account for every line of every file."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from etl.intake import sources
from etl.management import base
from etl.usecases import reconcile
from warehouse import audits, words


COLUMNS = (
    ("lines", "line_count"),
    ("points", "meter_point_line_count"),
    ("meters", "meter_line_count"),
    ("readings", "reading_count"),
    ("results", "validation_result_count"),
    ("visits", "site_visit_count"),
    ("rejected", "rejected_line_count"),
    ("blank", "blank_line_count"),
    ("forgotten", "forgotten_line_count"),
    ("lost", "unaccounted_line_count"),
)


class Command(base.PipelineCommand):
    is_writing = False
    help = "Prove that nothing was lost: account for every line, and compare rows with lines."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--file",
            metavar="NAME|SHA",
            help="one file, by its name, or by six or more digits that its SHA-256 begins with",
        )

        parser.add_argument(
            "--deep",
            action="store_true",
            help="judge all lines once more, too, and compare what is found with their issues;"
            " takes several times as long, and a server that takes changes",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name: str | None = options["file"]
        try:
            result = reconcile.reconcile(
                name_or_sha256=name and sources.storable(name), is_deep=options["deep"]
            )
        except reconcile.UnknownFileError as error:
            raise base.wrong_usage(f"{error}.") from error

        names = {account.id: words.visible(account.file_name) for account in result.accounts}
        names[reconcile.ALL_FILES] = "all files"
        self.print("".join(f"{title:>10}" for title, _ in COLUMNS) + "  file")
        for account in result.accounts:
            numbers = "".join(f"{getattr(account, field):>10,}" for _, field in COLUMNS)
            remark = f" ({account.status.lower()}{', purged' if account.is_purged else ''})"
            self.print(f"{numbers}  {names[account.id]}{remark.replace('_', ' ')}")
        for difference in result.differences:
            name = names.get(difference.flow_file_id, f"flow file {difference.flow_file_id}")
            self.print(
                f"{name}: {difference.what}: expected {difference.expected:,},"
                f" found {difference.found:,}"
            )
        self._tell_what_is_forgotten(result.forgotten)
        lost = sum(account.unaccounted_line_count != 0 for account in result.accounts)
        self.print(
            f"{base.counted(len(result.accounts), 'file')}, {lost:,} with lines unaccounted for,"
            f" {base.counted(len(result.differences), 'difference')}"
        )
        if lost or result.differences:
            raise SystemExit(1)

    def _tell_what_is_forgotten(self, forgotten: Sequence[audits.ForgottenMeterPoint]) -> None:
        by_day = itertools.groupby(
            forgotten, key=lambda one: timezone.localtime(one.forgotten_at).date()
        )
        for day, tombstones in by_day:
            stones = list(tombstones)
            lines = sum(stone.line_count for stone in stones)
            files = sum(stone.file_count for stone in stones)
            self.print(
                f"{base.counted(len(stones), 'meter point')} forgotten on {day}:"
                f" {base.counted(lines, 'line')} of {base.counted(files, 'file')}"
            )
