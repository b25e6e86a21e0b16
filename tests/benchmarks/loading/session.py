"""
What the cases share: how contenders are run, and the files and databases they begin with.

All contenders of a case run in turn, as many rounds as asked for; a figure is the median of its
rounds. What the contenders stored is compared each time.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import pathlib
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks import generate
from tests.benchmarks.loading import bench, floors, processes


SAMPLE_READINGS = 13  # those of the real sample
# The meters of case E's files, out of the way of all others.
_FIRST_METER_OF_SAMPLES = 900_000_000

Contender = Callable[[str], processes.Run]

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sizes:
    readings: int = 1_000_000  # of the one file of the cases A, B and F
    rival_readings: int = 50_000  # of the one file of case C
    files: int = 10_000  # of the batch of the cases D and G
    pending_files: int = 2_000  # of case I
    samples: int = 5  # files in a round of the cases E and F, whose loading takes no time
    stored_readings: int = 20_000_000  # before case F
    stored_lines: int = 50_000_000  # before case F


QUICK = Sizes(
    readings=50_000,
    rival_readings=10_000,
    files=500,
    pending_files=200,
    samples=3,
    stored_readings=500_000,
    stored_lines=1_250_000,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """The runs of one contender of a case."""

    case: str
    contender: str
    runs: Sequence[processes.Run]

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def loading(self) -> float:
        return statistics.median(run.inside or 0 for run in self.runs)

    @property
    def transform(self) -> float:
        return statistics.median(run.transform for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(run.cpu_seconds or 0 for run in self.runs)

    @property
    def peak_memory(self) -> int:
        return max(run.peak_memory or 0 for run in self.runs)

    @property
    def steps(self) -> Mapping[str, float]:
        """The median seconds of each SQL step, and of what lies before, between and after."""
        of_runs = [{**run.steps, **run.outside} for run in self.runs]
        names = dict.fromkeys(name for steps in of_runs for name in steps)
        return {name: statistics.median(steps.get(name, 0) for steps in of_runs) for name in names}


class Session:
    """What cases share: the files, the databases to begin with, and what was measured."""

    def __init__(
        self, laboratory: bench.Bench, *, sizes: Sizes, rounds: int, options: Sequence[str] = ()
    ) -> None:
        self.bench = laboratory
        self.sizes = sizes
        self.rounds = rounds
        self.options = options  # of load_d0010, in addition
        self.measured: list[Measured] = []
        self.stored_bytes: dict[str, int] = {}  # that loading a file of case A adds, by readings

    # Running.

    def measure(
        self, case: str, template: str, contenders: Mapping[str, Contender], *, times: int = 1
    ) -> Mapping[str, Measured]:
        """
        Run the contenders in turn, `times` a round, each on a fresh copy of the template.

        :raises BenchmarkError: if one fails, or if they do not store the same readings
        """
        runs: dict[str, list[processes.Run]] = {name: [] for name in contenders}
        stored: dict[tuple[int, int], str] = {}
        for _ in range(self.rounds * times):
            for name, contender in contenders.items():
                with self.bench.fresh(template) as database:
                    runs[name].append(self.run(case, name, contender, database))
                    if not name.startswith("F1"):
                        stored.setdefault(self.bench.stored_readings(database), name)
                if len(stored) > 1:
                    raise processes.BenchmarkError(
                        f"case {case}: stored readings differ: {stored}"
                    )
        return self.keep(case, runs)

    def run(self, case: str, name: str, contender: Contender, database: str) -> processes.Run:
        run = self.bench.measure(contender, database)
        logger.info("%s, %s: %.3f s", case, name, run.seconds)
        return run

    def keep(self, case: str, runs: Mapping[str, list[processes.Run]]) -> Mapping[str, Measured]:
        found = {
            name: Measured(case=case, contender=name, runs=runs_of_it)
            for name, runs_of_it in runs.items()
        }
        self.measured.extend(found.values())
        return found

    def load(self, *paths: pathlib.Path, timed_inside: bool = False) -> Contender:
        return lambda database: self.bench.run_product(
            database, "load_d0010", *self.options, *paths, timed_inside=timed_inside
        )

    def load_batch(
        self, *paths: pathlib.Path, timed_inside: bool = False, is_logged: bool = False
    ) -> Contender:
        return lambda database: self.bench.run_product(
            database,
            "load_d0010",
            "--batch",
            *self.options,
            *paths,
            timed_inside=timed_inside,
            is_logged=is_logged,
        )

    def rival(self, name: str, path: pathlib.Path) -> Contender:
        command = [sys.executable, "-m", "tests.benchmarks.loading.rivals", name, path]
        return lambda database: self.bench.run(command, database=database)

    # Files.

    @functools.cache  # noqa: B019 - one session a process
    def day(self, number: int, readings: int) -> pathlib.Path:
        """Return a file of the same meters as on every other day, with readings of that day."""
        path = self.bench.folder / f"day_{number}_{readings}.uff"
        generate.write_flow_file(
            path, readings=readings, round_number=number, file_identifier=f"{number + 1:010d}"
        )
        return path

    @functools.cache  # noqa: B019 - one session a process
    def small_files(self, count: int) -> pathlib.Path:
        """Return a folder of so many files of the sample's size, each of other meters."""
        folder = self.bench.folder / f"small_{count}"
        folder.mkdir()
        for number in range(count):
            generate.write_flow_file(
                folder / f"{number:010d}.uff",
                readings=SAMPLE_READINGS,
                first=number * SAMPLE_READINGS,
                file_identifier=f"S{number:09d}",
            )
        return folder

    def sample(self, number: int) -> pathlib.Path:
        path = self.bench.folder / f"sample_{number}.uff"
        generate.write_flow_file(
            path,
            readings=SAMPLE_READINGS,
            first=_FIRST_METER_OF_SAMPLES + number * SAMPLE_READINGS,
            file_identifier=f"E{number:09d}",
        )
        return path

    # Databases to begin with.

    def loaded(self, readings: int) -> str:
        """Return a template in which day 0 is loaded; its finished rows are kept for F2."""

        def make(database: str) -> None:
            self.load(self.day(0, readings))(database)
            floors.keep_finished(self.bench, database, self.finished(0, readings), after=0)

        name = self.bench.template(f"loaded_{readings}", base=self.bench.empty, make=make)
        self.stored_bytes[f"{readings}"] = self.bench.size(name) - self.bench.size(
            self.bench.empty
        )
        return name

    def finished(self, number: int, readings: int) -> pathlib.Path:
        return self.bench.folder / f"finished_{number}_{readings}"

    def keep_finished_day_1(self, readings: int) -> pathlib.Path:
        folder = self.finished(1, readings)
        if not folder.exists():
            with self.bench.fresh(self.loaded(readings)) as database:
                with self.bench.connect(database) as connection:
                    row = connection.execute("SELECT max(id) FROM flow_file").fetchone()
                assert row is not None
                self.load(self.day(1, readings))(database)
                floors.keep_finished(self.bench, database, folder, after=row[0])
        return folder

    def loaded_small_files(self) -> str:
        folder = self.small_files(self.sizes.files)
        return self.bench.template(
            "loaded_files", base=self.bench.empty, make=self.load_batch(folder)
        )


@functools.cache
def joined(folder: pathlib.Path) -> pathlib.Path:
    """Return one file of the same lines as the files of the folder."""
    path = folder.with_suffix(".uff")
    groups = flows = 0
    with path.open("w", encoding="ascii", newline="\n") as whole:
        whole.write("ZHV|J|D0010002|D|UDMS|X|MRCY|20250101120000||||OPER|\n")
        for part in sorted(folder.iterdir()):
            for line in part.read_text(encoding="ascii").splitlines(keepends=True)[1:-1]:
                whole.write(line)
                groups += 1
                flows += line.startswith("026")
        whole.write(f"ZPT|J|{groups}||{flows}|20250101121500|\n")
    return path
