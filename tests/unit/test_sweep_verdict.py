"""What the sweep of file sizes says of curves, on made-up figures."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.benchmarks.sweep import figures, verdict


LIMIT = 120.0
STRAIGHT = {13: 0.050, 1_000: 0.080, 5_000: 0.200, 100_000: 3.000}


def curve(*, stored: int, meters: str = "known") -> figures.Curve:
    return figures.Curve(checkout="this", what=figures.LOAD, meters=meters, stored=stored)


def points(seconds: Mapping[int, float]) -> list[figures.Point]:
    return [
        figures.Point(readings=readings, limit=LIMIT)
        if taken == LIMIT
        else figures.Point(readings=readings, runs=(taken,))
        for readings, taken in seconds.items()
    ]


def faults_of(seconds: Mapping[int, float]) -> list[str]:
    return list(verdict.judge({curve(stored=0): points(seconds)}).faults)


def faults_over_empty(factor: float, *, stored: int, meters: str = "known") -> list[str]:
    slower = {readings: factor * taken for readings, taken in STRAIGHT.items()}
    curves = {
        curve(stored=0, meters=meters): points(STRAIGHT),
        curve(stored=stored, meters=meters): points(slower),
    }
    return list(verdict.judge(curves).faults)


class TestSpikes:
    def test_are_not_found_in_a_straight_curve(self) -> None:
        assert faults_of(STRAIGHT) == []

    def test_are_found_with_their_size_and_the_line(self) -> None:
        (fault,) = faults_of({**STRAIGHT, 1_000: 53.0})

        assert "load, meters known, empty database, 1,000 readings: 53.000 s" in fault
        # 0.05 s at 13 and 0.2 s at 5,000: at 1,000 the line has 0.05 + 987 / 4,987 of 0.15 s.
        assert "the 0.080 s of the straight line between 13 and 5,000 readings" in fault

    @pytest.mark.parametrize(
        ("seconds", "found"), [(0.105, 0), (0.125, 1)], ids=["by less", "by more"]
    )
    def test_are_points_above_the_line_by_more_than_a_third(
        self, seconds: float, found: int
    ) -> None:
        assert len(faults_of({**STRAIGHT, 1_000: seconds})) == found

    def test_are_not_points_that_chance_explains(self) -> None:
        assert faults_of({13: 0.010, 1_000: 0.019, 5_000: 0.010}) == []

    def test_of_two_sizes_side_by_side_are_found(self) -> None:
        found = faults_of({**STRAIGHT, 1_000: 53.0, 5_000: LIMIT})

        assert any("1,000 readings: 53.000 s" in fault for fault in found)

    def test_that_took_longer_than_the_limit_are_told_of(self) -> None:
        found = faults_of({**STRAIGHT, 5_000: LIMIT})

        assert any("5,000 readings: more than 120 s" in fault for fault in found)

    def test_are_told_of_also_at_the_ends(self) -> None:
        (fault,) = faults_of({**STRAIGHT, 100_000: LIMIT})

        assert "100,000 readings: more than 120 s" in fault


class TestCostOfWhatIsStored:
    @pytest.mark.parametrize(
        ("factor", "stored", "found"),
        [
            (1.25, 4_800_000, 0),
            (1.6, 4_800_000, 4),
            (1.6, 50_000_000, 0),
            (2.3, 50_000_000, 4),
        ],
        ids=["little for two files", "much for two files", "little for years", "much for years"],
    )
    def test_is_held_against_the_empty_database_at_each_size(
        self, factor: float, stored: int, found: int
    ) -> None:
        assert len(faults_over_empty(factor, stored=stored)) == found

    def test_is_told_in_words(self) -> None:
        fault = faults_over_empty(3, stored=4_800_000)[1]

        assert "load, meters known, 4,800,000 lines stored, 1,000 readings: 0.240 s" in fault
        assert "3.0 times the 0.080 s in an empty database, wanted 1.3 at most" in fault

    def test_is_not_judged_for_new_meters(self) -> None:
        assert faults_over_empty(3, stored=4_800_000, meters="new") == []


class TestWhatCannotBeJudged:
    def test_is_said(self) -> None:
        unjudged = verdict.judge({curve(stored=0): points({13: 0.05, 100: 0.06})}).unjudged

        assert any("an empty database and another are needed" in text for text in unjudged)
        assert any("three sizes are needed" in text for text in unjudged)


class TestPoint:
    def test_has_the_median_of_its_runs(self) -> None:
        found = figures.Figures()
        for seconds in (0.3, 0.1, 0.2):
            found.add(curve(stored=0), 13, seconds)

        ((point,),) = found.curves().values()

        assert point.seconds == 0.2

    def test_has_the_limit_where_one_run_did_not_keep_it(self) -> None:
        found = figures.Figures()
        found.add(curve(stored=0), 13, 0.3)
        found.add_too_long(curve(stored=0), 13, LIMIT)

        ((point,),) = found.curves().values()

        assert point.seconds == LIMIT
