"""
The same files tell the same story, in whatever order and in however many batches they come.

Each example is two to five files that say something of a few registers at one or two times. It is
loaded twice, at other meter points, in two orders.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import hypothesis
import pytest
from django import db
from hypothesis import strategies as st

from tests import builder, depth
from tests import conftest as tests_conftest
from tests.property import conftest, strategies


_TIMES = ("20240115000000", "20240215000000")
REGISTERS = (
    6  # of an example, each of a meter point: a file of six is loaded as fast as one of one
)
_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """What one file says of the register."""

    read_at: str
    value: str
    reading_type: str
    validation_status: str


_ROWS = st.builds(
    Row,
    read_at=st.sampled_from(_TIMES),
    value=st.sampled_from(["1.0", "2.0"]),
    reading_type=st.sampled_from("RRDIWW"),
    validation_status=st.sampled_from("VVU"),
)


# What one file says of each register.
File = Sequence[Sequence[Row]]


@st.composite
def _examples(draw: st.DrawFn) -> tuple[list[File], list[int], list[bool]]:
    """Draw the rows of files, by the day when each was made; an order; where a batch ends."""
    of_one = st.lists(_ROWS, min_size=1, max_size=3)
    files = draw(st.lists(st.tuples(*[of_one] * REGISTERS), min_size=2, max_size=5))
    order = draw(st.permutations(range(len(files))))
    ends = draw(st.lists(st.booleans(), min_size=len(files), max_size=5))
    return list(files), list(order), ends


def content(mpan_cores: Sequence[str], file: File, *, day: int) -> bytes:
    """Return a file that was made on this day of May, a D0010 on the first and then in turns."""
    identifier = f"O{next(_numbers):09d}"
    body = [
        line
        for mpan_core, rows in zip(mpan_cores, file, strict=True)
        for row in rows
        for line in (
            f"026|{mpan_core}|{row.validation_status}|",
            f"028|A1|{row.reading_type}|",
            f"030|S|{row.read_at}|{row.value}|||T|N|",
        )
    ]
    header = f"ZHV|{identifier}|D0010002|D|UDMS|X|MRCY|202405{day:02d}120000||||OPER|"
    trailer = f"ZPT|{identifier}|{len(body)}||{len(body) // 3}|202406{day:02d}120000|"
    d0010 = "\n".join([header, *body, trailer, ""]).encode()
    return d0010 if day % 2 else builder.mirrored(d0010)


def standings_by_rule(files: Sequence[Sequence[Row]]) -> dict[tuple[int, int], str]:
    """Tell the standings by day and place in the file, from the rules as people are told them."""
    rows = [
        (row, (day, place))
        for day, of_file in enumerate(files, start=1)
        for place, row in enumerate(of_file)
    ]
    found = {}
    counting: dict[tuple[str, bool], list[tuple[Row, tuple[int, int]]]] = {}
    for row, stated in rows:
        withdrawn_by = [
            other_stated[0]
            for other, other_stated in rows
            if other == dataclasses.replace(row, reading_type="W")
        ]
        if row.reading_type == "W":
            found[stated] = "withdrawal"
        elif withdrawn_by and max(withdrawn_by) >= stated[0]:
            found[stated] = "withdrawn"
        else:
            key = (row.read_at, row.reading_type == "I")
            counting.setdefault(key, []).append((row, stated))
    for group in counting.values():
        last, _ = max(group, key=lambda item: (item[0].validation_status == "V", item[1]))
        same = [stated for row, stated in group if row == last]
        found |= {stated: "superseded" for _, stated in group}
        found |= dict.fromkeys(same, "repeated")
        found[min(same)] = "current"
    return found


def stored_standings(mpan_cores: Sequence[str]) -> Sequence[Mapping[tuple[int, int], str]]:
    """Return what is stored of each register, as above."""
    with db.connection.cursor() as cursor:
        cursor.execute(
            "SELECT mpan_core, extract(day FROM stated_at)::integer, row_number() OVER"
            " (PARTITION BY mpan_core, stated_at ORDER BY id) - 1, standing"
            " FROM reading_standing WHERE mpan_core = any(%s)",
            [list(mpan_cores)],
        )
        found: dict[str, dict[tuple[int, int], str]] = {one: {} for one in mpan_cores}
        for mpan_core, day, place, standing in cursor.fetchall():
            found[mpan_core][day, place] = standing
    return [*found.values()]


@pytest.mark.django_db(transaction=True)
class TestOrders:
    @pytest.mark.parametrize("part", range(conftest.PARTS))
    def test_change_the_standing_of_no_reading(
        self, run: tests_conftest.Run, deliver: conftest.Deliver, part: int
    ) -> None:
        @hypothesis.seed(depth.seed() + part)
        @hypothesis.settings(max_examples=depth.size(quick=2, thorough=20))
        @hypothesis.given(example=_examples())
        def hold(example: tuple[list[File], list[int], list[bool]]) -> None:
            files, order, ends_batch = example
            in_turn, in_another = (
                [strategies.mpan_core(900_000_000 + next(_numbers)) for _ in range(REGISTERS)]
                for _ in range(2)
            )
            paths = deliver(
                [content(in_turn, file, day=day) for day, file in enumerate(files, start=1)]
                + [content(in_another, files[day], day=day + 1) for day in order]
            )
            assert run("load_flows", *paths[: len(files)]).code == 0
            batch = []
            for path, ends in zip(paths[len(files) :], ends_batch, strict=False):
                batch.append(path)
                if ends:
                    assert run("load_flows", "--batch", *batch).code == 0
                    batch = []
            if batch:
                assert run("load_flows", "--batch", *batch).code == 0

            stored = stored_standings(in_turn)
            assert stored == [standings_by_rule(of_one) for of_one in zip(*files, strict=True)]
            assert stored_standings(in_another) == stored

        hold()
