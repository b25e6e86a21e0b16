"""Which meter points are told to lack readings, and which advances to be sudden jumps."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests import builder
from warehouse import models
from warehouse.queries import gaps


pytestmark = pytest.mark.django_db

UNTIL = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
NOW = UNTIL + datetime.timedelta(days=10)
ASKED = {"until": UNTIL, "now": NOW, "sender": ""}


@pytest.fixture(autouse=True)
def flow_file() -> models.FlowFile:
    return models.FlowFile.objects.create(
        sha256="x", file_name="one.uff", status="LOADED", sender="UDMS", sender_role="D", size=1
    )


def _store(
    file: models.FlowFile, *stated: Mapping[str, Any], mpan_core: str = builder.MPAN
) -> None:
    """Store readings of a meter point: each says how many days ago it was read, and its value."""
    models.MeterPoint.objects.create(mpan_core=mpan_core, line_id=(file.pk << 32) + 7)
    line = models.Reading.objects.count()
    readings = []
    for place, one in enumerate(stated, start=line):
        said: dict[str, Any] = {"serial_key": "A1", "identifier": "S", "reading_type": "R"}
        said |= {"validation_status": "V", "reading_flag": "T", **one}
        days, value = said.pop("days"), said.pop("value", 100)
        readings.append(
            models.Reading(
                id=(file.pk << 32) + 10 + place,
                mpan_core=mpan_core,
                read_at=UNTIL - datetime.timedelta(days=days),
                stated_at=UNTIL + datetime.timedelta(seconds=place),
                value=decimal.Decimal(value),
                **said,
            )
        )
    models.Reading.objects.bulk_create(readings)
    registers = {(one.serial_key, one.identifier): one.pk for one in readings}
    models.Register.objects.bulk_create(
        models.Register(id=pk, mpan_core=mpan_core, serial_key=serial_key, identifier=identifier)
        for (serial_key, identifier), pk in registers.items()
    )


def _gaps(**asked: Any) -> dict[str, int | None]:
    asked = {"days": 90, **ASKED, **asked}
    return {row.mpan_core: row.days for part in gaps.gaps(**asked) for row in part.rows}


def _jumps(**asked: Any) -> list[gaps.Jump]:
    asked = {"times": 10, "days": 120, **ASKED, **asked}
    return [row for part in gaps.jumps(**asked) for row in part.rows]


class TestGaps:
    @pytest.mark.parametrize(
        "late",
        [
            pytest.param([{"days": 20, "validation_status": "F"}], id="failed validation"),
            pytest.param([{"days": 20, "reading_flag": "F"}], id="suspect"),
            pytest.param([{"days": -20}], id="in the future"),
            pytest.param([{"days": 20}, {"days": 20, "reading_type": "W"}], id="taken back"),
            pytest.param(
                [{"days": 20, "value": 7, "reading_type": "W"}], id="another one taken back"
            ),
            pytest.param(
                [{"days": 20, "value": 7}, {"days": 20, "value": 9, "reading_flag": "F"}],
                id="replaced by a suspect one",
            ),
        ],
    )
    def test_lack_a_reading_to_quote_of_late(
        self, flow_file: models.FlowFile, late: Sequence[Mapping[str, Any]]
    ) -> None:
        _store(flow_file, {"days": 120}, *late)

        assert _gaps() == {builder.MPAN: 120}

    @pytest.mark.parametrize(
        "late",
        [
            pytest.param([{"days": 20}], id="one that counts"),
            pytest.param([{"days": -5}], id="later than the newest file and not in the future"),
            pytest.param([{"days": 20, "identifier": "N"}], id="of another register"),
            pytest.param([{"days": 20}, {"days": 20}], id="sent again"),
            pytest.param([{"days": 20, "value": 1}, {"days": 20}], id="corrected"),
            pytest.param(
                [{"days": 20, "reading_flag": "F", "reading_status": "T"}],
                id="suspect and then accepted",
            ),
        ],
    )
    def test_are_none_where_one_came(
        self, flow_file: models.FlowFile, late: Sequence[Mapping[str, Any]]
    ) -> None:
        _store(flow_file, {"days": 120}, *late)

        assert _gaps() == {}
        assert _gaps(days=1) != {} or late[0]["days"] < 0

    @pytest.mark.parametrize("days", [90, 365, 3650])
    def test_are_found_at_any_age(self, flow_file: models.FlowFile, days: int) -> None:
        _store(flow_file, {"days": days - 1})
        _store(flow_file, {"days": days + 1}, mpan_core=builder.OTHER_MPAN)

        assert _gaps(days=days) == {builder.OTHER_MPAN: days + 1}

    def test_tell_the_file_of_the_reading_or_that_of_the_meter_point(
        self, flow_file: models.FlowFile
    ) -> None:
        _store(flow_file, {"days": 120})
        _store(flow_file, {"days": 1, "reading_flag": "F"}, mpan_core=builder.OTHER_MPAN)

        [stretch] = gaps.gaps(days=90, **ASKED)  # type: ignore[arg-type] # as told

        read, never = stretch.rows
        assert (read.days, read.line_number, read.file_name) == (120, 10, "one.uff")
        assert (never.days, never.line_number, never.read_at) == (None, 7, None)

    def test_are_told_of_one_sender(self, flow_file: models.FlowFile) -> None:
        _store(flow_file, {"days": 120})

        assert _gaps(sender="UDMS") == {builder.MPAN: 120}
        assert _gaps(sender="OTHR") == {}

    def test_come_a_stretch_at_a_time(
        self, flow_file: models.FlowFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gaps, "LOOKED_THROUGH_AT_ONCE", 1)
        for mpan_core in sorted([builder.MPAN, builder.OTHER_MPAN]):
            _store(flow_file, {"days": 120}, mpan_core=mpan_core)

        assert [*_gaps()] == [builder.MPAN, builder.OTHER_MPAN]
        assert [*_gaps(after=builder.MPAN)] == [builder.OTHER_MPAN]


def _steady(**said: Any) -> list[dict[str, Any]]:
    """Return quarterly readings with an advance of 90, one a day, to 910 some 90 days ago."""
    return [{"days": 900 - 90 * place, "value": 100 + 90 * place, **said} for place in range(10)]


def _daily(**said: Any) -> list[dict[str, Any]]:
    """Return readings of four days with an advance of one a day, from 2001 some 44 days ago."""
    return [{"days": 44 - place, "value": 2001 + place, **said} for place in range(4)]


class TestJumps:
    @pytest.mark.parametrize(
        "late",
        [
            pytest.param([{"days": 0, "value": 1810}], id="ten times as fast"),
            pytest.param([{"days": 0, "value": 90_000}], id="a digit too many"),
            pytest.param(
                [{"days": 60, "value": 9000}, {"days": 0, "value": 970}],
                id="and back again",
            ),
            pytest.param(
                [{"days": 0, "value": 9000}, {"days": 0, "value": 9000}], id="sent again"
            ),
            pytest.param(
                [{"days": 60, "value": 940, "reading_flag": "F"}, {"days": 0, "value": 9000}],
                id="after one that is doubted",
            ),
            pytest.param(
                [{"days": 60, "value": 1450}, {"days": 30, "value": 2260}],
                id="and goes on like that",
            ),
            pytest.param(
                [{"days": days, "value": 9000 - days} for days in (60, 30, 0)],
                id="third from last",
            ),
            pytest.param(
                [{"days": days, "value": 9000 - days} for days in (60, 30, 0, 0)],
                id="third from last, the last sent again",
            ),
            pytest.param(
                [{"days": 45, "value": 2000}, *_daily(identifier="N")],
                id="before steady readings of another register",
            ),
            pytest.param(
                [{"days": 45, "value": 2000}, *_daily(serial_key="B2")],
                id="before steady readings of another meter",
            ),
        ],
    )
    def test_are_many_times_what_is_usual(
        self, flow_file: models.FlowFile, late: Sequence[Mapping[str, Any]]
    ) -> None:
        _store(flow_file, *_steady(), *late)

        [jump] = _jumps()

        assert jump.from_value == decimal.Decimal(910)
        assert jump.usual_per_day == 1.0
        assert jump.per_day >= 10
        assert _jumps(times=10_000) == []

    @pytest.mark.parametrize(
        "late",
        [
            pytest.param([{"days": 0, "value": 1800}], id="not quite as fast"),
            pytest.param([{"days": 0, "value": 5}], id="a dial that starts again from zero"),
            pytest.param([{"days": 0, "value": 9000, "reading_flag": "F"}], id="suspect"),
            pytest.param([{"days": -20, "value": 90_000}], id="in the future"),
            pytest.param([{"days": 0, "value": 9000, "reading_type": "I"}], id="initial"),
            pytest.param([{"days": 0, "value": 9000, "serial_key": "B2"}], id="a new meter"),
            pytest.param([{"days": 0, "value": 9000, "identifier": "N"}], id="another register"),
            pytest.param([{"days": 0, "value": 9000}, {"days": 0, "value": 1000}], id="corrected"),
            pytest.param(
                [{"days": 0, "value": 9000}, {"days": 0, "value": 9000, "reading_type": "W"}],
                id="taken back",
            ),
            pytest.param(
                [{"days": 90 - 1 / 24, "value": 918}], id="a good deal for an hour, not for a day"
            ),
            pytest.param([{"days": 0, "value": 9000, "md_reset_count": 1}], id="maximum demand"),
            pytest.param(
                [{"days": days, "value": 9000 - days} for days in (80, 60, 30, 0, 0)],
                id="fourth from last, the last sent again",
            ),
        ],
    )
    def test_are_not_what_only_looks_like_one(
        self, flow_file: models.FlowFile, late: Sequence[Mapping[str, Any]]
    ) -> None:
        _store(flow_file, *_steady(), *late)

        assert _jumps() == []

    @pytest.mark.parametrize(
        "late",
        [
            pytest.param(
                [{"days": 45, "value": 990, "reading_flag": "F"}, {"days": 0, "value": 1130}],
                id="a suspect one between",
            ),
            pytest.param(
                [{"days": 45, "value": 990, "reading_type": "W"}, {"days": 0, "value": 1130}],
                id="one taken back between",
            ),
            pytest.param(
                [
                    {"days": 180, "value": 5, "validation_status": "U"},
                    *[{"days": days, "value": 1420 - days} for days in (60, 30, 0)],
                ],
                id="one that is not validated, where the first look ends",
            ),
            pytest.param(
                [
                    {"days": 90, "value": 8000, "validation_status": "U"},
                    {"days": 0, "value": 9000},
                ],
                id="one that is not validated, at the time of the one before",
            ),
        ],
    )
    def test_are_not_hidden_by_what_does_not_count(
        self, flow_file: models.FlowFile, late: Sequence[Mapping[str, Any]]
    ) -> None:
        _store(flow_file, *_steady(), *late)

        [jump] = _jumps(times=2, days=80)

        assert jump.from_value == decimal.Decimal(910)

    def test_keep_day_and_night_apart(self, flow_file: models.FlowFile) -> None:
        night = [
            {**one, "identifier": "N", "value": 50_000 + one["value"] * 40} for one in _steady()
        ]
        _store(flow_file, *_steady(), *night, {"days": 0, "value": 1810})

        [jump] = _jumps()

        assert (jump.register, jump.value) == ("S", decimal.Decimal(1810))

    @pytest.mark.parametrize(
        ("before", "found"),
        [
            pytest.param(_steady()[-2:], 0, id="two advances"),
            pytest.param(_steady()[-3:], 1, id="three advances"),
            pytest.param([*_steady()[-2:], {"days": 50, "value": 7}], 0, id="two and a fall"),
        ],
    )
    def test_need_to_know_what_is_usual(
        self, flow_file: models.FlowFile, before: Sequence[Mapping[str, Any]], found: int
    ) -> None:
        _store(flow_file, *before, {"days": 0, "value": 90_000})

        assert len(_jumps()) == found

    def test_are_of_late(self, flow_file: models.FlowFile) -> None:
        _store(flow_file, *_steady(), {"days": 30, "value": 90_000})

        assert len(_jumps(days=31)) == 1
        assert _jumps(days=29) == []

    def test_are_not_told_where_nothing_is_usual(self, flow_file: models.FlowFile) -> None:
        empty = [{**one, "value": 100} for one in _steady()]
        _store(flow_file, *empty, {"days": 0, "value": 5000})

        assert _jumps() == []


class TestFirstLook:
    @pytest.mark.parametrize("days", [110, 150, 400])
    def test_leaves_a_meter_that_is_read_no_more(
        self, flow_file: models.FlowFile, days: int
    ) -> None:
        old = [{**one, "days": one["days"] + days} for one in _steady()]
        new = [{**one, "days": one["days"] - 90, "serial_key": "B2"} for one in _steady()]
        _store(flow_file, *old, {"days": days - 10, "value": 90_000}, *new)

        assert [jump.serial_number for jump in _jumps(days=days)] == ["A1"]

    def test_finds_a_jump_among_readings_of_each_day(self, flow_file: models.FlowFile) -> None:
        daily = [{"days": 30 - place, "value": 1000 + place} for place in range(28)]
        _store(flow_file, *daily, {"days": 2, "value": 1128})

        [jump] = _jumps(days=30)

        assert (jump.per_day, jump.usual_per_day) == (101.0, 1.0)

    def test_changes_nothing_of_what_is_found(
        self, flow_file: models.FlowFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _store(flow_file, *_steady(), {"days": 0, "value": 1810})
        _store(flow_file, *_steady(), mpan_core=builder.OTHER_MPAN)
        with_one = _jumps()

        monkeypatch.setattr(gaps, "MOST_PASSED_OVER", 0)

        assert _jumps() == with_one
        assert len(with_one) == 1

    @pytest.mark.parametrize(("readings", "is_passed_over"), [(25, True), (26, False)])
    def test_is_a_pass_over_few_readings(
        self,
        flow_file: models.FlowFile,
        readings: int,
        is_passed_over: bool,  # noqa: FBT001 - of parametrize
    ) -> None:
        _store(flow_file, *[{"days": place} for place in range(readings)], {"days": 900})
        since = UNTIL - datetime.timedelta(days=90)

        lately = gaps.first_look_since(after="", since=since, now=NOW)

        assert lately == (since - datetime.timedelta(days=190) if is_passed_over else NOW)


class TestMeasuredAt:
    def test_is_when_the_newest_loaded_file_was_made(self, flow_file: models.FlowFile) -> None:
        assert gaps.measured_at(NOW) is None

        for place, (days, status) in enumerate(
            [(-5, "LOADED"), (0, "LOADED_WITH_REJECTIONS"), (3, "REJECTED"), (400, "LOADED")]
        ):
            flow_file.pk, flow_file.sha256 = None, f"{place}"
            flow_file.file_identifier, flow_file.status = f"{place}", status
            flow_file.file_created_at = UNTIL + datetime.timedelta(days=days)
            flow_file.save()

        assert gaps.measured_at(NOW) == UNTIL
