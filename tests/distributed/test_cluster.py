"""All that the commands and pages do, where the tables of readings are spread."""

from __future__ import annotations

import subprocess
import urllib.parse
from collections.abc import Callable, Iterator

import pytest

from etl.postgres import steps, work_tables
from tests import conftest
from tests.benchmarks import generate
from tests.distributed import cluster
from tests.faults import test_security
from tests.integration import contents, test_partitions
from warehouse import models


pytestmark = pytest.mark.django_db(transaction=True)
# Ends the sessions that the coordinator has on a worker.
LOSS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


@pytest.fixture
def _loaded(run: conftest.Run, write: conftest.Write) -> None:
    assert run("load_d0010", write(contents.stored_file(), "stored.uff")).code == 0
    assert run("load_d0010", write(contents.next_file(), "next.uff")).code == 1
    assert run("load_d0010", conftest.SAMPLE).code == 0


def sound(run: conftest.Run, *options: str) -> bool:
    ended = run("reconcile", *options)
    return ended.code == 0 and ", 0 differences" in ended.out


class TestDistribute:
    def test_may_be_repeated(self, run: conftest.Run) -> None:
        ended = run("distribute")

        assert ended.code == 0, ended.err
        assert ended.out.startswith("6 tables of readings are spread over ")
        spread_tables = test_partitions.rows(
            "SELECT table_name::text FROM citus_tables WHERE distribution_column = 'mpan_core'"
        )
        assert {name for (name,) in spread_tables} == {
            *test_partitions.SPREAD,
            *work_tables.names(),
        }

    def test_refuses_another_number_of_shards(self, run: conftest.Run) -> None:
        ended = run("distribute", "--shards", "3")

        assert ended.code == 1
        assert "shards already" in ended.err


