from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from etl.domain import flows, lines
from tests import builder


D0010 = flows.KNOWN["D0010"]


class Placed(NamedTuple):
    """A line, and its place by the names of its columns."""

    id: int
    line: str
    parent_id: int | None
    kind: str
    mpan_core: str
    serial_key: str
    reading_type: str
    validation_status: str


def place(
    texts: Sequence[str], *, first_id: int = 1, positions: lines.Positions | None = None
) -> list[Placed]:
    placed = (positions or lines.Positions(D0010)).place(texts, first_id=first_id)
    return [
        Placed(line_id, line, None if parent == r"\N" else int(parent), *rest)
        for line_id, columns, line in placed
        for parent, *rest in [columns.split("\t")]
    ]


def parents(texts: Sequence[str]) -> list[int | None]:
    return [line.parent_id for line in place(texts)]


class TestPositions:
    def test_puts_each_line_under_the_open_line_of_its_parent_group(self) -> None:
        texts = ["026|", "027|", "028|", "029|", "030|", "032|", "033|", "030|", "033|", "028|"]

        assert parents(texts) == [None, 1, 1, 3, 3, 5, 5, 3, 8, 1]

    def test_gives_a_reading_no_meter_of_the_meter_point_before(self) -> None:
        assert parents(["026|", "028|", "030|", "026|", "030|", "032|"])[3:] == [None, None, 5]

    def test_gives_a_result_no_reading_of_the_meter_before(self) -> None:
        assert parents(["026|", "028|", "030|", "028|", "032|", "033|"])[4:] == [None, None]

    def test_leaves_a_meter_open_behind_a_site_visit_at_its_meter_point(self) -> None:
        assert parents(["026|", "028|", "030|", "027|", "030|"])[3:] == [1, 2]

    def test_carries_state_from_one_call_to_the_next(self) -> None:
        positions = lines.Positions(D0010)
        place([f"026|{builder.MPAN}|V|", "028|A1|R|"], positions=positions)

        placed = place(["030|S|"], first_id=3, positions=positions)

        assert placed == [(3, "030|S|", 2, "reading", builder.MPAN, "A1", "R", "V")]

    def test_names_the_meter_point_only_where_13_digits_name_it(self) -> None:
        texts = [
            "ZHV|1|",
            f"026|{builder.MPAN}|V|",
            "028|A1|R|",
            "026|12345|V|",
            "028|A1|R|",
            "026|１２０００２３３０５９６７|V|",  # noqa: RUF001 - digits, but not these
            "026|0000000000000|V|",
            f"026| {builder.MPAN}\\t|V|",
            "ABC|",
            "0300|S|",
            "03",
            "ZPT|1|",
        ]

        assert [(line.kind, line.mpan_core) for line in place(texts)] == [
            ("header", ""),
            ("meter_point", builder.MPAN),
            ("meter", builder.MPAN),
            ("meter_point", ""),
            ("meter", ""),
            ("meter_point", ""),
            ("meter_point", ""),
            ("meter_point", builder.MPAN),
            ("unknown", ""),
            ("unknown", ""),
            ("unknown", ""),
            ("trailer", ""),
        ]

    def test_hands_down_what_stands_above_to_lines_of_every_kind(self) -> None:
        texts = [
            f"026|{builder.MPAN}|U|",
            "027|01||",
            "028|f75a 00802|D|",
            "029|02||",
            "030|S|",
            "032|01|T|",
            "033|03||",
            "028|B2|R|",
            "030|S|",
            f"026|{builder.OTHER_MPAN}|V|",
            "027|01||",
        ]
        of_point = (builder.MPAN, "", "", "U")
        of_meter = (builder.MPAN, "F75A00802", "D", "U")
        of_other_meter = (builder.MPAN, "B2", "R", "U")

        placed = place(texts)

        assert [line[4:] for line in placed] == [
            *[of_point] * 2,
            *[of_meter] * 5,
            *[of_other_meter] * 2,
            *[(builder.OTHER_MPAN, "", "", "V")] * 2,
        ]
        assert [line.kind for line in placed[:7]] == [
            "meter_point",
            "visit_at_meter_point",
            "meter",
            "visit_at_meter",
            "reading",
            "result",
            "visit_at_reading",
        ]

    def test_gives_a_reading_without_a_meter_what_its_meter_point_says(self) -> None:
        (_, reading) = place([f"026|{builder.MPAN}|U|", "030|S|"])

        assert reading[2:] == (None, "reading", builder.MPAN, "", "", "U")

    def test_reads_what_copy_would_take_otherwise_as_it_was_sent(self) -> None:
        (meter,) = place(["028|a\\t1\\\\b|R\\t|"])

        assert (meter.serial_key, meter.reading_type) == ("A1\\\\B", "R\\t")

    @pytest.mark.parametrize("line", ["026|", "028|", "030|", "026|1", "028|A"])
    def test_takes_a_line_that_is_cut_off(self, line: str) -> None:
        (placed,) = place([line])

        assert placed.line == line


class TestClosing:
    @pytest.mark.parametrize(
        "line",
        ["026", "26|", "0026|", "\x0026|", "O 6|", "０26|", "|", "x"],  # noqa: RUF001 - no ASCII
    )
    def test_closes_all_behind_a_line_without_a_code_for_it_may_have_been_any(
        self, line: str
    ) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", line, "027|", "028|", "030|", "032|"]

        placed = place(texts)[4:]

        assert [(line.parent_id, line.mpan_core) for line in placed] == [
            (None, ""),
            (None, ""),
            (6, ""),
            (7, ""),
        ]

    @pytest.mark.parametrize("code", ["O26", "0Z6", "02a", "020", "036", "926"])
    def test_closes_all_behind_a_code_that_is_026_but_for_a_character(self, code: str) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", f"{code}|", "027|", "028|", "030|"]

        placed = place(texts)[4:]

        assert [(line.parent_id, line.mpan_core) for line in placed] == [
            (None, ""),
            (None, ""),
            (6, ""),
        ]

    @pytest.mark.parametrize("code", ["O28", "038", "0B8", "128"])
    def test_closes_the_meter_behind_a_code_that_is_028_but_for_a_character(
        self, code: str
    ) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", f"{code}|", "027|", "029|", "030|"]

        placed = place([*texts, "032|", "028|"])[4:]

        assert [line.parent_id for line in placed] == [1, None, None, 7, 1]
        assert {line.mpan_core for line in placed} == {builder.MPAN}

    @pytest.mark.parametrize("code", ["O30", "031", "0E0", "130"])
    def test_closes_the_reading_behind_a_code_that_is_030_but_for_a_character(
        self, code: str
    ) -> None:
        assert parents(["026|", "028|", "030|", f"{code}|", "032|", "033|", "030|", "032|"])[
            4:
        ] == [None, None, 2, 7]

    @pytest.mark.parametrize("code", ["099", "ABC", "127", "ZHV"])
    def test_closes_nothing_behind_any_other_code(self, code: str) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", f"{code}|", "032|", "030|", "028|"]

        placed = place(texts)[4:]

        assert [line.parent_id for line in placed] == [3, 2, 1]
        assert {line.mpan_core for line in placed} == {builder.MPAN}

    def test_remembers_in_the_next_call_what_was_closed(self) -> None:
        positions = lines.Positions(D0010)
        place([f"026|{builder.MPAN}|V|", "028|A1|R|", "O26|"], positions=positions)

        placed = place(["028|B2|R|"], first_id=4, positions=positions)

        assert placed == [(4, "028|B2|R|", None, "meter", "", "B2", "R", "")]
