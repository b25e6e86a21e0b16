"""Databases of another version, and backups that come back."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import builder, shared
from tests import conftest as tests_conftest
from tests.faults import conftest, forks, snapshot, workload


@pytest.mark.django_db
class TestOtherVersion:
    @pytest.mark.parametrize(
        "command",
        [
            ("load_d0010", tests_conftest.SAMPLE),
            pytest.param(("transform_pending",), marks=pytest.mark.thorough),
            pytest.param(("reconcile",), marks=pytest.mark.thorough),
            pytest.param(("export_readings",), marks=pytest.mark.thorough),
            pytest.param(("purge_staged_lines", "--older-than", "0d"), marks=pytest.mark.thorough),
        ],
        ids=lambda command: command[0],
    )
    def test_is_refused_in_a_sentence_and_left_as_it_is(
        self,
        launcher: forks.Launcher,
        own_server: conftest.OwnServer,
        tmp_path: pathlib.Path,
        command: tuple[object, ...],
    ) -> None:
        url = own_server.url()
        connection = own_server.connection()
        snapshot.empty(connection)
        launcher.run("load_d0010", *workload.write(tmp_path), url=url)
        before = snapshot.take(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied)"
                " VALUES ('warehouse', '0005_indexes_of_lists', now())"
            )

        refused = launcher.run(*command, url=url)

        assert (refused.code, refused.out) == (1, "")
        assert refused.err.count("\n") <= 1
        assert "holds the tables of another version (it has the migration" in refused.err
        assert "load the files again" in refused.err
        assert snapshot.take(connection) == before
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '0005_indexes_of_lists'")
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
        folder = shared.make_folder("d0010-backup-")
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

    @pytest.mark.thorough
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
    def test_comes_back_in_a_fresh_folder(self, folder: pathlib.Path, home: pathlib.Path) -> None:
        fresh = folder / "fresh"
        self.run(home, "load_d0010", tests_conftest.SAMPLE)
        exported = self.run(home, "export_readings")
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

    @pytest.mark.thorough
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
