"""Prove that nothing was lost or changed: every line of every file is accounted for."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q

from etl.postgres import background, steps, transactions, work_tables
from etl.usecases import differences, digests, judging_again, raw_lines
from warehouse import audits, models


ALL_FILES = 0  # instead of the id of one
_LAST_FILE_ID = 2**31 - 1
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
    forgotten_line_count: int
    unaccounted_line_count: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """The account of each file, and the differences that were found."""

    accounts: Sequence[Account]
    differences: Sequence[differences.Difference]
    forgotten: Sequence[audits.ForgottenMeterPoint]


def reconcile(*, name_or_sha256: str | None = None, is_deep: bool = False) -> Reconciliation:
    """
    Compare files, raw lines and warehouse, as they stand at one moment.

    A deep one also judges all lines once more, and compares what it finds with the issues.

    :raises UnknownFileError: if a name or the beginning of a hash is given that no file has, or
        that several have; nothing is compared then
    """
    # On a cluster a statement may lay issues beside their lines, and take them away again.
    look = functools.partial(
        transactions.look_at_one_moment, is_only_reading=not work_tables.are_there()
    )
    with background.Background() as other_connection, transactions.reading():
        # The files that come meanwhile are not looked at by some statements alone.
        look()
        first, last = _chosen_files(name_or_sha256)
        parameters = differences.parameters(first, last)
        accounts = [Account(**row) for row in steps.run_reconcile(steps.LEDGER, parameters)]
        compare = functools.partial(
            _compare_tables, parameters=parameters, is_of_all=name_or_sha256 is None
        )
        lines = raw_lines.compare(first, last)
        line_count = sum(account.line_count for account in accounts)
        if line_count < steps.LINES_WORTH_A_SCAN:
            found = [*itertools.chain(*map(compare, steps.COMPARISONS)), *lines]
        else:
            found = _compare_side_by_side(other_connection, look, compare, lines)
        found += digests.compare(first, last)
        forgotten = audits.ForgottenMeterPoint.objects.order_by("id")
        meant = list(forgotten) if name_or_sha256 is None else []
        if name_or_sha256 is None:
            found += _compare_tombstones(accounts, meant)
    if is_deep:
        found += judging_again.compare(first, last)
    return Reconciliation(accounts=accounts, differences=found, forgotten=meant)


_Compare = Callable[[str], Sequence[differences.Difference]]


def _compare_side_by_side(
    other_connection: background.Background,
    look: Callable[[str], None],
    compare: _Compare,
    lines: Iterator[differences.Difference],
) -> list[differences.Difference]:
    """Compare tables on another connection beside the lines; help with the last of them then."""
    look_there = functools.partial(look, transactions.moment())
    compare_there = functools.partial(_compare_there, look_there, compare)
    others = {
        name: other_connection.submit(functools.partial(compare_there, name))
        for name in steps.COMPARISONS
    }
    of_lines = list(lines)
    own = {
        name: compare(name)
        for name in reversed(steps.COMPARISONS)
        if others[name].cancel()  # it was not begun
    }
    found = [own[name] if name in own else others[name].result() for name in steps.COMPARISONS]
    return [*itertools.chain(*found), *of_lines]


def _compare_there(
    look: Callable[[], None], compare: _Compare, name: str
) -> Sequence[differences.Difference]:
    with transactions.reading():
        look()
        return compare(name)


def _compare_tables(
    name: str, *, parameters: Mapping[str, Any], is_of_all: bool
) -> Sequence[differences.Difference]:
    rows = steps.run_reconcile(name, parameters, is_of_all=is_of_all)
    return [differences.Difference(**row) for row in rows]


def _compare_tombstones(
    accounts: Sequence[Account], tombstones: Sequence[audits.ForgottenMeterPoint]
) -> Sequence[differences.Difference]:
    expected = sum(tombstone.line_count for tombstone in tombstones)
    found = sum(account.forgotten_line_count for account in accounts)
    if expected == found:
        return []
    what = "forgotten lines of which a tombstone tells"
    return [
        differences.Difference(flow_file_id=ALL_FILES, what=what, expected=expected, found=found)
    ]


def _chosen_files(name_or_sha256: str | None) -> tuple[int, int]:
    """Return the ids of the first and the last file to look at."""
    if name_or_sha256 is None:
        return 0, _LAST_FILE_ID
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
    return chosen[0].pk, chosen[0].pk


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
