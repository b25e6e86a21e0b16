from __future__ import annotations

import itertools
import operator
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from etl.domain import flows, grammar, lines
from tests import builder, depth


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
    return [
        Placed(int(line_id), line, None if parent == r"\N" else int(parent), *rest)
        for place, held in rows(texts, first_id=first_id, positions=positions)
        for (line_id, parent, *rest), line in zip(
            [one.split("\t") for one in lines.places(place, "\n".join(held))],
            held,
            strict=True,
        )
    ]


def rows(
    texts: Sequence[str], *, first_id: int = 1, positions: lines.Positions | None = None
) -> list[tuple[str, list[str]]]:
    """Return rows: their place, and the lines that they hold."""
    made = (positions or lines.Positions(D0010)).rows("\n".join([*texts, ""]), first_id=first_id)
    return [
        (place, lines.text(place, held.replace(r"\n", "\n")).split("\n"))
        for place, _, held in (row.rpartition("\t") for row in made.split("\n")[:-1])
    ]


def payload_of(texts: Sequence[str]) -> list[str]:
    """Return what the one row of these lines holds, line by line."""
    row = lines.Positions(D0010).rows("\n".join([*texts, ""]), first_id=1)
    assert row.count("\n") == 1
    return row[:-1].rpartition("\t")[2].split(r"\n")


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


