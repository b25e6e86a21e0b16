"""The sweep of file sizes, at sizes whose figures mean nothing: that it works and says so."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from tests import conftest
from tests.benchmarks.loading import bench, processes
from tests.benchmarks.sweep import figures, files, measuring, stores


CHECKOUT = processes.Checkout(name="other", root=conftest.ROOT, python=sys.executable)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def swept(folder: pathlib.Path) -> dict[str, Any]:
    """Return what the sweep, as a process, writes as JSON, with what it prints and draws."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.sweep", "--quick", "--sizes=13"),
            *("--stores=240", "--meters=known", "--batches=2", "--time-limit=60"),
            *(f"--json={folder / 'found.json'}", f"--chart={folder / 'chart.svg'}"),
        ],
        cwd=conftest.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return {**found, "printed": ended.stdout, "chart": (folder / "chart.svg").read_text()}


@pytest.fixture(scope="module")
def laboratory() -> Iterator[bench.Bench]:
    with bench.Bench() as found:
        yield found


@pytest.fixture(scope="module")
def empty(laboratory: bench.Bench, tmp_path_factory: pytest.TempPathFactory) -> str:
    written = files.Files(tmp_path_factory.mktemp("files"))
    return stores.Stores(laboratory, written).template(CHECKOUT, stores.Store(lines=0))


@pytest.mark.thorough
class TestTimeLimit:
    def test_ends_a_process_and_what_the_server_does_for_it(
        self, laboratory: bench.Bench, empty: str
    ) -> None:
        program = (
            "print('began', flush=True); import os, psycopg;"
            " psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT pg_sleep(60)')"
        )

        with laboratory.fresh(empty) as database:
            with pytest.raises(processes.TookTooLongError, match="more than 4 s") as caught:
                laboratory.run([sys.executable, "-c", program], database=database, time_limit=4)
            with laboratory.connect(database) as connection:
                left = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'"
                ).fetchone()

        assert caught.value.said == "began\n"
        assert left == (0,)

    @pytest.mark.usefixtures("empty")
    def test_is_the_figure_of_a_size_that_does_not_keep_it(self, laboratory: bench.Bench) -> None:
        plan = measuring.Plan(
            sizes=(13,),
            stores=(0,),
            batches=(),
            meters=("new",),
            also=(),
            rounds=1,
            time_limit=0.01,
        )
        sweep = measuring.Sweep(laboratory, plan, [CHECKOUT])

        list(sweep.run())

        ((curve, (point,)),) = sweep.figures.curves().items()
        assert curve.checkout == "other"
        assert (point.runs, point.limit) == ((), 0.01)

    def test_leaves_no_file_pending(
        self, laboratory: bench.Bench, empty: str, tmp_path: pathlib.Path
    ) -> None:
        written = files.Files(tmp_path)
        folder = written.write(written.of_new_meters(count=1, readings=13), day=0)

        with laboratory.fresh(empty) as database:
            laboratory.run_product(database, "load_d0010", "--stage-only", folder)
            stores.forget_pending(laboratory, database)
            with laboratory.connect(database) as connection:
                left = connection.execute(
                    "SELECT (SELECT count(*) FROM flow_file), (SELECT count(*) FROM staged_line)"
                ).fetchone()

        assert left == (0, 0)