class TestCommand:
    def test_loads_and_compares_what_is_large(
        self, run: conftest.Run, write: conftest.Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(steps, "LINES_WORTH_A_SCAN", 1)

        assert run("load_d0010", write(contents.stored_file())).code == 0
        assert sound(run)

    def test_finishes_what_was_only_staged(self, run: conftest.Run, write: conftest.Write) -> None:
        run("load_d0010", "--stage-only", write(contents.stored_file()))

        assert "1 file: 1 loaded; 2,200 readings" in run("transform_pending").out
        assert sound(run)

    def test_keeps_nothing_of_a_dry_run(self, run: conftest.Run) -> None:
        assert "13 readings" in run("load_d0010", "--dry-run", conftest.SAMPLE).out

        for table in (*test_partitions.SPREAD, *work_tables.names()):
            assert test_partitions.rows(f"TABLE {table}") == []

    @pytest.mark.usefixtures("_loaded")
    @pytest.mark.parametrize(
        ("fault", "found"),
        [
            ("UPDATE reading SET value = value + 1", "of another value than their lines say"),
            ("DELETE FROM register", "readings of no register"),
            ("UPDATE staged_text SET payload = payload || ' '", "do not give the hash"),
            ("DELETE FROM site_visit", "site visits that are missing"),
        ],
        ids=["changed readings", "lost registers", "changed lines", "lost visits"],
    )
    def test_tells_of_what_is_wrong(self, run: conftest.Run, fault: str, found: str) -> None:
        test_partitions.execute(fault)

        ended = run("reconcile")

        assert ended.code == 1
        assert found in ended.out

    @pytest.mark.usefixtures("_loaded")
    def test_purges_and_forgets(self, run: conftest.Run) -> None:
        mpan_core = generate.mpan_core(1_000)
        assert "2 files dropped" in run("purge_staged_lines", "--older-than", "0d").out
        assert sound(run)

        ended = run("forget_meter_point", mpan_core, "--reason", "asked", "--by", "ada", "--yes")

        assert ended.code == 0, ended.err
        assert not models.Reading.objects.filter(mpan_core=mpan_core).exists()
        assert sound(run)

    @pytest.mark.usefixtures("_loaded")
    def test_forgets_raw_lines(self, run: conftest.Run) -> None:
        mpan_core = generate.mpan_core(1_000)
        ended = run("forget_meter_point", mpan_core, "--reason", "asked", "--by", "ada", "--yes")

        assert ended.code == 0, ended.err
        assert sound(run)


class TestLoaders:
    def test_store_each_file_once(
        self,
        run: conftest.Run,
        write: conftest.Write,
        start: Callable[..., subprocess.Popen[str]],
    ) -> None:
        paths = [write(one, f"{place}.uff") for place, one in enumerate(contents.small_files(6))]
        orders = (paths, paths[::-1], paths[3:] + paths[:3])

        loaders = [start("load_d0010", *order, url=cluster.URL) for order in orders]

        ended = [loader.communicate(timeout=120) for loader in loaders]
        # Half of the files have lines to reject, of which whoever loads them tells.
        assert {loader.returncode for loader in loaders} <= {0, 1}, ended
        assert models.FlowFile.objects.count() == 6
        assert sound(run)

    @pytest.mark.parametrize("step", ["30_judge_readings", "80_insert_readings"])
    def test_are_killed_and_run_again(
        self,
        run: conftest.Run,
        write: conftest.Write,
        start: Callable[..., subprocess.Popen[str]],
        step: str,
    ) -> None:
        path = write(contents.stored_file())
        loader = start("load_d0010", path, url=cluster.URL, D0010_LOG_LEVEL="INFO")
        assert loader.stderr
        for line in loader.stderr:
            if step in line:
                loader.kill()
        loader.communicate()
        assert loader.returncode == -9

        assert run("load_d0010", path).code == 0
        assert "2,200" in run("reconcile").out
        assert sound(run)

    def test_end_with_a_sentence_where_a_worker_is_lost(
        self,
        run: conftest.Run,
        write: conftest.Write,
        start: Callable[..., subprocess.Popen[str]],
    ) -> None:
        path = write(contents.stored_file())
        loader = start("load_d0010", path, url=cluster.URL, D0010_LOG_LEVEL="INFO")
        assert loader.stderr
        for line in loader.stderr:
            if "30_judge_readings" in line:
                test_partitions.rows("SELECT run_command_on_workers(%s)", LOSS)
                break
        _, told = loader.communicate(timeout=60)

        assert loader.returncode == 1
        assert "run the same command again for the rest" in told
        assert "Traceback" not in told
        assert run("load_d0010", path).code == 0
        assert sound(run)


class TestRole:
    @pytest.fixture(autouse=True)
    def _roles(self) -> Iterator[None]:
        documents = (conftest.ROOT / "sql" / "citus" / "README.md").read_text(encoding="utf-8")
        grants = documents.partition("```sql\nGRANT")[2].partition("```")[0]
        test_partitions.execute(f"{test_security.documented_statements(0)}GRANT{grants}")
        yield
        for role in ("d0010_loader", "d0010_reader"):
            test_partitions.execute(f"DROP OWNED BY {role}")
            test_partitions.execute(f"DROP ROLE {role}")

    def test_may_do_what_it_is_for(
        self, write: conftest.Write, start: Callable[..., subprocess.Popen[str]]
    ) -> None:
        parts = urllib.parse.urlsplit(cluster.URL)
        place = parts.netloc.rpartition("@")[2]

        def ends(role: str, *command: object) -> int:
            netloc = f"{role}:choose-one@{place}"
            running = start(*command, url=parts._replace(netloc=netloc).geturl())
            running.communicate(timeout=120)
            return running.returncode

        paths = [write(contents.stored_file(), "stored.uff"), conftest.SAMPLE]
        assert ends("d0010_loader", "load_d0010", *paths) == 0
        assert ends("d0010_reader", "reconcile") == 0
        assert ends("d0010_reader", "export_readings") == 0
        assert ends("d0010_loader", "purge_staged_lines", "--older-than", "0d") == 0
        assert ends("d0010_reader", "reconcile") == 0
        assert ends("d0010_reader", "load_d0010", write(contents.next_file())) == 1
