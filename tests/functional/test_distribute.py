from __future__ import annotations

import pytest

from tests import conftest


@pytest.mark.django_db
class TestDistribute:
    def test_says_that_there_is_no_cluster(self, run: conftest.Run) -> None:
        ended = run("distribute")

        assert ended.code == 1
        assert ended.err == (
            "the database has no Citus extension: install it on all machines and run `CREATE"
            " EXTENSION citus`, or stay on one machine, where nothing is to be distributed."
        )

    @pytest.mark.parametrize("shards", ["0", "some", "-1", "1025"])
    def test_refuses_what_is_no_number_of_shards(self, run: conftest.Run, shards: str) -> None:
        ended = run("distribute", f"--shards={shards}")

        assert ended.code == 2
        assert f"'{shards}' is not a number of shards: expected 1 to 1,024" in ended.err
