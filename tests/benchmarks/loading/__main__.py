"""
Measure loading against what the server can do at all, and against other ways of loading.

    uv run python -m tests.benchmarks.loading [--quick] [--case A --case B …]

Everything happens in an embedded server of its own, in a temporary folder; both are gone at the
end, and after Ctrl-C as well. What the cases are and what is wanted of them stands in cases.py.
Case F fills a database first, which takes long, so it runs only where it is named.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import pathlib
import shlex
import sys
from collections.abc import Sequence

from tests.benchmarks.loading import bench, cases, comparison, processes, report, session


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code: 1 if a contender failed, 130 after Ctrl-C."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="{asctime} {message}", style="{")
    sizes = session.QUICK if options.quick else session.Sizes()
    given = {name: value for name, value in vars(options).items() if value is not None}
    sizes = dataclasses.replace(
        sizes, **{f.name: given[f.name] for f in dataclasses.fields(sizes) if f.name in given}
    )
    rounds = options.rounds or (1 if options.quick else 3)
    wanted = options.case or [name for name in cases.CASES if name not in cases.SLOW_CASES]
    try:
        with bench.Bench() as laboratory:
            shared = session.Session(
                laboratory, sizes=sizes, rounds=rounds, options=shlex.split(options.load_options)
            )
            rows: list[comparison.Row] = []
            for name, case in cases.CASES.items():
                if name in wanted:
                    rows += case(shared)
                    _write(options, shared, rows)
    except processes.BenchmarkError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a script
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing is left behind.", file=sys.stderr)  # noqa: T201 - a script
        return 130

    print(report.table(rows))  # noqa: T201 - a script
    for warning in report.warnings(shared, is_quick=options.quick):
        print(f"\n{warning}")  # noqa: T201 - a script
    return 0


def _write(
    options: argparse.Namespace, shared: session.Session, rows: Sequence[comparison.Row]
) -> None:
    # After each case, so that an interrupted run has not been for nothing.
    if options.json:
        found = report.as_json(shared, rows, is_quick=options.quick)
        text = json.dumps(found, indent=2, ensure_ascii=False)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    if options.chart:
        options.chart.write_text(report.chart(shared, rows), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.loading",
        description=(__doc__ or "").strip().splitlines()[0],
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller sizes and one round, under two minutes"
    )
    parser.add_argument(
        "--case",
        action="append",
        choices=sorted(cases.CASES),
        help="run this case; may be given several times (default: all but F, which is slow)",
    )
    parser.add_argument("--rounds", type=int, help="how often each contender runs (default: 3)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures")
    parser.add_argument("--chart", type=pathlib.Path, metavar="FILE", help="write an SVG")
    parser.add_argument(
        "--load-options", default="", metavar="OPTIONS", help="given to load_d0010 as well"
    )
    for field in dataclasses.fields(session.Sizes):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=int,
            metavar="N",
            help=f"default: {field.default:,}",
        )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
