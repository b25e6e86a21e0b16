"""What the benchmark says: a table, JSON with every run, and a chart."""

from __future__ import annotations

import dataclasses
import datetime
import html
import os
import pathlib
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks.loading import bench, comparison, session


_VERDICTS = {True: "yes", False: "no", None: "-"}
_QUIET = 0.7  # the load of a machine on which nothing else runs
_CHARTED = "ABCD"
_BAR, _GAP, _LEFT, _WIDTH = 20, 34, 190, 720


def table(rows: Sequence[comparison.Row]) -> str:
    lines = [
        "| case | | ours | against | ratio | CPU time | target | met |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.case} | {row.what} | {row.ours} | {row.other} | {row.ratio} | {row.cpu_ratio}"
        f" | {row.target} | {_VERDICTS[row.is_met]} |"
        for row in sorted(rows, key=lambda row: row.case)
    ]
    return "\n".join(lines)


def warnings(shared: session.Session, *, is_quick: bool) -> Sequence[str]:
    """Return what somebody who reads the table should know about its figures."""
    found = []
    if is_quick:
        found.append("Quick: these ratios are those of smaller sizes, not those of the targets.")
    if (shared.bench.load_before or 0) > _QUIET:
        found.append(
            f"Something else was running at the start (load {shared.bench.load_before:.1f}):"
            " believe the CPU time rather than the clock."
        )
    return found


def machine(laboratory: bench.Bench) -> Mapping[str, Any]:
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "server": laboratory.server_settings(),
    }


def as_json(shared: session.Session, rows: Sequence[comparison.Row], *, is_quick: bool) -> Any:
    """Return everything: the table, and each contender with its runs and steps, in seconds."""
    return {
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(shared.bench),
        "load_before": shared.bench.load_before,
        "is_quick": is_quick,
        "rounds": shared.rounds,
        "sizes": dataclasses.asdict(shared.sizes),
        "stored_bytes": shared.stored_bytes,
        "rows": [dataclasses.asdict(row) for row in rows],
        "measured": [
            {
                "case": measured.case,
                "contender": measured.contender,
                "median_seconds": measured.seconds,
                "seconds": [run.seconds for run in measured.runs],
                "median_cpu_seconds": measured.cpu_seconds or None,
                "loading_seconds": [run.inside for run in measured.runs if run.inside],
                "peak_memory_bytes": measured.peak_memory or None,
                "steps": measured.steps,
            }
            for measured in shared.measured
        ],
    }


def chart(shared: session.Session, rows: Sequence[comparison.Row]) -> str:
    """
    Return an SVG: for each of the cases A to D the median seconds of each contender.

    Each case has a scale of its own. The colours hold on light and on dark pages.
    """
    parts: list[str] = []
    top = 10
    for case in _CHARTED:
        group = [measured for measured in shared.measured if measured.case == case]
        if case not in {row.case for row in rows}:
            continue
        longest = max(measured.seconds for measured in group)
        what = next(row.what for row in rows if row.case == case)
        title = html.escape(f"Case {case}: {what}")
        parts.append(f'<text class="title" x="0" y="{top + 14}">{title}</text>')
        top += 24
        for measured in sorted(group, key=lambda one: one.seconds):
            width = (_WIDTH - _LEFT - 70) * measured.seconds / longest
            kind = "ours" if measured.contender.startswith("ours") else "other"
            size = f'width="{max(width, 1):.0f}" height="{_BAR}"'
            middle = top + _BAR - 6
            parts += [
                f'<text x="0" y="{middle}">{html.escape(measured.contender)}</text>',
                f'<rect class="{kind}" x="{_LEFT}" y="{top}" rx="2" {size}/>',
                f'<text x="{_LEFT + width + 8:.0f}" y="{middle}">{measured.seconds:.2f} s</text>',
            ]
            top += _BAR + 4
        top += _GAP - _BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="13">\n'
        "<title>Seconds to load, by case and way of loading</title>\n"
        "<style>text { fill: #57606a } .title { font-weight: 600 } .ours { fill: #2f81f7 }"
        " .other { fill: #8b949e }"
        " @media (prefers-color-scheme: dark) { text { fill: #adbac7 } }</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _processor() -> str:
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor()
