"""
Measure how long a file takes by its size and by what is stored, and judge the curves.

    uv run python -m tests.benchmarks.sweep [--quick] [--checkout DIR]

Everything happens in an embedded server of its own, in a temporary folder; both are gone at the
end, and after Ctrl-C as well. What it measures and what is wanted stands in
tests/benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import pathlib
import subprocess
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks.loading import bench, processes
from tests.benchmarks.sweep import chart, measuring, report, verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the sweep and return its exit code.

    1 if a curve of this checkout is not as wanted or a command failed, 130 after Ctrl-C.
    """
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="{asctime} {message}", style="{")
    plan = _plan(options)
    checkouts = [processes.HERE, *map(_checkout, options.checkout)]
    try:
        with bench.Bench() as laboratory:
            sweep = measuring.Sweep(laboratory, plan, checkouts)
            for _ in sweep.run():
                # After each size, so that an interrupted run has not been for nothing.
                _write(options, laboratory, sweep, plan)
    except processes.BenchmarkError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a script
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing is left behind.", file=sys.stderr)  # noqa: T201 - a script
        return 130

    found = _judged(sweep, plan)
    for text in (
        report.tables(sweep.figures.curves()),
        *report.stored_bytes(sweep.stores.growths),
        *report.warnings(laboratory, plan),
        report.words(found),
    ):
        print(f"{text}\n")  # noqa: T201 - a script
    return 1 if found.faults else 0


def _judged(sweep: measuring.Sweep, plan: measuring.Plan) -> verdict.Verdict:
    """Judge this checkout; another is there to be compared with."""
    return verdict.judge(
        {
            curve: points
            for curve, points in sweep.figures.curves().items()
            if curve.checkout == processes.HERE.name
            # Pages are timed by the clock, which means nothing where CPU time is wanted.
            and not (plan.by_cpu and curve.what in measuring.PAGES)
        }
    )


def _write(
    options: argparse.Namespace,
    laboratory: bench.Bench,
    sweep: measuring.Sweep,
    plan: measuring.Plan,
) -> None:
    if options.json:
        found = report.as_json(laboratory, sweep, plan, _judged(sweep, plan))
        text = json.dumps(found, indent=2, ensure_ascii=False)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    if options.chart:
        options.chart.write_text(chart.draw(sweep.figures.curves()), encoding="utf-8")


def _plan(options: argparse.Namespace) -> measuring.Plan:
    plan = measuring.QUICK if options.quick else measuring.Plan()
    given = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(plan)
        if getattr(options, field.name) is not None
    }
    return dataclasses.replace(plan, **given)


def _checkout(root: pathlib.Path) -> processes.Checkout:
    """Return the checkout in a folder, known by its commit; it is run by its own .venv, if any."""
    root = root.resolve()
    if not (root / "manage.py").is_file():
        raise SystemExit(f"--checkout {root}: expected a checkout of this project")
    found = subprocess.run(
        ["git", "-C", root, "rev-parse", "--short", "HEAD"],
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    python = root / ".venv" / "bin" / "python"
    return processes.Checkout(
        name=found.stdout.strip() or root.name,
        root=root,
        python=str(python) if python.exists() else sys.executable,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.sweep",
        description=(__doc__ or "").strip().splitlines()[0],
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, a minute or two")
    parser.add_argument(
        "--sizes", type=_numbers, metavar="N,N…", help="readings in a file, in ascending order"
    )
    parser.add_argument(
        "--stores", type=_numbers, metavar="N,N…", help="staged lines before, 0 for none"
    )
    parser.add_argument(
        "--batches", type=_numbers, metavar="N,N…", help="files in a batch; '' for no batches"
    )
    parser.add_argument("--meters", type=_choices("known", "new"), help="default: known,new")
    parser.add_argument(
        "--also",
        type=_choices(*measuring.ALSO),
        help="what is measured of a file beside loading it; '' for nothing (default: all of"
        f" {','.join(measuring.ALSO)})",
    )
    parser.add_argument("--rounds", type=int, help="how often (default: 3)")
    parser.add_argument(
        "--small-files-a-round",
        type=int,
        metavar="N",
        help="how often in each round for files of up to 5,000 readings (default: 3)",
    )
    parser.add_argument(
        "--most-in-batch", type=int, metavar="N", help="readings in a batch (default: 1,000,000)"
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="S", help="when to stop a command (default: 120 s)"
    )
    parser.add_argument(
        "--by-cpu",
        action="store_true",
        default=None,
        help="measure CPU time instead of the clock, for a machine that has other work",
    )
    parser.add_argument(
        "--checkout",
        type=pathlib.Path,
        action="append",
        default=[],
        metavar="DIR",
        help="measure this checkout of the project as well, in turns",
    )
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures")
    parser.add_argument("--chart", type=pathlib.Path, metavar="FILE", help="write an SVG")
    return parser.parse_args(arguments)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.replace("_", "").split(",") if part))


def _choices(*names: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        parts = tuple(part for part in text.split(",") if part)
        if unknown := set(parts) - set(names):
            raise argparse.ArgumentTypeError(
                f"{', '.join(sorted(unknown))}: expected some of {', '.join(names)}"
            )
        return parts

    return parse


if __name__ == "__main__":
    raise SystemExit(main())
