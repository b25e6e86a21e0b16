"""Prove that nothing was lost: every line of every file is accounted for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from etl.postgres import staged_lines, steps
from etl.usecases import transform
from warehouse import models


_SHORTEST_HASH = 6
_SHOWN_HASH = 12
_MOST_TOLD = 10


class UnknownFileError(Exception):
    """No flow file has this name or hash, or more than one has."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """What became of one file's lines; `unaccounted_line_count` is zero where all are found."""

    id: int
    file_name: str
    status: str
    is_purged: bool
    line_count: int
    meter_point_line_count: int
    meter_line_count: int
    reading_count: int
    validation_result_count: int
    site_visit_count: int
    rejected_line_count: int
    blank_line_count: int
    unaccounted_line_count: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """Something of one file that is not as it should be."""

    flow_file_id: int
    what: str
    expected: int
    found: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """The account of each file, and the differences that were found."""

    accounts: Sequence[Account]
    differences: Sequence[Difference]


def reconcile(*, name_or_sha256: str | None = None) -> Reconciliation:
    """
    Compare files, raw lines and warehouse, as they stand at one moment.

    :raises UnknownFileError: if a name or the beginning of a hash is given that no file has, or
        that several have; nothing is compared then
    """
    accounts: list[Account] = []
    differences: list[Difference] = []
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # The files that come meanwhile are not looked at by some statements alone.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Sets are compared as sets. A planner that knows nothing of a table yet expects next
            # to no rows, and would go through all issues anew for each line.
            cursor.execute("SET LOCAL enable_nestloop = off")
        for parameters in _ranges(_chosen_ids(name_or_sha256)):
            accounts += [Account(**row) for row in steps.run_reconcile(steps.LEDGER, parameters)]
            differences += [
                Difference(**row)
                for name in steps.COMPARISONS
                for row in steps.run_reconcile(name, parameters)
            ]
    return Reconciliation(accounts=accounts, differences=differences)


def _chosen_ids(name_or_sha256: str | None) -> Sequence[int] | None:
    if name_or_sha256 is None:
        return None
    files = models.FlowFile.objects.order_by("id")
    is_of_name = Q(file_name=name_or_sha256) | Q(deliveries__file_name=name_or_sha256)
    chosen = list(files.filter(is_of_name).distinct()[: _MOST_TOLD + 1])
    is_hash = re.fullmatch(f"[0-9A-Fa-f]{{{_SHORTEST_HASH},}}", name_or_sha256)
    if not chosen and is_hash:
        of_hash = files.filter(sha256__startswith=name_or_sha256.lower())
        chosen = list(of_hash[: _MOST_TOLD + 1])
    if not chosen:
        raise UnknownFileError(
            f"no flow file has the name or SHA-256 '{name_or_sha256}': expected the name of one"
            f" as it came, or the first {_SHORTEST_HASH} or more digits of its SHA-256"
        )
    if len(chosen) > 1:
        raise UnknownFileError(_several(name_or_sha256, chosen))
    return [chosen[0].pk]


def _several(name_or_sha256: str, chosen: Sequence[models.FlowFile]) -> str:
    told = [
        f"{flow_file.sha256[:_SHOWN_HASH]} ({flow_file.deliveries.earliest('id').path})"
        for flow_file in chosen[:_MOST_TOLD]
    ]
    more = " and more" * (len(chosen) > _MOST_TOLD)
    return (
        f"several flow files have the name or SHA-256 '{name_or_sha256}': {', '.join(told)}{more};"
        " name one by its SHA-256"
    )


def _ranges(chosen: Sequence[int] | None) -> Sequence[Mapping[str, Any]]:
    ranges = (
        [(0, 2**63 - 1)]
        if chosen is None
        else [staged_lines.line_ids(flow_file_id) for flow_file_id in chosen]
    )
    return [
        {"first_line_id": first, "last_line_id": last, "time_zone": transform.TIME_ZONE}
        for first, last in ranges
    ]
