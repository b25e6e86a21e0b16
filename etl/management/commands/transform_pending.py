"""`manage.py transform_pending`: finish what was only staged."""

from __future__ import annotations

import argparse
from typing import Any

from django.utils import timezone

from etl.management import base
from etl.usecases import transform


class Command(base.PipelineCommand):
    help = "Finish files that are only staged, after --stage-only or a crash."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object a file")
        self.add_log_format(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        reports = transform.transform_pending(transformed_at=timezone.now())
        self.print_reports(reports, as_json=options["json"])