class TestUsualMeterPoints:
    """Those are read at once: a meter point's line, one meter's, and those of its readings."""

    def test_hands_down_what_they_say(self) -> None:
        texts = [
            f"026| {builder.MPAN}|U|",
            "028|f75a 00802|D|x",
            "030|S|\u2028\x85\x0c|",
            "030|N|\x0b\x1c\\t|",
            f"026|{builder.OTHER_MPAN}|V",
            "028|B2|R",
            "030|S|",
        ]
        first = (builder.MPAN, "F75A00802", "D", "U")
        second = (builder.OTHER_MPAN, "B2", "R", "V")

        assert [(placed.id, *placed[2:]) for placed in place(texts, first_id=7)] == [
            (7, None, "meter_point", builder.MPAN, "", "", "U"),
            (8, 7, "meter", *first),
            (9, 8, "reading", *first),
            (10, 8, "reading", *first),
            (11, None, "meter_point", builder.OTHER_MPAN, "", "", "V"),
            (12, 11, "meter", *second),
            (13, 12, "reading", *second),
        ]

    def test_are_read_as_each_line_alone_would_be_whatever_stands_between(self) -> None:
        pool = [
            *(f"026|{builder.MPAN}|V|", f"026|{builder.OTHER_MPAN}|U", "026|12345||", "026|"),
            *("028|A1|R|", "028|a 1|D", "028|A\\t1|R|", "028|é2||x|y", "028|"),
            *("030|S|1|", "030|", "030|\u2028|\x0b", "030", "032|01|T|", "027|01|", "029|"),
            *("O26|", "028", "031|", "ABC|", "ZPT|1|", ""),
        ]
        # Each may be cut by another line, or by the end of the text.
        runs = [
            *([], [f"026|{builder.MPAN}|V|", "028|A1|R|"], ["030|S|1|", "030|N|1|"]),
            *(["026|1|V", "028|b 2|D", "030|"], [f"026|{builder.OTHER_MPAN}|U|", "028|é||"]),
        ]
        draw = random.Random(depth.seed())  # noqa: S311 - no secret
        for number in range(depth.rounds(quick=1_000, thorough=50_000)):
            texts = [line for _ in range(6) for line in (draw.choice(pool), *draw.choice(runs))]
            cut = draw.randint(0, len(texts))
            first_id = number % 1_024 + 1  # at any place in a stretch
            alone, together = lines.Positions(D0010), lines.Positions(D0010)

            one_by_one = [
                row
                for line_id, text in enumerate(texts, first_id)
                for row in place([text], first_id=line_id, positions=alone)
            ]

            halves = [(texts[:cut], first_id), (texts[cut:], first_id + cut)]
            assert one_by_one == [
                row
                for half, half_id in halves
                if half
                for row in place(half, first_id=half_id, positions=together)
            ]

    USUAL = (f"026|{builder.MPAN}|V|", "028|a 1|R|", "030|S|1|", "030|N|2|")

    def test_stand_in_one_row(self) -> None:
        (row, other) = rows([*self.USUAL, "032||T|"], first_id=7)

        assert row == (f"7\t\\N\tusual\t{builder.MPAN}\tA1\tR\tV", [*self.USUAL])
        assert other == (f"11\t10\tresult\t{builder.MPAN}\tA1\tR\tV", ["032||T|"])

    @pytest.mark.parametrize("status", ["V", ""])
    @pytest.mark.parametrize("mpan_core", [builder.MPAN, ""])
    @pytest.mark.parametrize("codes", [("026", "028", "030"), ("196", "197", "198")], ids=" ".join)
    def test_shorten_to_its_code_what_the_columns_give_back(
        self, codes: tuple[str, str, str], mpan_core: str, status: str
    ) -> None:
        point, meter, reading = codes
        texts = [f"{point}|{mpan_core}|{status}|", f"{meter}|A1|R|", f"{reading}|S|1|"]
        flow = flows.KNOWN["D0010" if point == "026" else "D0086"]

        row = lines.Positions(flow).rows("\n".join([*texts, ""]), first_id=7)

        place = f"7\t\\N\tusual\t{mpan_core}\tA1\tR\t{status}"
        assert row == f"{place}\t{point}\\n{meter}\\n{reading}|S|1|\n"
        assert lines.text(place, "\n".join([point, meter, texts[2]])) == "\n".join(texts)

    @pytest.mark.parametrize(
        "line",
        [
            f"026|{builder.MPAN}|V",
            f"026|{builder.MPAN}|V|x",
            f"026|{builder.MPAN}|V||",
            f"026| {builder.MPAN}|V|",
            "026|12345|V|",
            "026|0000000000000|V|",
        ],
    )
    def test_hold_the_line_of_the_meter_point_if_it_says_anything_else(self, line: str) -> None:
        ((place, held),) = rows([line, "028|A1|R|", "030|S|1|"])

        assert place.split("\t")[2] == "usual"
        assert held == [line, "028|A1|R|", "030|S|1|"]
        assert payload_of([line, "028|A1|R|", "030|S|1|"]) == [line, "028", "030|S|1|"]

    @pytest.mark.parametrize(
        "line",
        ["028|A1|R", "028|A1|R||", "028|a1|R|", "028|A1 |R|", "028|A\u00a01|R|", "028|A1|R|x"],
    )
    def test_hold_the_line_of_the_meter_if_it_says_anything_else(self, line: str) -> None:
        texts = [f"026|{builder.MPAN}|V|", line, "030|S|1|"]

        ((place, held),) = rows(texts)

        assert place.split("\t")[2] == "usual"
        assert held == texts
        assert payload_of(texts) == ["026", line, "030|S|1|"]

    @pytest.mark.parametrize(
        ("last_id", "row_count"),
        [(1_022, 1), (1_023, 4), (1_025, 4), (1_027, 1)],
        ids=["before its end", "at its end", "across its end", "behind its end"],
    )
    def test_do_not_where_a_stretch_ends_which_is_read_by_itself(
        self, last_id: int, row_count: int
    ) -> None:
        assert len(rows(self.USUAL, first_id=last_id - 3)) == row_count

    @pytest.mark.parametrize("end", ["|", "", "||x|y"], ids=["usual", "cut", "longer"])
    def test_are_held_as_they_came_where_a_stretch_ends(self, end: str) -> None:
        texts = [f"026|{builder.MPAN}|V{end}", f"028|a 1|R{end}", f"030|S|1{end}", "030|N|2|"]

        made = rows(texts, first_id=1_021)

        assert [held for _, held in made] == [[text] for text in texts]

    def test_stand_in_one_row_with_32_readings_and_no_more(self) -> None:
        made = rows([*self.USUAL[:2], *["030|S|1|"] * 34])

        assert [len(held) for _, held in made] == [34, 1, 1]
        assert made[1][0] == f"35\t2\treading\t{builder.MPAN}\tA1\tR\tV"

    @pytest.mark.parametrize(
        "item",
        ["026|1|\\tV|", "026|\\t1|V|", "028|A1|R\\\\|", "028|A\\t|R|"],
        ids=["status", "MPAN", "reading type", "serial number"],
    )
    def test_do_not_where_copy_would_take_what_they_say_otherwise(self, item: str) -> None:
        texts = [*self.USUAL]
        texts[int(item.startswith("028"))] = item

        assert len(rows(texts)) == 4

    @pytest.mark.parametrize(
        "texts",
        [["026|1|" + "x" * 65_000], ["026|1|V|", "028|A1|" + "x" * 65_000, "027|"]],
        ids=["meter point", "meter"],
    )
    def test_take_no_longer_than_their_length_is_worth(self, texts: list[str]) -> None:
        started = time.process_time()

        place(texts * 20)

        assert time.process_time() - started < 1


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

    @pytest.mark.parametrize("flow", flows.KNOWN.values(), ids=lambda flow: flow.name)
    def test_has_no_code_that_is_one_of_the_envelope_but_for_a_character(
        self, flow: grammar.Flow
    ) -> None:
        for group, code in itertools.product(flow.groups, grammar.ENVELOPE_KINDS):
            assert sum(map(operator.ne, group.code, code)) > 1, group.code

    def test_remembers_in_the_next_call_what_was_closed(self) -> None:
        positions = lines.Positions(D0010)
        place([f"026|{builder.MPAN}|V|", "028|A1|R|", "O26|"], positions=positions)

        placed = place(["028|B2|R|"], first_id=4, positions=positions)

        assert placed == [(4, "028|B2|R|", None, "meter", "", "B2", "R", "")]
