"""Rows of one file that the server refuses, for a reason that nobody foresaw."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from django import db

from tests import builder, conftest
from tests.faults import forks, snapshot
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def refused(table: str, condition: str) -> Iterator[None]:
    with db.connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT unforeseen CHECK (NOT {condition})")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT unforeseen")


class TestFile:
    @pytest.mark.parametrize(
        ("table", "condition", "reason"),
        [
            ("staged_text", "strpos(payload, '666.0') > 0", ""),
            ("reading", "value = 666", "could not be transformed: "),
        ],
        ids=["staging", "transforming"],
    )
    def test_whose_rows_are_refused_fails_alone_and_tells_no_customers_data(
        self,
        launcher: forks.Launcher,
        run: conftest.Run,
        write: conftest.Write,
        table: str,
        condition: str,
        reason: str,
    ) -> None:
        paths = [
            write(
                builder.simple("666.0" if number == 3 else "1.0", file_id=f"{number}"),
                f"{number}.uff",
            )
            for number in range(7)
        ]

        with refused(table, condition):
            ended = launcher.run("load_d0010", "--batch", *paths)

        reason += f'new row for relation "{table}" violates check constraint "unforeseen"'
        assert ended.code == 1
        assert f"{paths[3]}: failed ({reason})\n" in ended.out
        assert ended.out.count(": loaded (1 reading)\n") == 6
        assert models.Reading.objects.count() == 6
        assert builder.MPAN not in ended.out + ended.err
        assert ended.err.count("\n") == (table == "reading"), ended.err
        for flow_file in models.FlowFile.objects.filter(status="FAILED"):
            assert (flow_file.file_name, flow_file.reason) == ("3.uff", reason)
            assert f"flow file {flow_file.pk} {reason}\n" in ended.err
        snapshot.assert_reconciled()
        # What stood in the way is gone.
        assert run("load_d0010", "--batch", *paths).code == 0
        assert models.Reading.objects.filter(value=666).count() == 1
        snapshot.assert_reconciled()
