"""`manage.py reconcile`: account for every line of every file."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management import base as django_base

from etl.intake import sources
from etl.management import base
from etl.usecases import reconcile


COLUMNS = (
    ("lines", "line_count"),
    ("points", "meter_point_line_count"),
    ("meters", "meter_line_count"),
    ("readings", "reading_count"),
    ("results", "validation_result_count"),
    ("visits", "site_visit_count"),
    ("rejected", "rejected_line_count"),
    ("blank", "blank_line_count"),
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

    def handle(self, *args: Any, **options: Any) -> None:
        name: str | None = options["file"]
        try:
            result = reconcile.reconcile(name_or_sha256=name and sources.storable(name))
        except reconcile.UnknownFileError as error:
            raise django_base.CommandError(
                base.printable(f"{error}."), returncode=base.WRONG_USAGE
            ) from error

        names = {account.id: base.printable(account.file_name) for account in result.accounts}
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
        lost = sum(account.unaccounted_line_count != 0 for account in result.accounts)
        self.print(
            f"{base.counted(len(result.accounts), 'file')}, {lost:,} with lines unaccounted for,"
            f" {base.counted(len(result.differences), 'difference')}"
        )
        if lost or result.differences:
            raise SystemExit(1)
