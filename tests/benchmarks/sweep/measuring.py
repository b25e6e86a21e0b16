"""Measures each size in each store by each checkout, in turns: a machine has slow minutes."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import re
from collections.abc import Iterator, Sequence

from tests.benchmarks.loading import bench, processes
from tests.benchmarks.sweep import figures, files, stores


PENDING, RECONCILE = "transform_pending", "reconcile --file"
PAGES = ("flow file page", "list of a file's readings", "raw line page")
ALSO = ("pending", "reconcile", "pages")  # what follows a file that is loaded alone
_SMALL = 5_000  # readings, in so little time that a round has several such files
_TIMES_A_PAGE = 5
_PAGES_SCRIPT = pathlib.Path(__file__).with_name("pages.py")
_PAGE = re.compile(r"^(?P<name>.+): (?P<seconds>[\d.]+) s$", re.MULTILINE)
_DAYS_STORED = 2  # of real files, see stores.py

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What is swept."""

    sizes: Sequence[int] = (13, 100, 300, 1_000, 2_000, 5_000, 20_000, 100_000, 1_000_000)
    stores: Sequence[int] = (0, 2_400_000, 4_800_000, 50_000_000)  # staged lines
    batches: Sequence[int] = (1, 10, 100, 1_000)  # files
    meters: Sequence[str] = ("known", "new")
    also: Sequence[str] = ALSO
    rounds: int = 3
    small_files_a_round: int = 3
    most_in_batch: int = 1_000_000  # readings
    time_limit: float = 120  # seconds for each command
    by_cpu: bool = False

    def shapes(self) -> Iterator[Shape]:
        """Yield each size alone, then as batches; a batch of one file shows what it costs more."""
        for readings in self.sizes:
            yield Shape(count=1, readings=readings, in_batch=False)
        for count in self.batches:
            for readings in self.sizes:
                if count * readings <= self.most_in_batch:
                    yield Shape(count=count, readings=readings, in_batch=True)


