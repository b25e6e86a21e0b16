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

from tests.benchmarks.loading import bench, cases, session


_VERDICTS = {True: "yes", False: "no", None: "-"}
_CHARTED = "ABCD"
_BAR, _GAP, _LEFT, _WIDTH = 20, 34, 150, 720


def table(rows: Sequence[cases.Row]) -> str:
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


def as_json(shared: session.Session, rows: Sequence[cases.Row], *, is_quick: bool) -> Any:
    """Return everything: the table, and each contender with its runs and steps, in seconds."""
    return {
        "measured_at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(shared.bench),
        "is_quick": is_quick,
        "rounds": shared.rounds,
        "sizes": dataclasses.asdict(shared.sizes),
        "rows": [dataclasses.asdict(row) for row in rows],
        "measured": [
            {
                "case": measured.case,
                "contender": measured.contender,
                "median_seconds": measured.seconds,
                "seconds": [run.seconds for run in measured.runs],
                "median_cpu_seconds": measured.cpu_seconds or None,
                "loading_seconds": [run.loading for run in measured.runs if run.loading],
                "peak_memory_bytes": measured.peak_memory or None,
                "steps": measured.steps,
            }
            for measured in shared.measured
        ],
    }


def chart(shared: session.Session) -> str:
    """
    Return an SVG: for each of the cases A to D the median seconds of each contender.

    Each case has a scale of its own. The colours hold on light and on dark pages.
    """
    parts: list[str] = []
    top = 10
    for case in _CHARTED:
        group = [measured for measured in shared.measured if measured.case == case]
        if not group:
            continue
        longest = max(measured.seconds for measured in group)
        parts.append(f'<text class="title" x="0" y="{top + 14}">Case {case}</text>')
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
