"""Migrations over data that is there, and backups that come back."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from tests import builder, depth, shared
from tests import conftest as tests_conftest
from tests.faults import conftest, forks, snapshot, workload


# Each released schema, as the last migration of each app; 0.1.0 will be the first.
EARLIER = [
    {"warehouse": "0001", "etl": "0001"},
    {"warehouse": "0002", "etl": "0002"},
    {"warehouse": "0003", "etl": "0003"},
]


@pytest.mark.django_db
class TestMigration:
    @pytest.mark.parametrize("schema", depth.some(EARLIER, one_of=3), ids=str)
    def test_back_and_forward_keeps_what_was_loaded(
        self,
        launcher: forks.Launcher,
        own_server: conftest.OwnServer,
        tmp_path: pathlib.Path,
        schema: dict[str, str],
    ) -> None:
        url = own_server.url()
        connection = own_server.connection()
        snapshot.empty(connection)
        launcher.run("load_d0010", *workload.write(tmp_path), url=url)
        before = snapshot.take(connection)
        exported = launcher.run("export_readings", url=url).out
        connection.close()

        for app, name in schema.items():
            back = launcher.run("migrate", app, name, url=url)
            assert (back.code, back.err) == (0, "")
        refused = launcher.run("reconcile", url=url)
        kept = snapshot.take(connection)
        forward = launcher.run("migrate", url=url)

        is_newest = "No migrations to apply" in forward.out
        assert (forward.code, forward.err) == (0, "")
        assert is_newest or "run `manage.py migrate` first" in refused.err
        assert kept == before
        assert snapshot.take(connection) == before
        assert launcher.run("export_readings", url=url).out == exported
        assert launcher.run("load_d0010", tests_conftest.SAMPLE, url=url).code == 0
        assert launcher.run("reconcile", url=url).code == 0
        snapshot.empty(connection)
        connection.close()


@pytest.mark.django_db
class TestWaitingFile:
    def test_staged_before_lines_were_counted_is_counted_and_finished(
        self, launcher: forks.Launcher, own_server: conftest.OwnServer
    ) -> None:
        url = own_server.url()
        connection = own_server.connection()
        snapshot.empty(connection)
        launcher.run("load_d0010", "--stage-only", tests_conftest.SAMPLE, url=url)
        launcher.run("migrate", "etl", "0003", url=url)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE flow_file SET meter_point_line_count = 0, reading_count = 0")
        connection.close()

        launcher.run("migrate", url=url)

        finished = launcher.run("transform_pending", url=url)
        assert "loaded (13 readings)" in finished.out
        assert launcher.run("reconcile", url=url).code == 0
        snapshot.empty(connection)
        connection.close()


def documented_command(program: str) -> list[str]:
    """Return the arguments of `manage.py` with which docker-free-setup.md calls a program."""
    text = (forks.ROOT / "docker-free-setup.md").read_text(encoding="utf-8")
    found = re.search(rf"^\$ uv run manage.py (dbshell .*\\! {program} .*)$", text, re.MULTILINE)
    assert found
    return shlex.split(found[1])


def documented_lines(word: str) -> list[str]:
    """Return the lines of docker-free-setup.md that are typed into a shell and have this word."""
    text = (forks.ROOT / "docker-free-setup.md").read_text(encoding="utf-8")
    return re.findall(rf"^\$ (.*\b{word}\b.*)$", text, re.MULTILINE)


def assert_is_whole(launcher: forks.Launcher, one: conftest.OwnServer, exported: str) -> None:
    """Hold a server to the sample, and to what was exported of it."""
    reconciled = launcher.run("reconcile", url=one.url()).out
    again = launcher.run("load_d0010", tests_conftest.SAMPLE, url=one.url()).out

    assert launcher.run("export_readings", url=one.url()).out == exported
    assert "0 with lines unaccounted for, 0 differences" in reconciled
    assert "duplicate" in again


class TestBackup:
    @pytest.fixture
    def folder(self) -> Iterator[pathlib.Path]:
        # The account that root's server runs as must be able to pass through it.
        folder = pathlib.Path(tempfile.mkdtemp(prefix="d0010-backup-", dir="/tmp"))
        folder.chmod(0o755)
        yield folder
        shutil.rmtree(folder)

    def run(self, home: pathlib.Path, *arguments: object) -> str:
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        return subprocess.run(
            [sys.executable, str(forks.ROOT / "manage.py"), *map(str, arguments)],
            cwd=home.parent,
            env={**environment, "D0010_DATA_DIR": str(home)},
            capture_output=True,
            text=True,
            check=True,
            timeout=forks.TIMEOUT,
        ).stdout

    @pytest.fixture
    def home(self, folder: pathlib.Path, request: pytest.FixtureRequest) -> pathlib.Path:
        """Copy the home of a server that has been used and is at rest."""
        shared.copy_home(request.config, folder / "home")
        return folder / "home"

    def test_of_the_embedded_data_comes_back_as_documented(
        self, folder: pathlib.Path, home: pathlib.Path, launcher: forks.Launcher
    ) -> None:
        later = folder / "later.uff"
        later.write_bytes(builder.simple())
        with conftest.OwnServer(home) as one:
            launcher.run("load_d0010", tests_conftest.SAMPLE, url=one.url())
            exported = launcher.run("export_readings", url=one.url()).out

            self.run(home, *documented_command("pg_dump"))
            launcher.run("load_d0010", later, url=one.url())
            exported_later = launcher.run("export_readings", url=one.url()).out
            self.run(home, *documented_command("pg_restore"))

            assert exported_later.count("\n") == exported.count("\n") + 1
            assert_is_whole(launcher, one, exported)
            assert "loaded (1 reading)" in launcher.run("load_d0010", later, url=one.url()).out

    @pytest.mark.thorough
    def test_of_an_earlier_schema_comes_back_in_a_fresh_folder_and_is_migrated(
        self, folder: pathlib.Path, home: pathlib.Path
    ) -> None:
        fresh = folder / "fresh"
        self.run(home, "load_d0010", tests_conftest.SAMPLE)
        exported = self.run(home, "export_readings")
        for app, name in EARLIER[-1].items():
            self.run(home, "migrate", app, name)
        self.run(home, *documented_command("pg_dump"))

        self.run(fresh, *documented_command("pg_restore"))

        assert self.run(fresh, "export_readings") == exported
        assert "0 with lines unaccounted for, 0 differences" in self.run(fresh, "reconcile")
        assert "duplicate" in self.run(fresh, "load_d0010", tests_conftest.SAMPLE)

    @pytest.mark.thorough
    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, whose server is another account's")
    def test_of_a_folder_in_a_private_one_is_of_the_place_that_it_points_at(
        self, folder: pathlib.Path
    ) -> None:
        private, copy = folder / "private", folder / "copy"
        private.mkdir(mode=0o700)
        self.run(private / "home", "load_d0010", tests_conftest.SAMPLE)
        data = (private / "home" / "data-lies-here").resolve()
        try:
            for line in documented_lines("readlink"):
                command = line.replace("/root/x", str(private / "home"))
                command = command.replace("/srv/copy", str(copy))
                subprocess.run(command, shell=True, check=True)  # noqa: S602 - as documented

                if "cp -a" in command:
                    assert "duplicate" in self.run(copy, "load_d0010", tests_conftest.SAMPLE)

            assert not data.exists()
            assert not (private / "home").exists()
            assert "loaded (13" in self.run(private / "home", "load_d0010", tests_conftest.SAMPLE)
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def test_by_a_copy_of_the_folder_works_in_another_place(
        self, folder: pathlib.Path, home: pathlib.Path, launcher: forks.Launcher
    ) -> None:
        copy = folder / "copy"
        with conftest.OwnServer(home) as one:
            launcher.run("load_d0010", tests_conftest.SAMPLE, url=one.url())
            exported = launcher.run("export_readings", url=one.url()).out

        subprocess.run(["cp", "-a", str(home), str(copy)], check=True)

        with conftest.OwnServer(copy) as other:
            assert_is_whole(launcher, other, exported)
