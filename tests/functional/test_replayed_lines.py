"""Raw lines that `reconcile` reads again, to give them their places once more."""

from __future__ import annotations

import pytest
from django import db

from tests import builder, conftest


LINES = builder.flow_file(
    builder.meter_point(
        builder.MPAN,
        builder.meter("A1", builder.reading(value="1.0"), builder.reading(value="2.0")),
    ),
    builder.meter_point(builder.OTHER_MPAN, builder.meter(r"B\2", builder.reading())),
).splitlines(keepends=True)


@pytest.mark.django_db(transaction=True)
class TestReplayedLines:
    @pytest.mark.parametrize("place", [1, 3, len(LINES) - 1])
    def test_may_have_blank_ones_between(
        self, run: conftest.Run, write: conftest.Write, place: int
    ) -> None:
        content = b"".join([*LINES[:place], b"\n", b" \t\n", *LINES[place:]])
        assert run("load_d0010", write(content)).code == 0

        assert run("reconcile").code == 0

    def test_are_those_of_their_file_by_number(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        run("load_d0010", write(b"".join(LINES)))
        with db.connection.cursor() as cursor:
            cursor.execute("UPDATE staged_text SET id = id + 100 WHERE kind = 'trailer'")

        ended = run("reconcile")

        assert ended.code == 1
        assert (
            "raw lines that take something else from those above, first at line"
            f" {len(LINES) + 100}: expected 0, found 1"
        ) in ended.out
