from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Callable, Iterator

import pytest
from django import db

from etl.domain import flows, lines
from etl.intake import sources
from etl.models import StagedLine, StagedText
from etl.postgres import transactions
from etl.usecases import stage
from tests import builder, conftest
from warehouse import codes, models


NOON = datetime.datetime(2024, 2, 1, 12, tzinfo=datetime.timezone.utc)


@pytest.mark.django_db(transaction=True)
class TestStageContents:
    def test_leaves_no_trace_of_a_file_that_is_written_to_meanwhile(
        self, write: conftest.Write
    ) -> None:
        readings = [builder.reading()] * 3_000
        path = write(
            builder.flow_file(builder.meter_point(builder.MPAN, builder.meter("A1", *readings)))
        )
        source = sources.Source(sources.Arrival(path=str(path)))
        content = stage.read(source, rules=stage.Rules(), known=())
        with path.open("r+b") as file:
            file.seek(200)
            file.write(b"9")

        with pytest.raises(stage.ContentChangedError):
            transactions.commit(
                lambda: stage.stage_contents(
                    [content],
                    rules=stage.Rules(),
                    delivered_at=NOON,
                    on_progress=lambda _, __: None,
                )
            )

        source.close()
        assert not models.FlowFile.objects.exists()
        assert not StagedLine.objects.exists()


@contextlib.contextmanager
def another_quicker(
    work: Callable[[], conftest.Ended], *, before: Callable[[str], bool]
) -> Iterator[tuple[list[conftest.Ended], list[str]]]:
    """
    Have another connection do its work just before the first such statement of this one.

    Yield how that ended, and the statements of this one.
    """
    ended: list[conftest.Ended] = []
    statements: list[str] = []

    def in_thread() -> None:
        ended.append(work())
        db.connection.close()

    def wrapper(execute: Callable[..., object], sql: str, *rest: object) -> object:
        statements.append(sql)
        if before(sql) and not ended:
            other = threading.Thread(target=in_thread)
            other.start()
            other.join()
        return execute(sql, *rest)

    with db.connection.execute_wrapper(wrapper):
        yield ended, statements


@pytest.mark.django_db(transaction=True)
class TestTwoLoaders:
    def test_judge_what_was_rejected_anew_but_once(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        path = write(builder.flow_file(builder.meter_point(builder.MPAN), test_flag="TR01"))
        assert run("load_d0010", path).code == 1
        with another_quicker(
            lambda: run("load_d0010", "--accept-test-files", path),
            # Between what this one has read and the lock that it takes.
            before=lambda sql: sql.endswith("FOR NO KEY UPDATE"),
        ) as (quicker, statements):
            ended = run("load_d0010", "--accept-test-files", path)

        of_lock = next(i for i, sql in enumerate(statements) if sql.endswith("FOR NO KEY UPDATE"))
        assert not any("pg_advisory_xact_lock" in sql for sql in statements[:of_lock])
        assert ": loaded" in quicker[0].out
        assert ": duplicate" in ended.out
        assert models.FlowFile.objects.get().status == codes.FlowFileStatus.LOADED
        assert run("reconcile").code == 0

    @pytest.mark.parametrize("mode", [(), ("--batch",)], ids=["one by one", "in batch"])
    def test_say_but_once_that_a_content_was_loaded(
        self, run: conftest.Run, write: conftest.Write, mode: tuple[str, ...]
    ) -> None:
        path = write(builder.simple())

        with another_quicker(
            lambda: run("load_d0010", *mode, path),
            # What this one has staged, the other one transforms.
            before=lambda sql: "pg_advisory_xact_lock_shared" in sql,
        ) as (quicker, _):
            ended = run("load_d0010", *mode, path)

        assert ": loaded (1 reading)" in quicker[0].out
        assert f": duplicate (same content as {path.name})" in ended.out
        assert models.Delivery.objects.count() == 2

    def test_say_that_it_was_loaded_when_transform_pending_was_quicker(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        with another_quicker(
            lambda: run("transform_pending"),
            before=lambda sql: "pg_advisory_xact_lock_shared" in sql,
        ) as (quicker, _):
            ended = run("load_d0010", write(builder.simple()))

        assert "file.uff: loaded (1 reading)" in quicker[0].out
        assert ": loaded (1 reading)" in ended.out

    def test_begin_again_and_alone_when_another_inserted_their_new_meter(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        paths = [
            write(builder.simple(value, file_id=value), f"{value}.uff") for value in ("1.0", "2.0")
        ]

        with another_quicker(
            lambda: run("load_d0010", paths[1]),
            # Between the judgement that the meter is new and its insert.
            before=lambda sql: sql.startswith("/* 70_insert_meter_points */"),
        ) as (quicker, statements):
            ended = run("load_d0010", paths[0])

        assert ": loaded" in quicker[0].out
        assert ": loaded" in ended.out
        turns = [sql for sql in statements if "pg_advisory_xact_lock" in sql]
        assert ["shared" in turn for turn in turns] == [True, False]
        assert models.Register.objects.count() == 1
        assert sorted(reading.value for reading in models.Reading.objects.all()) == [1, 2]
        assert run("reconcile").code == 0


@pytest.mark.django_db
class TestStagedLine:
    def test_has_each_line_in_a_row_whatever_stands_in_one(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        """Usual meter points with 1 to 40 readings, others, in more than one stretch."""
        content = builder.flow_file(
            *(
                builder.meter_point(
                    f"{1_200_000_000_000 + number}",
                    *([builder.line("027|01||")] if number % 7 == 0 else []),
                    builder.meter(
                        f"A{number}",
                        *(builder.reading(value=f"{one}.0") for one in range(number % 40 + 1)),
                    ),
                )
                for number in range(120)
            )
        )
        assert run("load_d0010", "--stage-only", write(content)).code == 0

        flow_file = models.FlowFile.objects.get()
        one_by_one = lines.Positions(flows.of(flow_file.flow))
        rows = [
            one_by_one.rows(f"{text}\n", first_id=line_id)
            for line_id, text in enumerate(content.decode().splitlines(), flow_file.pk << 32 | 1)
        ]
        columns = (
            *("id", "parent_id", "kind", "mpan_core", "serial_key", "reading_type"),
            *("validation_status", "payload"),
        )
        stored = StagedLine.objects.order_by("id").values_list(*columns)
        assert len(rows) > 2_000
        assert StagedText.objects.count() < len(rows) / 4
        assert [
            "\t".join(r"\N" if value is None else str(value) for value in row) + "\n"
            for row in stored
        ] == rows
        assert all(line.stretch == line.pk >> 10 for line in StagedLine.objects.all())
