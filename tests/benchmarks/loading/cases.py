"""
The cases A to I: what is loaded, against what it is held, and what is wanted of it.

All contenders of a case run in turn, as many rounds as asked for; a figure is the median of its
rounds. What the contenders stored is compared each time.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import logging
import pathlib
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks import generate
from tests.benchmarks.loading import bench, fill, floors


SAMPLE_READINGS = 13  # those of the real sample
_FILES_A_SMALL_LOAD = 50
# The meters of case E's files, out of the way of all others.
_FIRST_METER_OF_SAMPLES = 900_000_000

Contender = Callable[[str], bench.Run]

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
    stored_readings=500_000,
    stored_lines=1_250_000,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; `is_met` is None where no target was set."""

    case: str
    what: str
    ours: str
    other: str
    ratio: str
    target: str
    is_met: bool | None
    cpu_ratio: str = "-"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """The runs of one contender of a case."""

    case: str
    contender: str
    runs: Sequence[bench.Run]

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def loading(self) -> float:
        return statistics.median(run.loading or 0 for run in self.runs)

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

    # Running.

    def measure(
        self, case: str, template: str, contenders: Mapping[str, Contender], *, times: int = 1
    ) -> Mapping[str, Measured]:
        """
        Run the contenders in turn, `times` a round, each on a fresh copy of the template.

        :raises BenchmarkError: if one fails, or if they do not store the same readings
        """
        runs: dict[str, list[bench.Run]] = {name: [] for name in contenders}
        stored: dict[tuple[int, int], str] = {}
        for _ in range(self.rounds * times):
            for name, contender in contenders.items():
                with self.bench.fresh(template) as database:
                    run = self.bench.measure(contender, database)
                    logger.info("%s, %s: %.3f s", case, name, run.seconds)
                    runs[name].append(run)
                    if not name.startswith("F1"):
                        stored.setdefault(self.bench.stored_readings(database), name)
                if len(stored) > 1:
                    raise bench.BenchmarkError(f"case {case}: stored readings differ: {stored}")
        return self.keep(case, runs)

    def keep(self, case: str, runs: Mapping[str, list[bench.Run]]) -> Mapping[str, Measured]:
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

    def load_batch(self, *paths: pathlib.Path, timed_inside: bool = False) -> Contender:
        return lambda database: self.bench.run_product(
            database, "load_d0010", "--batch", *self.options, *paths, timed_inside=timed_inside
        )

    def rival(self, name: str, path: pathlib.Path) -> Contender:
        command = [sys.executable, "-m", "tests.benchmarks.loading.rivals", name, path]
        return lambda database: self.bench.run(command, database=database)

    def duckdb(self, path: pathlib.Path) -> Mapping[str, Contender]:
        """Return R2, or nothing if it is not installed."""
        if importlib.util.find_spec("duckdb") is None:
            logger.warning("R2 is left out: DuckDB comes with the extra `benchmarks`")
            return {}
        return {"R2 DuckDB": self.rival("duckdb", path)}

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

    @functools.cache  # noqa: B019 - one session a process
    def joined(self, folder: pathlib.Path) -> pathlib.Path:
        """Return one file of the same lines as the files of the folder."""
        path = folder.with_suffix(".uff")
        groups = flows = 0
        with path.open("w", encoding="ascii", newline="\n") as joined:
            joined.write("ZHV|J|D0010002|D|UDMS|X|MRCY|20250101120000||||OPER|\n")
            for part in sorted(folder.iterdir()):
                for line in part.read_text(encoding="ascii").splitlines(keepends=True)[1:-1]:
                    joined.write(line)
                    groups += 1
                    flows += line.startswith("026")
            joined.write(f"ZPT|J|{groups}||{flows}|20250101121500|\n")
        return path

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

        return self.bench.template(f"loaded_{readings}", base=self.bench.empty, make=make)

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


# The cases. Each prepares what it needs, so that any of them can run alone.


