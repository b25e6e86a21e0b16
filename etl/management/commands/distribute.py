"""`manage.py distribute`: spread the tables of readings over a Citus cluster."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management import base as django_base

from etl.management import base
from etl.usecases import distribute


MOST_SHARDS = 1_024


class Command(base.PipelineCommand):
    help = "Spread the tables of readings over the machines of a Citus cluster; safe to repeat."
    stored = "nothing"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--shards",
            type=_shards,
            metavar="N",
            help="parts of each table; 8 for one or two workers and 32 for more, if not given",
        )
        parser.add_argument(
            "--move-data",
            action="store_true",
            help="also move tables of more than 1 GiB, while which nobody can read or write",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = distribute.distribute(
                shard_count=options["shards"], is_moving=options["move_data"]
            )
        except distribute.UnfitClusterError as error:
            raise django_base.CommandError(f"{error}.", returncode=1) from error
        self.print(
            f"{base.counted(done.table_count, 'table')} of readings are spread over"
            f" {base.counted(done.worker_count, 'worker')}, in"
            f" {base.counted(done.shard_count, 'shard')} each"
        )


def _shards(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST_SHARDS):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of shards: expected 1 to {MOST_SHARDS:,}"
        )
    return int(text)
