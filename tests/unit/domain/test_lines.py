from __future__ import annotations

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
