"""The transform in work tables, as on a cluster, here on one machine."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from etl.postgres import ways, work_tables
from tests import conftest
from tests.integration import contents, test_partitions


TABLES = (*test_partitions.SPREAD, *test_partitions.BESIDE)


@pytest.fixture
def in_work_tables() -> Iterator[None]:
    with transaction.atomic():
        work_tables.make()
    yield
    test_partitions.execute(f"DROP TABLE {', '.join(work_tables.names())}")


def load_all(run: conftest.Run, folder: pathlib.Path) -> dict[str, Any]:
    """Return all that is stored of some files, which are written to the folder."""

    def write(content: bytes, name: str) -> pathlib.Path:
        (folder / name).write_bytes(content)
        return folder / name

    # So that each time begins with the same ids.
    test_partitions.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")
    run("load_d0010", write(contents.stored_file(), "stored.uff"))
    run("load_d0010", write(contents.next_file(), "next.uff"), conftest.SAMPLE)
    strict = [write(one, f"{place}.uff") for place, one in enumerate(contents.small_files(12))]
    run("load_d0010", "--batch", "--strict", *strict, write(contents.next_file(), "again.uff"))
    run("export_readings", "--output", folder / "readings.csv")
    return {**test_partitions.stored(), "export": (folder / "readings.csv").read_text()}


@pytest.mark.django_db(transaction=True)
class TestTransform:
    @pytest.mark.thorough
    def test_gives_the_same_rows_as_in_temporary_tables(
        self, run: conftest.Run, tmp_path: pathlib.Path, request: pytest.FixtureRequest
    ) -> None:
        plain = load_all(run, tmp_path)
        request.getfixturevalue("in_work_tables")
        beside = load_all(run, tmp_path)

        for name in plain:
            assert plain[name]
            assert beside[name] == plain[name], name
        for status in ("LOADED", "LOADED_WITH_REJECTIONS", "REJECTED"):
            assert any(f'"status": "{status}"' in row for (row,) in plain["flow_file"])
        assert run("reconcile", "--deep").code == 0

    @pytest.mark.usefixtures("in_work_tables")
    def test_leaves_nothing_in_them(
        self, run: conftest.Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ways, "LINES_WORTH_A_CLUSTER", 0)

        run("load_d0010", "--dry-run", conftest.SAMPLE)
        run("load_d0010", conftest.SAMPLE)
        run("reconcile")

        for table in work_tables.names():
            assert test_partitions.rows(f"TABLE {table}") == []

    @pytest.mark.usefixtures("in_work_tables")
    @pytest.mark.parametrize("least", [0, 1_000], ids=["in work tables", "gathered"])
    def test_takes_no_part_of_a_file_for_the_whole(
        self, run: conftest.Run, monkeypatch: pytest.MonkeyPatch, least: int
    ) -> None:
        """As after the loss of a machine, which has yet to finish what was committed."""
        monkeypatch.setattr(ways, "LINES_WORTH_A_CLUSTER", least)
        run("load_d0010", "--stage-only", conftest.SAMPLE)
        # Out of the file's reach, and back again.
        test_partitions.execute(
            "UPDATE staged_text SET id = -id WHERE id = (SELECT max(id) FROM staged_text)"
        )

        ended = run("transform_pending")

        assert ended.code == 1
        assert "of 37 lines that were staged 36 can be seen" in ended.err
        assert test_partitions.rows("SELECT status FROM flow_file") == [("STAGED",)]
        test_partitions.execute("UPDATE staged_text SET id = -id WHERE id < 0")
        assert run("transform_pending").code == 0
        assert run("reconcile").code == 0
