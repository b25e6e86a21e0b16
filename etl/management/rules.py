"""The arguments that say what of a file is accepted."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from typing import Any

from etl.domain import flows
from etl.usecases import stage


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--strict",
        action="store_true",
        help="reject a file completely if any of its lines would be rejected",
    )
    parser.add_argument(
        "--accept-test-files",
        action="store_true",
        help="load files whose test flag is not OPER",
    )
    parser.add_argument(
        "--accept-wrong-counts",
        action="store_true",
        help="load files whose trailer counts other lines, or names another file id",
    )
    parser.add_argument(
        "--accept-reused-file-ids",
        action="store_true",
        help="load other content under a file id that its sender has used before",
    )


def of(options: Mapping[str, Any], *, takes: Collection[str] = tuple(flows.KNOWN)) -> stage.Rules:
    return stage.Rules(
        takes=takes,
        is_strict=options["strict"],
        accept_test_files=options["accept_test_files"],
        accept_wrong_counts=options["accept_wrong_counts"],
        accept_reused_file_ids=options["accept_reused_file_ids"],
    )
