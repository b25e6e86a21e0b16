"""Writes small flow files and loads them by the command, as an operator would."""

from __future__ import annotations

import html
import pathlib
from collections.abc import Callable, Iterable, Mapping

from django import test
from django.core import management

from warehouse import models


Keep = Callable[[Callable[[pathlib.Path], None]], None]
HOSTILE = "<script>alert('é')</script> \"=1+1\" \u202edrawkcab"
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


def load_mixed(folder: pathlib.Path) -> None:
    """Load a good file under two names, one in parts, one cut short, one from the future."""
    load(
        folder,
        {
            "good.uff": SAMPLE.read_text(encoding="ascii"),
            "under another name.uff": SAMPLE.read_text(encoding="ascii"),
            "partly.uff": text(
                [
                    "026|1200023305967|V|",
                    f"027|20|{HOSTILE}|",
                    "028|F75A 00802|R|",
                    "030|S|20160322000000|56400.0|||T|N|",
                    "030|S|20160332000000|56401.0|||T|N|",
                    f"030|{HOSTILE}|20160322000000|1.0|||T|N|",
                ],
                identifier="2",
                sender="OTHR",
            ),
            "cut short.uff": "ZHV|3|D0010002|D|UDMS|X|MRCY|20160302153151||||OPER|\n",
            "later.uff": text(
                ["026|1200023305967|V|", "028|A1|R|", "030|S|21000101000000|1.0|||T|N|"],
                identifier="4",
            ),
        },
    )


def page_of(staff: test.Client, **condition: str) -> str:
    """Return the page of the one file of which this is true."""
    flow_file = models.FlowFile.objects.get(**condition)
    response = staff.get(f"/warehouse/flowfile/{flow_file.pk}/change/")
    assert response.status_code == 200
    return html.unescape(response.content.decode())
