from __future__ import annotations

import pytest

from etl.domain import lines
from tests import builder


def parents(texts: list[str]) -> list[int | None]:
    return [parent for _, parent, _, _, _ in lines.Positions().place(texts, first_id=1)]


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

    @pytest.mark.parametrize(
        "line",
        ["026", "26|", "0026|", "\x0026|", "O 6|", "０26|", "|", "x"],  # noqa: RUF001 - no ASCII
    )
    def test_closes_all_behind_a_line_without_a_code_for_it_may_have_been_any(
        self, line: str
    ) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", line, "027|", "028|", "030|", "032|"]

        placed = list(lines.Positions().place(texts, first_id=1))[4:]

        assert [(parent, mpan_core) for _, parent, _, mpan_core, _ in placed] == [
            (None, ""),
            (None, ""),
            (6, ""),
            (7, ""),
        ]

    @pytest.mark.parametrize("code", ["O26", "0Z6", "02a", "020", "036", "926"])
    def test_closes_all_behind_a_code_that_is_026_but_for_a_character(self, code: str) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", f"{code}|", "027|", "028|", "030|"]

        placed = list(lines.Positions().place(texts, first_id=1))[4:]

        assert [(parent, mpan_core) for _, parent, _, mpan_core, _ in placed] == [
            (None, ""),
            (None, ""),
            (6, ""),
        ]

    @pytest.mark.parametrize("code", ["O28", "038", "0B8", "128"])
    def test_closes_the_meter_behind_a_code_that_is_028_but_for_a_character(
        self, code: str
    ) -> None:
        texts = [f"026|{builder.MPAN}|V|", "028|", "030|", f"{code}|", "027|", "029|", "030|"]

        placed = list(lines.Positions().place([*texts, "032|", "028|"], first_id=1))[4:]

        assert [parent for _, parent, _, _, _ in placed] == [1, None, None, 7, 1]
        assert {mpan_core for _, _, _, mpan_core, _ in placed} == {builder.MPAN}

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

        placed = list(lines.Positions().place(texts, first_id=1))[4:]

        assert [parent for _, parent, _, _, _ in placed] == [3, 2, 1]
        assert {mpan_core for _, _, _, mpan_core, _ in placed} == {builder.MPAN}

    def test_remembers_in_the_next_call_what_was_closed(self) -> None:
        positions = lines.Positions()
        list(positions.place([f"026|{builder.MPAN}|V|", "028|A1|R|", "O26|"], first_id=1))

        placed = list(positions.place(["028|B2|R|"], first_id=4))

        assert placed == [(4, None, "028", "", "028|B2|R|")]

    def test_carries_state_from_one_call_to_the_next(self) -> None:
        positions = lines.Positions()
        list(positions.place([f"026|{builder.MPAN}|V|", "028|A1|R|"], first_id=1))

        placed = list(positions.place(["030|S|"], first_id=3))

        assert placed == [(3, 2, "030", builder.MPAN, "030|S|")]

    def test_names_the_meter_point_only_where_13_digits_name_it(self) -> None:
        texts = [
            "ZHV|1|",
            f"026|{builder.MPAN}|V|",
            "028|A1|R|",
            "026|12345|V|",
            "028|A1|R|",
            "026|１２０００２３３０５９６７|V|",  # noqa: RUF001 - digits, but not these
            "ABC|",
            "0300|S|",
            "03",
        ]

        placed = lines.Positions().place(texts, first_id=1)

        assert [(group_code, mpan_core) for _, _, group_code, mpan_core, _ in placed] == [
            ("ZHV", ""),
            ("026", builder.MPAN),
            ("028", builder.MPAN),
            ("026", ""),
            ("028", ""),
            ("026", ""),
            ("ABC", ""),
            ("", ""),
            ("", ""),
        ]