def case_a(session: Session) -> Sequence[Row]:
    readings = session.sizes.readings
    session.loaded(readings)
    return _against_floors(
        session,
        "A",
        f"one file of {readings:,} readings, all meters new",
        template=session.bench.empty,
        path=session.day(0, readings),
        finished=session.finished(0, readings),
    )


def case_b(session: Session) -> Sequence[Row]:
    readings = session.sizes.readings
    return _against_floors(
        session,
        "B",
        f"the same meters, {readings:,} new readings",
        template=session.loaded(readings),
        path=session.day(1, readings),
        finished=session.keep_finished_day_1(readings),
    )


def _against_floors(
    session: Session,
    case: str,
    what: str,
    *,
    template: str,
    path: pathlib.Path,
    finished: pathlib.Path,
) -> Sequence[Row]:
    found = session.measure(
        case,
        template,
        {
            "F1 raw COPY": lambda database: floors.copy_raw(session.bench, database, path),
            "F2 finished rows": lambda database: floors.copy_finished(
                session.bench, database, finished
            ),
            **session.duckdb(path),
            "ours": session.load(path),
        },
    )
    ours, raw, floor = found["ours"], found["F1 raw COPY"], found["F2 finished rows"]
    rows = [
        _ratio(case, what, ours, "F2", floor, at_most=1.5),
        _ratio(case, what, ours, "F1", raw),
    ]
    if rival := found.get("R2 DuckDB"):
        rows.append(_faster(case, what, ours, "R2", rival))
    return rows


def case_c(session: Session) -> Sequence[Row]:
    readings = session.sizes.rival_readings
    path = session.day(0, readings)
    contenders = {
        "R1 bulk_create": session.rival("bulk_create", path),
        **session.duckdb(path),
        "ours": session.load(path),
    }
    found = session.measure("C", session.bench.empty, contenders)
    ours, slow = found["ours"], found["R1 bulk_create"]
    what = f"{readings:,} readings, empty database, whole process"
    rows = [_faster("C", what, ours, "R1", slow, at_least=3.5)]
    if quick := found.get("R2 DuckDB"):
        rows += [
            _faster("C", what, ours, "R2", quick, at_least=1.0),
            Row(
                case="C",
                what=f"{what}: peak memory",
                ours=_mib(ours.peak_memory),
                other=f"R2 {_mib(quick.peak_memory)}",
                ratio=f"{ours.peak_memory / quick.peak_memory:.2f} x",
                target="≤ 0.1 x",
                is_met=ours.peak_memory <= quick.peak_memory / 10,
            ),
        ]
    return rows


def case_d(session: Session) -> Sequence[Row]:
    count = session.sizes.files
    folder = session.small_files(count)
    found = session.measure(
        "D",
        session.bench.empty,
        {
            "ours, one file": session.load(session.joined(folder)),
            "ours": session.load_batch(folder),
        },
    )
    ours, joined = found["ours"], found["ours, one file"]
    what = f"{count:,} files of {SAMPLE_READINGS} readings in one --batch"
    files_a_second = count / ours.seconds
    return [
        Row(
            case="D",
            what=what,
            ours=_seconds(ours.seconds),
            other="-",
            ratio=f"{files_a_second:,.0f} files/s",
            target="≥ 1,500 files/s",
            is_met=files_a_second >= 1_500,
        ),
        _ratio("D", what, ours, "same lines in one file", joined, at_most=2.0),
    ]


def case_e(session: Session) -> Sequence[Row]:
    path = session.sample(0)
    found = session.measure(
        "E",
        session.bench.empty,
        {"ours, loading": session.load(path, timed_inside=True), "ours": session.load(path)},
        times=session.sizes.samples,
    )
    what = f"one file of {SAMPLE_READINGS} readings"
    return [
        _limit("E", f"{what}, command to prompt", found["ours"].seconds, at_most=0.6),
        _limit("E", f"{what}, loading alone", found["ours, loading"].loading, at_most=0.06),
    ]


