"""Files of all kinds, small, so that a load meets everything it can meet within a second."""

from __future__ import annotations

import pathlib

import sql
from tests import builder, depth
from tests.benchmarks import generate


STEPS = [*sql.names("transform")]
READINGS = depth.size(quick=60, thorough=500)
# With this each of the everyday files ends a chunk, so that the files make three.
BYTES_A_CHUNK = READINGS * 33


def write(folder: pathlib.Path, *, readings: int = READINGS) -> list[pathlib.Path]:
    """Write the files, and return them in the order in which to load them."""
    everyday = folder / "everyday.uff"
    generate.write_flow_file(everyday, readings=readings)
    next_day = folder / "next_day.uff"
    generate.write_flow_file(next_day, readings=readings, first=readings // 4, round_number=1)
    contents = {
        "rejected_lines.uff": builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.line("027|01|seen|"),
                builder.meter(
                    "A1",
                    builder.line("029|02||"),
                    builder.reading(below=["032|05|F|", "033|03||"], flag="F"),
                    builder.reading("DY", value="x"),
                    builder.reading("NT", read_at="20240230000000"),
                ),
            ),
            builder.line("030|S|20240115000000|1.0|||T|N|"),
            file_id="0000000901",
        ),
        "counts_wrong.uff": builder.simple(file_id="0000000902").replace(b"|3||1|", b"|4||1|"),
        "same_again.uff": everyday.read_bytes(),
        "warned.uff": builder.simple(file_id="0000000903", mpan=builder.THIRD_MPAN).replace(
            b"|3||1|", b"|3||9|"
        ),
        "no_flow_file.uff": b"hello\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [everyday, *(folder / name for name in contents), next_day]