QUICK = Plan(
    sizes=(13, 300, 2_000, 20_000),
    stores=(0, 480_000),
    batches=(10,),
    rounds=1,
    small_files_a_round=1,
    most_in_batch=20_000,
    time_limit=20,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """So many files of one size, loaded by one command."""

    count: int
    readings: int
    in_batch: bool

    @property
    def what(self) -> str:
        return f"batch of {self.count:,}" if self.in_batch else figures.LOAD


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit:
    """What a checkout is to load into a store in one round, and what was written for it."""

    shape: Shape
    store: stores.Store
    meters: str
    to_load: pathlib.Path
    to_prepare: pathlib.Path | None = None  # so that the meters are known
    to_stage: pathlib.Path | None = None
    also: Sequence[str] = ()
    lines: int  # of all these

    def curve(self, checkout: processes.Checkout, what: str) -> figures.Curve:
        return figures.Curve(
            checkout=checkout.name, what=what, meters=self.meters, stored=self.store.lines
        )


class Visits:
    """Writes what is to be loaded, anew for each turn."""

    def __init__(self, plan: Plan, written: files.Files) -> None:
        self._plan = plan
        self._written = written
        self.stores = [stores.Store(lines=lines) for lines in plan.stores]

    def of(self, shape: Shape) -> Iterator[tuple[Visit, int]]:
        """Yield what to load, and the turn; who goes first in a turn goes last in the next."""
        is_small = not shape.in_batch and shape.readings <= _SMALL
        loads = self._plan.small_files_a_round if is_small else 1
        for turn in range(self._plan.rounds * loads):
            also = () if shape.in_batch or turn % loads else self._plan.also
            for meters in self._plan.meters:
                for store in self.stores[:: -1 if turn % 2 else 1]:
                    yield self._visit(store, shape, meters, turn, also), turn

    def _visit(
        self, store: stores.Store, shape: Shape, meters: str, turn: int, also: Sequence[str]
    ) -> Visit:
        lot = stored = None
        if meters == "known":
            stored = lot = self._written.of_known_meters(
                count=shape.count,
                readings=shape.readings,
                stored=store.readings_a_file,
                turn=turn,
            )
        lot = lot or self._written.of_new_meters(count=shape.count, readings=shape.readings)
        is_to_prepare = meters == "known" and stored is None
        next_lot = (
            lot
            if meters == "known"
            else self._written.of_new_meters(count=shape.count, readings=shape.readings)
        )
        day = _DAYS_STORED + 2 * turn if meters == "known" else 0
        is_to_stage = "pending" in also
        return Visit(
            shape=shape,
            store=store,
            meters=meters,
            to_load=self._written.write(lot, day=day),
            to_prepare=self._written.write(lot, day=0) if is_to_prepare else None,
            to_stage=self._written.write(next_lot, day=day + 1) if is_to_stage else None,
            also=also,
            lines=files.lines(lot.total) * (1 + is_to_prepare + is_to_stage),
        )


class Sweep:
    """Runs a plan with each of the checkouts, and keeps the figures."""

    def __init__(
        self, laboratory: bench.Bench, plan: Plan, checkouts: Sequence[processes.Checkout]
    ) -> None:
        self._bench = laboratory
        self._plan = plan
        self._checkouts = checkouts
        written = files.Files(laboratory.folder)
        self._visits = Visits(plan, written)
        self.stores = stores.Stores(laboratory, written)
        self.figures = figures.Figures()

    def run(self) -> Iterator[None]:
        """
        Measure all that is planned, and pause after each size.

        :raises BenchmarkError: if a command fails, or does not load what it is given
        """
        copies = {
            (checkout, store): stores.WorkingCopy(
                self._bench, self.stores.template(checkout, store), store
            )
            for store in self._visits.stores
            for checkout in self._checkouts
        }
        for shape in self._plan.shapes():
            for visit, turn in self._visits.of(shape):
                for checkout in self._checkouts[:: -1 if turn % 2 else 1]:
                    self._measure(visit, checkout, copies[checkout, visit.store])
                for folder in (visit.to_load, visit.to_prepare, visit.to_stage):
                    if folder is not None:
                        files.remove(folder)
            yield
        for copy in copies.values():
            copy.drop()

    def _measure(
        self, visit: Visit, checkout: processes.Checkout, copy: stores.WorkingCopy
    ) -> None:
        if self.figures.is_too_long(visit.curve(checkout, visit.shape.what), visit.shape.readings):
            return
        database = copy.with_room_for(visit.lines)
        if visit.to_prepare:
            self._run(checkout, database, "load_d0010", "--batch", visit.to_prepare)
            stores.vacuum(self._bench, database)
        if self._load(visit, checkout, database):
            if "reconcile" in visit.also:
                (path,) = visit.to_load.iterdir()
                self._timed(visit, checkout, database, RECONCILE, "reconcile", "--file", path.name)
            if "pages" in visit.also:
                self._open_pages(visit, checkout, database)
        if visit.to_stage:
            self._run(checkout, database, "load_d0010", "--stage-only", visit.to_stage)
            self._timed(visit, checkout, database, PENDING, "transform_pending")

    def _load(self, visit: Visit, checkout: processes.Checkout, database: str) -> bool:
        shape = visit.shape
        options = ["--batch"] if shape.in_batch else []
        if not self._timed(
            visit, checkout, database, shape.what, "load_d0010", *options, visit.to_load
        ):
            return False
        loaded = stores.loaded_readings(self._bench, database, file_count=shape.count)
        if loaded != shape.count * shape.readings:
            raise processes.BenchmarkError(
                f"{checkout.name} loaded {loaded:,} readings of {visit.to_load}, expected"
                f" {shape.count * shape.readings:,}"
            )
        return True

    def _timed(
        self,
        visit: Visit,
        checkout: processes.Checkout,
        database: str,
        what: str,
        *command: object,
    ) -> bool:
        """Run a command and keep the time of its work; tell whether it kept the limit."""
        curve, readings = visit.curve(checkout, what), visit.shape.readings
        if self.figures.is_too_long(curve, readings):
            return False
        try:
            run = self._bench.measure(
                lambda name: self._bench.run_product(
                    name,
                    *command,
                    timed_inside=True,
                    is_logged=False,
                    checkout=checkout,
                    time_limit=self._plan.time_limit,
                ),
                database,
            )
        except processes.TookTooLongError:
            self._keep_too_long(curve, readings)
            stores.forget_pending(self._bench, database)
            return False
        seconds = run.cpu_inside if self._plan.by_cpu else run.inside
        if seconds is None:
            raise processes.BenchmarkError(f"{checkout.name}: {command[0]} did not tell its time")
        self._keep(curve, readings, seconds)
        return True

    def _open_pages(self, visit: Visit, checkout: processes.Checkout, database: str) -> None:
        (path,) = visit.to_load.iterdir()
        try:
            said = self._bench.run(
                [checkout.python, _PAGES_SCRIPT, path.name, _TIMES_A_PAGE],
                database=database,
                root=checkout.root,
                time_limit=self._plan.time_limit,
            ).said
        except processes.TookTooLongError as error:
            said = error.said
        found = {match["name"]: float(match["seconds"]) for match in _PAGE.finditer(said)}
        for name in PAGES:
            curve = visit.curve(checkout, name)
            if name not in found:
                # The others come after it, and nobody knows.
                self._keep_too_long(curve, visit.shape.readings)
                return
            self._keep(curve, visit.shape.readings, found[name])

    def _run(self, checkout: processes.Checkout, database: str, *command: object) -> None:
        self._bench.run_product(database, *command, is_logged=False, checkout=checkout)

    def _keep(self, curve: figures.Curve, readings: int, seconds: float) -> None:
        logger.info("%s: %s, %d readings: %.3f s", curve.checkout, curve, readings, seconds)
        self.figures.add(curve, readings, seconds)

    def _keep_too_long(self, curve: figures.Curve, readings: int) -> None:
        limit = self._plan.time_limit
        logger.info("%s: %s, %d readings: > %g s", curve.checkout, curve, readings, limit)
        self.figures.add_too_long(curve, readings, limit)