def case_f(session: Session) -> Sequence[Row]:
    """
    Case E's loading and case B with much stored, against an empty database.

    The large database is made once and takes the files of all rounds one after another: to copy
    it for each run would take longer than the run. What is stored are earlier readings of the
    very meters that the file is about.
    """
    sizes = session.sizes
    small = session.loaded(sizes.readings)
    runs: dict[str, list[bench.Run]] = {
        name: [] for name in ("B, little stored", "B", "E, empty database", "E")
    }

    def run(name: str, database: str, paths: Sequence[pathlib.Path]) -> None:
        for path in paths:
            run = session.bench.measure(session.load(path, timed_inside=True), database)
            logger.info("F, %s: %.3f s", name, run.seconds)
            runs[name].append(run)

    with session.bench.fresh(small) as large:
        fill.repeat_stored(
            session.bench, large, readings=sizes.stored_readings, lines=sizes.stored_lines
        )
        for number in range(1, session.rounds + 1):
            day = session.day(1_000 + number, sizes.readings)
            samples = [session.sample(number * 1_000 + one) for one in range(sizes.samples)]
            with session.bench.fresh(small) as database:
                run("B, little stored", database, [day])
            run("B", large, [day])
            with session.bench.fresh(session.bench.empty) as database:
                run("E, empty database", database, samples)
            run("E", large, samples)
            day.unlink()
    found = session.keep("F", runs)
    stored = f"{sizes.stored_readings:,} readings and {sizes.stored_lines:,} lines stored"
    return [
        _ratio(
            "F",
            f"case B with {stored}",
            found["B"],
            "little stored",
            found["B, little stored"],
            at_most=1.2,
        ),
        _ratio(
            "F",
            f"case E's loading with {stored}",
            found["E"],
            "empty database",
            found["E, empty database"],
            at_most=1.2,
            by="loading",
        ),
    ]


def case_g(session: Session) -> Sequence[Row]:
    readings = session.sizes.readings
    small_files = sorted(session.small_files(session.sizes.files).iterdir())
    return [
        *_against_hashing(
            session,
            "G, small files",
            f"{len(small_files):,} files of {SAMPLE_READINGS} readings, all known",
            template=session.loaded_small_files(),
            paths=small_files,
        ),
        *_against_hashing(
            session,
            "G, large file",
            f"one file of {readings:,} readings, known",
            template=session.loaded(readings),
            paths=[session.day(0, readings)],
        ),
    ]


def _against_hashing(
    session: Session, case: str, what: str, *, template: str, paths: Sequence[pathlib.Path]
) -> Sequence[Row]:
    program = [shutil.which("sha256sum") or "shasum", *paths]
    found = session.measure(
        case,
        template,
        {
            "sha256sum": lambda database: session.bench.run(program, database=database),
            "ours": session.load_batch(*paths, timed_inside=True),
        },
    )
    hashing = found["sha256sum"].seconds
    return [
        Row(
            case="G",
            what=f"{what}{part}",
            ours=_seconds(ours),
            other=f"sha256sum {_seconds(hashing)}",
            ratio=f"{hashing / ours:.0%} of its rate",
            target="≥ 60%",
            is_met=hashing >= 0.6 * ours,
        )
        for part, ours in (("", found["ours"].seconds), (": loading alone", found["ours"].loading))
    ]


def case_h(session: Session) -> Sequence[Row]:
    sizes = session.sizes
    for case, readings in (("A", sizes.readings), ("C", sizes.rival_readings)):
        if not _ours(session, case):
            load = session.load(session.day(0, readings))
            session.measure(case, session.bench.empty, {"ours": load})
    peaks = {
        f"{measured.case}, {measured.contender}": measured.peak_memory
        for measured in session.measured
        if measured.contender.startswith("ours")
    }
    largest = max(peaks, key=lambda name: peaks[name])
    large, small = _ours(session, "A")[0].peak_memory, _ours(session, "C")[0].peak_memory
    return [
        Row(
            case="H",
            what=f"peak memory of the process, the most in any case ({largest})",
            ours=_mib(peaks[largest]),
            other="-",
            ratio="-",
            target="≤ 80 MiB",
            is_met=peaks[largest] <= 80 * bench.MIB,
        ),
        Row(
            case="H",
            what=f"peak memory with {sizes.readings:,} readings",
            ours=_mib(large),
            other=f"{sizes.rival_readings:,} readings {_mib(small)}",
            ratio=f"{large / small:.2f}",
            target="0.90 to 1.10",
            is_met=abs(large / small - 1) <= 0.1,
        ),
    ]


