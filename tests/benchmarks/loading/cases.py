"""The cases A to I: what is loaded, against what it is held, and what is wanted of it."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks.loading import bench, comparison, fill, floors, processes, session


_FILES_A_SMALL_LOAD = 50


# The cases. Each prepares what it needs, so that any of them can run alone.


def case_a(shared: session.Session) -> Sequence[comparison.Row]:
    readings = shared.sizes.readings
    shared.loaded(readings)
    return _against_floors(
        shared,
        "A",
        f"one file of {readings:,} readings, all meters new",
        template=shared.bench.empty,
        path=shared.day(0, readings),
        finished=shared.finished(0, readings),
    )


def case_b(shared: session.Session) -> Sequence[comparison.Row]:
    readings = shared.sizes.readings
    return _against_floors(
        shared,
        "B",
        f"the same meters, {readings:,} new readings",
        template=shared.loaded(readings),
        path=shared.day(1, readings),
        finished=shared.keep_finished_day_1(readings),
    )


def _against_floors(
    shared: session.Session,
    case: str,
    what: str,
    *,
    template: str,
    path: pathlib.Path,
    finished: pathlib.Path,
) -> Sequence[comparison.Row]:
    found = shared.measure(
        case,
        template,
        {
            "F1 raw COPY": lambda database: floors.copy_raw(shared.bench, database, path),
            "F2 finished rows": lambda database: floors.copy_finished(
                shared.bench, database, finished
            ),
            "R2 DuckDB": shared.rival("duckdb", path),
            "R3 DuckDB with raw lines": shared.rival("duckdb_raw", path),
            "ours": shared.load(path),
        },
    )
    ours, raw, floor = found["ours"], found["F1 raw COPY"], found["F2 finished rows"]
    return [
        comparison.ratio(case, what, ours, "F2", floor, at_most=1.5),
        comparison.ratio(case, what, ours, "F1", raw),
        comparison.faster(case, what, ours, "R2", found["R2 DuckDB"]),
        comparison.faster(case, what, ours, "R3", found["R3 DuckDB with raw lines"]),
    ]


def case_c(shared: session.Session) -> Sequence[comparison.Row]:
    readings = shared.sizes.rival_readings
    path = shared.day(0, readings)
    contenders = {
        "R1 bulk_create": shared.rival("bulk_create", path),
        "R2 DuckDB": shared.rival("duckdb", path),
        "ours": shared.load(path),
    }
    found = shared.measure("C", shared.bench.empty, contenders)
    ours, slow, quick = found["ours"], found["R1 bulk_create"], found["R2 DuckDB"]
    what = f"{readings:,} readings, empty database, whole process"
    return [
        comparison.faster("C", what, ours, "R1", slow, at_least=3.5),
        comparison.faster("C", what, ours, "R2", quick, at_least=1.0),
        comparison.Row(
            case="C",
            what=f"{what}: peak memory",
            ours=comparison.mib(ours.peak_memory),
            other=f"R2 {comparison.mib(quick.peak_memory)}",
            ratio=f"{ours.peak_memory / quick.peak_memory:.2f} x",
            target="≤ 0.1 x",
            is_met=ours.peak_memory <= quick.peak_memory / 10,
        ),
    ]


def case_d(shared: session.Session) -> Sequence[comparison.Row]:
    count = shared.sizes.files
    folder = shared.small_files(count)
    found = shared.measure(
        "D",
        shared.bench.empty,
        {
            "ours, one file": shared.load(session.joined(folder)),
            "ours": shared.load_batch(folder),
        },
    )
    ours, joined = found["ours"], found["ours, one file"]
    what = f"{count:,} files of {session.SAMPLE_READINGS} readings in one --batch"
    files_a_second = count / ours.seconds
    return [
        comparison.Row(
            case="D",
            what=what,
            ours=comparison.seconds(ours.seconds),
            other="-",
            ratio=f"{files_a_second:,.0f} files/s",
            target="≥ 1,500 files/s",
            is_met=files_a_second >= 1_500,
        ),
        comparison.ratio("D", what, ours, "same lines in one file", joined, at_most=2.0),
    ]


def case_e(shared: session.Session) -> Sequence[comparison.Row]:
    path = shared.sample(0)
    found = shared.measure(
        "E",
        shared.bench.empty,
        {"ours, loading": shared.load(path, timed_inside=True), "ours": shared.load(path)},
        times=shared.sizes.samples,
    )
    what = f"one file of {session.SAMPLE_READINGS} readings"
    return [
        comparison.limit("E", f"{what}, command to prompt", found["ours"].seconds, at_most=0.6),
        comparison.limit(
            "E", f"{what}, loading alone", found["ours, loading"].loading, at_most=0.06
        ),
    ]


def case_f(shared: session.Session) -> Sequence[comparison.Row]:
    """
    Case E's loading and case B with much stored, against an empty database.

    The large database is made once and takes the files of all rounds one after another: to copy
    it for each run would take longer than the run. What is stored are earlier readings of the
    very meters that the file is about.
    """
    sizes = shared.sizes
    small = shared.loaded(sizes.readings)
    runs: dict[str, list[processes.Run]] = {
        name: [] for name in ("B, little stored", "B", "E, empty database", "E")
    }

    def run(name: str, database: str, paths: Sequence[pathlib.Path]) -> None:
        for path in paths:
            contender = shared.load(path, timed_inside=True)
            runs[name].append(shared.run("F", name, contender, database))

    with shared.bench.fresh(small) as large:
        fill.repeat_stored(
            shared.bench, large, readings=sizes.stored_readings, lines=sizes.stored_lines
        )
        for number in range(1, shared.rounds + 1):
            # Day 1 is case B's. All stay in the past, since each future date is one warning more.
            day = shared.day(1 + number, sizes.readings)
            samples = [shared.sample(number * 1_000 + one) for one in range(sizes.samples)]
            with shared.bench.fresh(small) as database:
                run("B, little stored", database, [day])
            run("B", large, [day])
            with shared.bench.fresh(shared.bench.empty) as database:
                run("E, empty database", database, samples)
            run("E", large, samples)
            day.unlink()
    found = shared.keep("F", runs)
    stored = f"{sizes.stored_readings:,} readings and {sizes.stored_lines:,} lines stored"
    return [
        comparison.ratio(
            "F",
            f"case B with {stored}",
            found["B"],
            "little stored",
            found["B, little stored"],
            at_most=1.2,
        ),
        comparison.ratio(
            "F",
            f"case E's loading with {stored}",
            found["E"],
            "empty database",
            found["E, empty database"],
            at_most=1.2,
            by="loading",
        ),
    ]


def case_g(shared: session.Session) -> Sequence[comparison.Row]:
    readings = shared.sizes.readings
    small_files = sorted(shared.small_files(shared.sizes.files).iterdir())
    return [
        *_against_hashing(
            shared,
            "G, small files",
            f"{len(small_files):,} files of {session.SAMPLE_READINGS} readings, all known",
            template=shared.loaded_small_files(),
            paths=small_files,
        ),
        *_against_hashing(
            shared,
            "G, large file",
            f"one file of {readings:,} readings, known",
            template=shared.loaded(readings),
            paths=[shared.day(0, readings)],
        ),
    ]


def _against_hashing(
    shared: session.Session, case: str, what: str, *, template: str, paths: Sequence[pathlib.Path]
) -> Sequence[comparison.Row]:
    program = [shutil.which("sha256sum") or "shasum", *paths]
    found = shared.measure(
        case,
        template,
        {
            "sha256sum": lambda database: shared.bench.run(program, database=database),
            "ours": shared.load_batch(*paths, timed_inside=True),
        },
    )
    hashing = found["sha256sum"].seconds
    return [
        comparison.Row(
            case="G",
            what=f"{what}{part}",
            ours=comparison.seconds(ours),
            other=f"sha256sum {comparison.seconds(hashing)}",
            ratio=f"{hashing / ours:.0%} of its rate",
            target="≥ 60%",
            is_met=hashing >= 0.6 * ours,
        )
        for part, ours in (("", found["ours"].seconds), (": loading alone", found["ours"].loading))
    ]


def case_h(shared: session.Session) -> Sequence[comparison.Row]:
    sizes = shared.sizes
    for case, readings in (("A", sizes.readings), ("C", sizes.rival_readings)):
        if not _ours(shared, case):
            load = shared.load(shared.day(0, readings))
            shared.measure(case, shared.bench.empty, {"ours": load})
    peaks = {
        f"{measured.case}, {measured.contender}": measured.peak_memory
        for measured in shared.measured
        if measured.contender.startswith("ours")
    }
    largest = max(peaks, key=lambda name: peaks[name])
    large, small = _ours(shared, "A")[0].peak_memory, _ours(shared, "C")[0].peak_memory
    return [
        comparison.Row(
            case="H",
            what=f"peak memory of the process, the most in any case ({largest})",
            ours=comparison.mib(peaks[largest]),
            other="-",
            ratio="-",
            target="≤ 80 MiB",
            is_met=peaks[largest] <= 80 * bench.MIB,
        ),
        comparison.Row(
            case="H",
            what=f"peak memory with {sizes.readings:,} readings",
            ours=comparison.mib(large),
            other=f"{sizes.rival_readings:,} readings {comparison.mib(small)}",
            ratio=f"{large / small:.2f}",
            target="0.90 to 1.10",
            is_met=abs(large / small - 1) <= 0.1,
        ),
    ]


def _ours(shared: session.Session, case: str) -> Sequence[session.Measured]:
    return [
        measured
        for measured in shared.measured
        if measured.case == case and measured.contender == "ours"
    ]


def case_i(shared: session.Session) -> Sequence[comparison.Row]:
    """
    Time the SQL steps of `transform_pending`, and those of a batch of the same files.

    The files were staged one by one, some by each of many processes.
    """
    count = shared.sizes.pending_files
    folder = shared.small_files(count)

    def stage(database: str) -> None:
        paths = sorted(folder.iterdir())
        for start in range(0, count, _FILES_A_SMALL_LOAD):
            shared.bench.run_product(
                database,
                "load_d0010",
                "--stage-only",
                *paths[start : start + _FILES_A_SMALL_LOAD],
            )

    staged = shared.bench.template("staged_files", base=shared.bench.empty, make=stage)
    pending = shared.measure(
        "I", staged, {"ours": lambda name: shared.bench.run_product(name, "transform_pending")}
    )["ours"]
    in_batch = shared.load_batch(folder, is_logged=True)
    batch = shared.measure("I", shared.bench.empty, {"ours, one batch": in_batch})[
        "ours, one batch"
    ]
    return [
        comparison.ratio(
            "I",
            f"transform_pending, {count:,} files staged one by one: SQL steps",
            pending,
            "the same in one batch",
            batch,
            at_most=1.1,
            by="transform",
        )
    ]


CASES: Mapping[str, Callable[[session.Session], Sequence[comparison.Row]]] = {
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
