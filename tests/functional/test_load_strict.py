from __future__ import annotations

import pytest

from tests import builder, conftest, depth
from tests.functional import tables
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)


class TestStrict:
    def test_rejects_a_file_whole_for_one_line(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        content = builder.flow_file(
            builder.meter_point(
                builder.MPAN,
                builder.meter("A1", builder.reading(), builder.reading(value="x")),
            )
        )
        bad = write(content, "bad.uff")
        good = write(builder.simple(file_id="2", mpan=builder.OTHER_MPAN), "good.uff")

        ended = run("load_d0010", "--strict", "--batch", bad, good)

        assert ended.code == 1
        assert f"{bad}: rejected (1 line rejected; bad-number 1; line 5 would be" in ended.out
        assert tables.stored() == {(builder.OTHER_MPAN, "A1", "S", "100.0")}
        assert not models.MeterPoint.objects.filter(mpan_core=builder.MPAN).exists()

        ended = run("load_d0010", bad)

        assert "loaded with rejections (1 reading; 1 line rejected; bad-number 1)" in ended.out

    @pytest.mark.parametrize(
        "mode",
        depth.some([(), ("--batch",)], one_of=2),
        ids=depth.some(["one by one", "in batch"], one_of=2),
    )
    def test_frees_the_file_id_for_the_corrected_file_behind_it(
        self, run: conftest.Run, write: conftest.Write, mode: tuple[str, ...]
    ) -> None:
        paths = [
            write(builder.simple(value), f"{place}.uff")
            for place, value in enumerate(["x", "y", "1.0", "2.0"])
        ]
        other = write(builder.simple("3.0", file_id="2"), "other.uff")

        ended = run("load_d0010", "--strict", *mode, *paths, other)

        words = ["bad-number 1", "bad-number 1", "loaded (1", "2.uff (SHA-256", "loaded (1"]
        lines = [line for line in ended.out.splitlines() if not line.startswith(" ")]
        assert [word in line for word, line in zip(words, lines, strict=False)] == [True] * 5
        assert {value for _, _, _, value in tables.stored()} == {"1.0", "3.0"}
        assert models.FlowFile.objects.filter(status="REJECTED").count() == 3
        assert run("reconcile").code == 0

    def test_frees_the_file_id_of_what_had_only_been_staged(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        bad, good = write(builder.simple("x"), "bad.uff"), write(builder.simple("1.0"), "good.uff")
        run("load_d0010", "--stage-only", bad)

        ended = run("load_d0010", "--strict", "--batch", bad, good)

        assert "bad.uff: rejected (" in ended.out
        assert "good.uff: loaded (1 reading)" in ended.out

    def test_says_but_once_what_came_twice_around_a_file_id_that_is_held(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        other = builder.simple("3.0", file_id="2")
        paths = [
            write(content, f"{place}.uff")
            for place, content in enumerate([builder.simple("x"), other, builder.simple(), other])
        ]

        ended = run("load_d0010", "--strict", "--batch", *paths)

        assert [
            line.split(": ")[1].split(" (")[0]
            for line in ended.out.splitlines()
            if line.startswith("/")
        ] == ["rejected", "loaded", "loaded", "duplicate"]

    def test_frees_the_file_id_that_a_file_holds_since_a_crash(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", "--stage-only", "--strict", write(builder.simple("x"), "bad.uff"))

        ended = run("load_d0010", write(builder.simple("1.0"), "good.uff"))

        assert "good.uff: loaded (1 reading)" in ended.out
        assert models.FlowFile.objects.get(file_name="bad.uff").status == "REJECTED"

    def test_holds_the_file_id_while_files_are_only_staged(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        bad, good = write(builder.simple("x"), "bad.uff"), write(builder.simple(), "good.uff")

        ended = run("load_d0010", "--stage-only", "--strict", "--batch", bad, good)

        assert [line.split(": ")[1][:8] for line in ended.out.splitlines()[:2]] == [
            "staged",
            "rejected",
        ]
        assert "bad.uff (SHA-256" in ended.out

    def test_holds_for_what_had_only_been_staged_and_is_finished(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple("x"))
        run("load_d0010", "--stage-only", path)

        ended = run("load_d0010", "--strict", path)

        assert ": rejected (" in ended.out
        assert ended.code == 1
        assert not models.MeterPoint.objects.exists()

    def test_holds_for_what_is_finished_by_somebody_who_does_not_say_so(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.simple("x"))
        run("load_d0010", "--stage-only", "--strict", path)

        refused, again = run("load_d0010", path), run("load_d0010", path)

        assert ": rejected (" in refused.out
        assert ": loaded with rejections (" in again.out


class TestStageOnly:
    def test_leaves_the_rest_to_transform_pending(self, run: conftest.Run) -> None:
        staged = run("load_d0010", "--stage-only", conftest.SAMPLE)

        assert (staged.code, tables.counts()["staged_line"], tables.counts()["reading"]) == (
            0,
            37,
            0,
        )
        assert "staged" in staged.out

        finished = run("transform_pending")

        assert finished.code == 0
        assert f"{conftest.SAMPLE.name}: loaded (13 readings)" in finished.out
        assert tables.counts() == tables.SAMPLE_COUNTS
        assert "nothing to do" in run("transform_pending").out

    def test_is_finished_by_loading_the_same_content(self, run: conftest.Run) -> None:
        run("load_d0010", "--stage-only", conftest.SAMPLE)

        ended = run("load_d0010", conftest.SAMPLE)

        assert "loaded (13 readings)" in ended.out
        assert tables.counts() == tables.SAMPLE_COUNTS