def _ours(session: Session, case: str) -> Sequence[Measured]:
    return [
        measured
        for measured in session.measured
        if measured.case == case and measured.contender == "ours"
    ]


def case_i(session: Session) -> Sequence[Row]:
    """
    Time the SQL steps of `transform_pending`, and those of a batch of the same files.

    The files were staged one by one, some by each of many processes.
    """
    count = session.sizes.pending_files
    folder = session.small_files(count)

    def stage(database: str) -> None:
        paths = sorted(folder.iterdir())
        for start in range(0, count, _FILES_A_SMALL_LOAD):
            session.bench.run_product(
                database,
                "load_d0010",
                "--stage-only",
                *paths[start : start + _FILES_A_SMALL_LOAD],
            )

    staged = session.bench.template("staged_files", base=session.bench.empty, make=stage)
    pending = session.measure(
        "I",
        staged,
        {"ours": lambda database: session.bench.run_product(database, "transform_pending")},
    )["ours"]
    batch = session.measure(
        "I", session.bench.empty, {"ours, one batch": session.load_batch(folder)}
    )["ours, one batch"]
    return [
        _ratio(
            "I",
            f"transform_pending, {count:,} files staged one by one: SQL steps",
            pending,
            "the same in one batch",
            batch,
            at_most=1.1,
            by="transform",
        )
    ]


CASES: Mapping[str, Callable[[Session], Sequence[Row]]] = {
    "A": case_a,
    "B": case_b,
    "C": case_c,
    "D": case_d,
    "E": case_e,
    "F": case_f,
    "G": case_g,
    "I": case_i,
    "H": case_h,  # last, since it looks at all the others
}
SLOW_CASES = {"F"}


def _ratio(
    case: str,
    what: str,
    ours: Measured,
    name: str,
    other: Measured,
    *,
    at_most: float | None = None,
    by: str = "seconds",
) -> Row:
    numbers: tuple[float, float] = getattr(ours, by), getattr(other, by)
    return Row(
        case=case,
        what=what,
        ours=_seconds(numbers[0]),
        other=f"{name} {_seconds(numbers[1])}",
        ratio=f"{numbers[0] / numbers[1]:.2f} x",
        target="-" if at_most is None else f"≤ {at_most} x",
        is_met=None if at_most is None else numbers[0] <= at_most * numbers[1],
        cpu_ratio=_cpu_ratio(ours, other) if by == "seconds" else "-",
    )


def _faster(
    case: str,
    what: str,
    ours: Measured,
    name: str,
    other: Measured,
    *,
    at_least: float | None = None,
) -> Row:
    return Row(
        case=case,
        what=what,
        ours=_seconds(ours.seconds),
        other=f"{name} {_seconds(other.seconds)}",
        ratio=f"{other.seconds / ours.seconds:.1f} x faster",
        target="-" if at_least is None else f"≥ {at_least} x faster",
        is_met=None if at_least is None else other.seconds >= at_least * ours.seconds,
        cpu_ratio=_cpu_ratio(ours, other),
    )


def _cpu_ratio(ours: Measured, other: Measured) -> str:
    # Below a tenth of a second the system's ticks of a hundredth are too coarse.
    return f"{ours.cpu_seconds / other.cpu_seconds:.2f} x" if other.cpu_seconds > 0.1 else "-"


def _limit(case: str, what: str, ours: float, *, at_most: float) -> Row:
    return Row(
        case=case,
        what=what,
        ours=_seconds(ours),
        other="-",
        ratio="-",
        target=f"≤ {_seconds(at_most)}",
        is_met=ours <= at_most,
    )


def _seconds(number: float) -> str:
    return f"{number * 1000:.0f} ms" if number < 1 else f"{number:.1f} s"


def _mib(size: float) -> str:
    return f"{size / bench.MIB:.0f} MiB"
