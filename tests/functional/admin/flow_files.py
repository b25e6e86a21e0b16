"""Writes small flow files and loads them by the command, as an operator would."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Mapping

from django.core import management


Keep = Callable[[Callable[[pathlib.Path], None]], None]
SAMPLE = pathlib.Path("tests/flow_files/DTC5259515123502080915D0010.uff")


def text(
    lines: Iterable[str], *, identifier: str, sender: str = "UDMS", created: str = "20160302153151"
) -> str:
    """Return a flow file that holds these lines between header and trailer."""
    body = list(lines)
    flows = sum(line.startswith("026|") for line in body)
    return "\n".join(
        [
            f"ZHV|{identifier}|D0010002|D|{sender}|X|MRCY|{created}||||OPER|",
            *body,
            f"ZPT|{identifier}|{len(body)}||{flows}|{created}|",
            "",
        ]
    )


def load(folder: pathlib.Path, files: Mapping[str, str]) -> None:
    """Load the files, in this order and as one batch; that some are rejected is no failure."""
    for place, (name, content) in enumerate(files.items()):
        (folder / f"{place}").mkdir()
        (folder / f"{place}" / name).write_text(content, encoding="utf-8")
    paths = [str(folder / f"{place}" / name) for place, name in enumerate(files)]
    try:
        management.call_command("load_d0010", *paths, batch=True)
    except SystemExit as exit_:
        if exit_.code != 1:
            raise