class TestStore:
    @pytest.mark.parametrize(
        ("lines", "readings_a_file", "file_count"),
        [
            (0, 0, 0),
            (480_000, 200_000, 1),
            (2_400_000, 1_000_000, 1),
            (4_800_000, 1_000_000, 2),
            (50_000_000, 1_000_000, 21),
        ],
        ids=["empty", "less than a file", "a file", "two files", "years"],
    )
    def test_is_whole_files(self, lines: int, readings_a_file: int, file_count: int) -> None:
        store = stores.Store(lines=lines)

        assert (store.readings_a_file, store.file_count) == (readings_a_file, file_count)

    @pytest.mark.thorough
    @pytest.mark.usefixtures("empty")
    def test_repeats_its_first_file_on_earlier_days(
        self, laboratory: bench.Bench, tmp_path: pathlib.Path
    ) -> None:
        store = stores.Store(lines=960, readings_of_full_file=100)

        template = stores.Stores(laboratory, files.Files(tmp_path)).template(CHECKOUT, store)

        with laboratory.fresh(template) as database, laboratory.connect(database) as connection:
            lines = connection.execute(
                "SELECT flow_file.id, count(*), count(DISTINCT line.payload)"
                " FROM flow_file LEFT JOIN staged_line AS line ON line.id >> 32 = flow_file.id"
                " GROUP BY flow_file.id ORDER BY flow_file.id"
            ).fetchall()
            days = connection.execute(
                "SELECT id >> 32, count(*), min(day), max(day) FROM ("
                " SELECT id, (read_at AT TIME ZONE 'Europe/London')::date::text AS day"
                " FROM reading) AS dated GROUP BY 1 ORDER BY 1"
            ).fetchall()
        assert lines == [(number, 242, 242) for number in (1, 2, 3, 4)]
        assert days == [
            (1, 100, "2025-01-01", "2025-01-01"),
            (2, 100, "2025-01-02", "2025-01-02"),
            (3, 100, "2024-12-30", "2024-12-30"),
            (4, 100, "2024-12-29", "2024-12-29"),
        ]


class TestVisits:
    def test_go_to_each_store_in_turns(self, tmp_path: pathlib.Path) -> None:
        plan = measuring.Plan(stores=(0, 240), meters=("known", "new"), rounds=2)
        visits = measuring.Visits(plan, files.Files(tmp_path))

        found = [
            (turn, visit.meters, visit.store.lines)
            for visit, turn in visits.of(measuring.Shape(count=1, readings=20_000, in_batch=False))
        ]

        assert found == [
            (0, "known", 0),
            (0, "known", 240),
            (0, "new", 0),
            (0, "new", 240),
            (1, "known", 240),
            (1, "known", 0),
            (1, "new", 240),
            (1, "new", 0),
        ]


class TestFiles:
    def test_of_known_meters_lie_within_what_is_stored(self, tmp_path: pathlib.Path) -> None:
        written = files.Files(tmp_path)
        stored = files.Lot(count=1, readings=200, first_cycle=0)
        known = written.of_known_meters(count=3, readings=25, stored=200, turn=1)
        assert known is not None

        meters = [
            line
            for lot in (stored, known)
            for path in written.write(lot, day=1).iterdir()
            for line in path.read_text().splitlines()
            if line.startswith("028|")
        ]

        assert len(meters) > 140
        assert len(set(meters)) == 140

    def test_of_known_meters_are_not_made_where_too_few_are_stored(
        self, tmp_path: pathlib.Path
    ) -> None:
        written = files.Files(tmp_path)

        assert written.of_known_meters(count=3, readings=25, stored=80, turn=0) is None


@pytest.mark.thorough
class TestSweep:
    def test_measures_loading_and_what_follows_a_file(self, swept: dict[str, Any]) -> None:
        curves = {(curve["what"], curve["meters"], curve["stored"]) for curve in swept["curves"]}

        what = {
            figures.LOAD,
            "batch of 2",
            measuring.PENDING,
            measuring.RECONCILE,
            *measuring.PAGES,
        }
        assert curves == {(one, "known", 240) for one in what}
        assert all(
            point["readings"] == 13 and min(point["runs"]) > 0
            for curve in swept["curves"]
            for point in curve["points"]
        )

    def test_tells_what_is_stored_for_a_file(self, swept: dict[str, Any]) -> None:
        (growth,) = swept["stored_bytes"]

        assert growth["readings"] == 100
        assert growth["tables"]["reading"] > 0
        assert "this: 100 readings, meters new, with their raw lines: " in swept["printed"]

    def test_prints_tables_and_a_verdict(self, swept: dict[str, Any]) -> None:
        assert "| readings | 240 lines stored |" in swept["printed"]
        assert "Not judged: spikes: three sizes are needed." in swept["printed"]

    def test_draws_a_chart(self, swept: dict[str, Any]) -> None:
        words = {element.text for element in ElementTree.fromstring(swept["chart"]).iter()}  # noqa: S314 - our own

        assert {"Meters known", "240 lines stored", "readings in the file"} <= words
        assert words & {"10 ms", "100 ms", "1 s", "10 s"}
