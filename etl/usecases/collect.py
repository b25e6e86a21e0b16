"""Collect what is new at a place, and load it: one pass."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import pathlib
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

from django import db
from django.utils import timezone

from etl import models
from etl.intake import inbox as inboxes
from etl.intake import places, sources
from etl.postgres import claims
from etl.usecases import load, outcomes, stage


# What is fetched before it is loaded: so much lies in the inbox, and so much a kill undoes.
FILES_A_CHUNK = 100
BYTES_A_CHUNK = 64 << 20
_IN_THE_WAREHOUSE = {*outcomes.GOOD, outcomes.Outcome.LOADED_WITH_REJECTIONS}


class After(str, enum.Enum):
    """What becomes of a file at its place once its outcome is stored."""

    LEAVE = "leave"
    MOVE = "move"
    DELETE = "delete"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manner:
    """How to collect; folders are at the place, and relative ones within it."""

    settle: float  # seconds in which a file that is finished does not change
    after: After = After.LEAVE
    moved_to: str = ""
    refused_to: str = ""
    rules: stage.Rules = dataclasses.field(default_factory=stage.Rules)

    def folder_for(self, outcome: str) -> str | None:
        """Return where a file is to be moved, nothing for nowhere, None where it is to stay."""
        if outcome not in _IN_THE_WAREHOUSE:
            return self.refused_to or None
        return {After.LEAVE: None, After.MOVE: self.moved_to, After.DELETE: ""}[self.after]


def collect(
    *,
    place: places.Place,
    inbox: inboxes.Inbox,
    manner: Manner,
    brought_by: str,
    on_note: Callable[[str], object],
) -> Generator[outcomes.FileReport, None, None]:
    """
    Fetch and load the files that were not fetched so far, and yield what became of each.

    A file is fetched again where its size or time is another. What can't be fetched, moved or
    deleted is tried again in the next pass; `on_note` is told of the last two. Beside another
    process that collects there, each file is fetched by one of them. What lies in the inbox though
    its outcome is stored, since a pass was killed in between, is deleted.

    :raises UnavailableError: if the place can't be used; what was fetched by then is loaded
    :raises django.db.OperationalError: if the server goes away
    """
    for key in _outcomes(inbox.keys()):
        inbox.drop(key)
    for chunk in _chunks(_settled(place, manner)):
        by_key = {entry.key(place.name): entry for entry in chunk}
        with claims.claimed(by_key) as mine:
            done = _outcomes(list(mine))
            found = [by_key[key] for key in by_key if key in mine and key not in done]
            visit = _Visit(place, inbox, manner)
            reports = visit.load(found, brought_by)
            done |= visit.stored
            for key, outcome in done.items():
                visit.clear(by_key[key], outcome, on_note)
        yield from reports
        if visit.lost:
            raise visit.lost


class _Visit:
    """Some files of a place, held by this process alone."""

    def __init__(self, place: places.Place, inbox: inboxes.Inbox, manner: Manner) -> None:
        self._place, self._inbox, self._manner = place, inbox, manner
        self.stored: Mapping[str, str] = {}
        self.lost: places.UnavailableError | None = None

    def load(
        self, entries: Sequence[places.Entry], brought_by: str
    ) -> Sequence[outcomes.FileReport]:
        """Fetch them, load what came, and remember what became of it."""
        fetched: dict[str, tuple[places.Entry, pathlib.Path]] = {}
        reports = []
        for entry in entries:
            try:
                path = self._inbox.fetch(self._place, entry)
            except places.UnavailableError as error:  # noqa: PERF203 - one that fails stops no other
                self.lost = error
                break
            except OSError as error:
                reason = error.strerror or str(error)
                reports.append(outcomes.failed(self._path_of(entry), reason))
            else:
                fetched[entry.key(self._place.name)] = entry, path
        arrivals = [
            sources.Arrival(
                path=str(path),
                place=self._path_of(entry),
                origin=self._place.origin,
                brought_by=brought_by,
            )
            for entry, path in fetched.values()
        ]
        loaded = load.load_files(
            arrivals=arrivals,
            rules=self._manner.rules,
            delivered_at=timezone.now(),
            in_batch=True,
            stage_only=False,
            on_progress=lambda _bytes, _lines: None,
        )
        with contextlib.closing(loaded):
            became = list(loaded)
        self._remember(fetched, became, arrivals)
        for key in fetched:
            self._inbox.drop(key)
        return [*reports, *became]

    def _path_of(self, entry: places.Entry) -> str:
        return f"{self._place.name}/{entry.name}"

    def _remember(
        self,
        fetched: Mapping[str, tuple[places.Entry, pathlib.Path]],
        reports: Sequence[outcomes.FileReport],
        arrivals: Sequence[sources.Arrival],
    ) -> None:
        self.stored = {
            key: report.outcome.value
            for key, report, arrival in zip(fetched, reports, arrivals, strict=True)
            if report.sha256 or _is_damaged(arrival)
        }
        models.Fetched.objects.bulk_create(
            [
                models.Fetched(
                    key=key,
                    source=self._place.name,
                    name=sources.storable(fetched[key][0].name),
                    size=fetched[key][0].size,
                    modified_at=fetched[key][0].modified_at,
                    fetched_at=timezone.now(),
                    outcome=outcome,
                )
                for key, outcome in self.stored.items()
            ],
            ignore_conflicts=True,
        )

    def clear(self, entry: places.Entry, outcome: str, on_note: Callable[[str], object]) -> None:
        """Do with the file at its place what is to be done behind this outcome."""
        folder = self._manner.folder_for(outcome)
        if folder is None or self.lost:
            return
        try:
            if self._place.look_at(entry.name) != entry:
                return  # another file by now, for the next pass
            if folder:
                self._place.move(entry, folder)
            else:
                self._place.delete(entry)
        except FileNotFoundError:
            pass
        except OSError as error:
            act = f"moved to {folder}" if folder else "deleted"
            reason = error.strerror or error
            on_note(f"{self._path_of(entry)}: {outcome}, but can't be {act}: {reason}")
        except places.UnavailableError as error:
            self.lost = error


def _settled(place: places.Place, manner: Manner) -> Sequence[places.Entry]:
    """Return what is new and did not change between two looks, and what is still to be cleared."""
    entries = place.entries()
    done = _outcomes([entry.key(place.name) for entry in entries])
    new = {entry for entry in entries if entry.key(place.name) not in done}
    to_clear = [
        entry
        for entry in entries
        if entry not in new and manner.folder_for(done[entry.key(place.name)]) is not None
    ]
    if new:
        time.sleep(manner.settle)
        new.intersection_update(place.entries())
    return sorted([*new, *to_clear], key=lambda entry: entry.name)


def _chunks(entries: Sequence[places.Entry]) -> Iterator[Sequence[places.Entry]]:
    chunk: list[places.Entry] = []
    size = 0
    for entry in entries:
        if chunk and (len(chunk) == FILES_A_CHUNK or size + entry.size > BYTES_A_CHUNK):
            yield chunk
            chunk, size = [], 0
        chunk.append(entry)
        size += entry.size
    if chunk:
        yield chunk


def _outcomes(keys: list[str]) -> dict[str, str]:
    # As one parameter, since a folder may hold very many.
    with db.connection.cursor() as cursor:
        cursor.execute("SELECT key, outcome FROM fetched WHERE key = ANY(%s)", [keys])
        return dict(cursor.fetchall())


def _is_damaged(arrival: sources.Arrival) -> bool:
    """Tell whether a file that failed is at fault itself, and will be at each try."""
    try:
        sources.Source(arrival).close()
    except sources.UnreadableError as error:
        return not isinstance(error.__cause__, OSError)
    return False
