from __future__ import annotations

from decimal import Decimal

import pytest

from etl.models import StagedLine
from tests import builder, conftest, depth
from tests.functional import tables
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)


class TestHierarchy:
    def test_keeps_two_meters_of_a_meter_point_apart(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value="1.0")),
                builder.meter("B2", builder.reading(value="2.0")),
            )
        )

        run("load_d0010", write(content))

        assert tables.stored() == {
            (builder.MPAN, "A1", "S", "1.0"),
            (builder.MPAN, "B2", "S", "2.0"),
        }

    def test_keeps_two_registers_of_a_meter_apart(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter(
                    "A1",
                    builder.reading("DY", value="1.0"),
                    builder.reading("NT", value="2.0"),
                ),
            )
        )

        run("load_d0010", write(content))

        assert tables.stored() == {
            (builder.MPAN, "A1", "DY", "1.0"),
            (builder.MPAN, "A1", "NT", "2.0"),
        }

    def test_takes_what_stands_above_from_the_group_that_a_reading_is_in(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value="1.0"), reading_type="F"),
                builder.meter("A1", builder.reading(value="2.0"), reading_type="I"),
            ),
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(value="3.0"), reading_type="C"),
                validation_status="F",
            ),
        )

        run("load_d0010", write(content))

        assert (models.MeterPoint.objects.count(), models.Meter.objects.count()) == (1, 1)
        assert set(
            models.Reading.objects.values_list("value", "reading_type", "validation_status")
        ) == {
            (Decimal("1.0"), "F", "V"),
            (Decimal("2.0"), "I", "V"),
            (Decimal("3.0"), "C", "F"),
        }

    def test_keeps_a_meter_without_readings(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
            builder.meter_point(builder.OTHER_MPAN, builder.meter("B2")),
        )

        ended = run("load_d0010", write(content))

        assert ended.code == 0
        assert tables.stored() == {(builder.MPAN, "A1", "S", "100.0")}
        assert models.Meter.objects.get(serial_number="B2").mpan_core == builder.OTHER_MPAN

    def test_finds_registers_that_an_earlier_file_brought(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(builder.simple("1.0", file_id="1"), "one.uff"))

        run("load_d0010", write(builder.simple("2.0", file_id="2"), "two.uff"))

        assert tables.stored() == {
            (builder.MPAN, "A1", "S", "1.0"),
            (builder.MPAN, "A1", "S", "2.0"),
        }
        assert models.Register.objects.count() == 1


class TestBrokenHierarchy:
    def test_attaches_a_reading_without_meter_to_nothing(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
            builder.meter_point(builder.OTHER_MPAN, builder.reading(value="666.0")),
        )

        ended = run("load_d0010", write(content))

        assert ended.code == 1
        assert "loaded with rejections (1 reading; 1 line rejected; orphan-line 1)" in ended.out
        assert tables.stored() == {(builder.MPAN, "A1", "S", "100.0")}
        issue = models.LineIssue.objects.get()
        assert (issue.line_number, issue.code, issue.mpan_core) == (
            6,
            "orphan-line",
            builder.OTHER_MPAN,
        )

    @pytest.mark.parametrize(
        "damaged",
        depth.some(
            [f"O26|{builder.OTHER_MPAN}|V|", "026", f" 026|{builder.OTHER_MPAN}|V|", "\\26|"],
            one_of=3,
        ),
        ids=depth.some(["another character", "cut", "shifted", "a backslash"], one_of=3),
    )
    def test_attaches_nothing_to_the_meter_point_above_a_damaged_line(
        self, run: conftest.Run, write: conftest.Write, damaged: str
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(builder.MPAN, builder.meter("A1", builder.reading())),
            builder.line(damaged),
            builder.line("027|20||"),
            builder.meter("B2", builder.reading(value="666.0", below=["033|20||"])),
            builder.meter_point(
                builder.THIRD_MPAN, builder.meter("C3", builder.reading(value="3.0"))
            ),
        )

        ended = run("load_d0010", write(content))

        assert "loaded with rejections (2 readings; 5 lines rejected; orphan-line 2," in ended.out
        assert tables.stored() == {
            (builder.MPAN, "A1", "S", "100.0"),
            (builder.THIRD_MPAN, "C3", "S", "3.0"),
        }
        assert not models.Meter.objects.filter(serial_number="B2").exists()
        assert not models.SiteVisit.objects.exists()
        assert not StagedLine.objects.filter(
            mpan_core=builder.MPAN, payload__startswith="028|B2"
        ).exists()
        assert run("reconcile").code == 0

    def test_keeps_the_siblings_of_a_line_of_an_unknown_group(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(), ["099|x|"], builder.reading("DY")),
            )
        )

        ended = run("load_d0010", write(content))

        assert "(2 readings; 1 line rejected; unknown-group 1)" in ended.out
        assert tables.stored() == {
            (builder.MPAN, "A1", "S", "100.0"),
            (builder.MPAN, "A1", "DY", "100.0"),
        }
