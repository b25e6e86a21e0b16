"""What is stored before files are loaded: databases that are filled once, and copies of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from tests.benchmarks.loading import bench, fill, processes
from tests.benchmarks.sweep import files


REAL_FILES = 2
# What files may add to a copy before the next one is loaded into a new copy.
_ADDED_SHARE = 0.1

_SIZES = """
    SELECT relname, pg_total_relation_size(oid)
    FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_FORGET = (
    "DELETE FROM line_issue WHERE flow_file_id = %(id)s",
    "DELETE FROM delivery WHERE flow_file_id = %(id)s",
    "DELETE FROM flow_file WHERE id = %(id)s",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Store:
    """
    So many staged lines, with their readings.

    They are whole files of 1,000,000 readings, or one of less. Two are really loaded, so that
    lines and statistics lie as a loader leaves them; the others repeat the first.
    """

    lines: int
    readings_of_full_file: int = 1_000_000

    @property
    def readings_a_file(self) -> int:
        readings = self.lines * 10 // 24
        return min(readings - readings % files.READINGS_A_CYCLE, self.readings_of_full_file)

    @property
    def file_count(self) -> int:
        return round(self.lines / files.lines(self.readings_a_file)) if self.lines else 0

    def with_files(self, count: int) -> Store:
        """Return the store of so many files of this size."""
        lines = count * files.lines(self.readings_a_file)
        return dataclasses.replace(self, lines=lines)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Growth:
    """What loading one file added to each table, in bytes with indexes, once vacuumed."""

    checkout: str
    readings: int
    meters: str
    tables: Mapping[str, int]


class Stores:
    """Makes the stores that are asked for, each once for each checkout."""

    def __init__(self, laboratory: bench.Bench, written: files.Files) -> None:
        self._bench = laboratory
        self._files = written
        self.growths: list[Growth] = []

    @functools.cache  # noqa: B019 - one sweep a process
    def template(self, checkout: processes.Checkout, store: Store) -> str:
        name = f"{checkout.name}_{store.lines}_lines"
        if not store.file_count:
            make = functools.partial(self._migrate, checkout)
            return self._bench.template(name, base="template1", make=make)
        if store.file_count <= REAL_FILES:
            base = self.template(checkout, store.with_files(store.file_count - 1))
            make = functools.partial(self._load, checkout, store)
            return self._bench.template(name, base=base, make=make)
        base = self.template(checkout, store.with_files(REAL_FILES))
        make = functools.partial(self._repeat, store)
        return self._bench.template(name, base=base, make=make)

    def _migrate(self, checkout: processes.Checkout, database: str) -> None:
        self._bench.run_product(database, "migrate", "--verbosity=0", checkout=checkout)

    def _load(self, checkout: processes.Checkout, store: Store, database: str) -> None:
        lot = files.Lot(count=1, readings=store.readings_a_file, first_cycle=0)
        folder = self._files.write(lot, day=store.file_count - 1)
        before = self._table_sizes(database)
        self._bench.run_product(database, "load_d0010", folder, checkout=checkout)
        files.remove(folder)
        after = self._table_sizes(database)
        self.growths.append(
            Growth(
                checkout=checkout.name,
                readings=lot.readings,
                meters="new" if store.file_count == 1 else "known",
                tables={table: after[table] - before[table] for table in after},
            )
        )

    def _repeat(self, store: Store, database: str) -> None:
        readings = store.file_count * store.readings_a_file
        fill.repeat_stored(self._bench, database, readings=readings, lines=files.lines(readings))

    def _table_sizes(self, database: str) -> Mapping[str, int]:
        with self._bench.connect(database) as connection:
            connection.execute("VACUUM")
            return dict(connection.execute(_SIZES).fetchall())


class WorkingCopy:
    """
    A copy of a store that takes file after file, until they have changed it too much.

    A copy for each file would take longer than the file.
    """

    def __init__(self, laboratory: bench.Bench, template: str, store: Store) -> None:
        self._bench = laboratory
        self._template = template
        self._room = _ADDED_SHARE * store.lines
        self._left = -1.0
        self._database: str | None = None

    def with_room_for(self, lines: int) -> str:
        """Return the database, made anew if so many lines more would be too many."""
        if self._database is None or lines > self._left:
            self.drop()
            self._database = self._bench.copy(self._template)
            self._left = self._room
        self._left -= lines
        return self._database

    def drop(self) -> None:
        if self._database is not None:
            self._bench.drop(self._database)
            self._database = None


def vacuum(laboratory: bench.Bench, database: str) -> None:
    """Do what autovacuum would have done by the next day."""
    with laboratory.connect(database) as connection:
        connection.execute("VACUUM (ANALYZE)")


def loaded_readings(laboratory: bench.Bench, database: str, *, file_count: int) -> int:
    """Return how many readings of the latest files are loaded; those that failed have none."""
    with laboratory.connect(database) as connection:
        row = connection.execute(
            "SELECT sum(reading_count) FROM ("
            " SELECT reading_count, status FROM flow_file ORDER BY id DESC LIMIT %s"
            ") AS latest WHERE status = 'LOADED'",
            [file_count],
        ).fetchone()
    return int(row[0] or 0) if row else 0


def forget_pending(laboratory: bench.Bench, database: str) -> None:
    """Delete files that are staged and no more, since their transform was stopped."""
    with laboratory.connect(database) as connection:
        pending = connection.execute("SELECT id FROM flow_file WHERE status = 'STAGED'").fetchall()
        for (flow_file_id,) in pending:
            raw_lines = f"DELETE FROM {fill.raw_lines(connection)} WHERE id >> 32 = %(id)s"  # noqa: S608 - one of two names
            for statement in (raw_lines, *_FORGET):
                connection.execute(statement.encode(), {"id": flow_file_id})
