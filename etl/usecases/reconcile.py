"""Prove that nothing was lost: every line of every file is accounted for."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from etl.domain import lines
from etl.postgres import staged_lines, steps
from etl.usecases import transform
from warehouse import keys, models


_LAST_FILE_ID = 2**31 - 1
_FILES_A_CHUNK = 1_000  # of those whose raw lines are read again
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
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # The files that come meanwhile are not looked at by some statements alone.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        first, last = _chosen_files(name_or_sha256)
        parameters = _parameters(first, last)
        accounts = [Account(**row) for row in steps.run_reconcile(steps.LEDGER, parameters)]
        differences = [
            Difference(**row)
            for name in steps.COMPARISONS
            for row in steps.run_reconcile(name, parameters)
        ]
        differences += _replay(first, last)
    return Reconciliation(accounts=accounts, differences=differences)


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


def _parameters(first_file_id: int, last_file_id: int) -> Mapping[str, Any]:
    first_stretch, last_stretch = staged_lines.stretches(first_file_id, last_file_id)
    return {
        "first_file_id": first_file_id,
        "last_file_id": last_file_id,
        "first_line_id": staged_lines.line_ids(first_file_id)[0],
        "last_line_id": staged_lines.line_ids(last_file_id)[1],
        "first_stretch": first_stretch,
        "last_stretch": last_stretch,
        "time_zone": transform.TIME_ZONE,
        "blanks": keys.BLANKS,
    }


def _replay(first_file_id: int, last_file_id: int) -> Iterator[Difference]:
    """
    Read the raw lines once more, for the hash of the file and for what each line takes.

    By the code that staged them, which is what it proves: that nothing was changed since.
    """
    files = models.FlowFile.objects.filter(
        id__range=(first_file_id, last_file_id),
        status__in=models.ACCEPTED_STATUSES,
        purged_at=None,
    )
    after = first_file_id - 1
    while True:
        chunk = files.filter(id__gt=after).order_by("id").only("sha256", "encoding")
        replayed = {flow_file.pk: _Replay(flow_file) for flow_file in chunk[:_FILES_A_CHUNK]}
        if not replayed:
            return
        first, after = min(replayed), max(replayed)
        for rows in staged_lines.stored(*staged_lines.stretches(first, after)):
            for flow_file_id, run in itertools.groupby(rows, key=_flow_file_id):
                if flow_file_id in replayed:
                    replayed[flow_file_id].read(list(run))
        for replay in replayed.values():
            yield from replay.differences()


def _flow_file_id(row: str) -> int:
    return int(row[: row.index("\t")]) >> 32


class _Replay:
    """One file, staged again by what is kept of it."""

    def __init__(self, flow_file: models.FlowFile) -> None:
        self._file = flow_file
        self._hash = hashlib.sha256()
        self._positions = lines.Positions()
        self._first_wrong = self._wrong_count = 0

    def read(self, rows: Sequence[str]) -> None:
        ids = [int(row[: row.index("\t")]) for row in rows]
        payloads = [row.split("\t", 1 + len(staged_lines.PLACE))[-1] for row in rows]
        for start, end in _runs(ids):
            placed = self._positions.place(payloads[start:end], first_id=ids[start])
            for (line_id, place, payload), row in zip(placed, rows[start:end], strict=True):
                if row != f"{line_id}\t{place}\t{payload}":
                    self._first_wrong = self._first_wrong or line_id & 0xFFFF_FFFF
                    self._wrong_count += 1
        text = lines.sent("\n".join([*payloads, ""]))
        self._hash.update(text.encode(self._file.encoding, errors="replace"))

    def differences(self) -> Iterator[Difference]:
        if self._wrong_count:
            yield self._difference(
                "raw lines that take something else from those above, first at line"
                f" {self._first_wrong}",
                self._wrong_count,
            )
        if self._hash.hexdigest() != self._file.sha256:
            yield self._difference("raw lines do not give the hash of the file", 1)

    def _difference(self, what: str, found: int) -> Difference:
        return Difference(flow_file_id=self._file.pk, what=what, expected=0, found=found)


def _runs(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last place of lines that follow one another; blank ones are not kept."""
    start = 0
    for place in range(1, len(ids) + 1):
        if place == len(ids) or ids[place] != ids[place - 1] + 1:
            yield start, place
            start = place
