"""What a load needs and does not get: a lock, time, room on a disk."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import dj_database_url
import pytest
from django.db import utils

from etl.postgres import advice
from tests import builder, conftest, shared
from tests.benchmarks import generate
from tests.faults import forks, snapshot
from warehouse import codes, models


READING = ("load_d0010", "reconcile", "export_readings")
# Readings that find no room on the small disk.
TOO_MANY = 150_000  # readings for the room that a small disk has

Start = Callable[..., "subprocess.Popen[str]"]

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def held(table: str) -> Iterator[None]:
    """Let another session hold a table."""
    database = dj_database_url.parse(conftest.database_url())
    other = utils.ConnectionHandler({"default": database})["default"]
    with other.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            other.close()


class TestLock:
    @pytest.mark.parametrize(
        ("table", "waiting"),
        [
            pytest.param(
                "flow_file",
                ["load_d0010", "transform_pending", "reconcile", "export_readings"],
                marks=pytest.mark.thorough,
            ),
            pytest.param("delivery", ["load_d0010"], marks=pytest.mark.thorough),
            pytest.param("staged_text", ["load_d0010", "reconcile"], marks=pytest.mark.thorough),
            pytest.param("reading", READING, marks=pytest.mark.thorough),
            ("django_migrations", ["transform_pending"]),
        ],
    )
    def test_held_by_somebody_else_is_waited_for_with_a_message(
        self, launcher: forks.Launcher, table: str, waiting: list[str]
    ) -> None:
        arguments = {"load_d0010": [conftest.SAMPLE]}
        with held(table):
            commands = [
                launcher.start(name, *arguments.get(name, []), patience=1) for name in waiting
            ]
            messages = [command.first_error() for command in commands]  # while the lock is held
        ended = [command.wait() for command in commands]

        for message in messages:
            assert "Another session holds what this one needs; waiting up to 600 s" in message
        assert [(one.code, one.err) for one in ended] == [(0, message) for message in messages]
        if "load_d0010" in waiting:
            assert "loaded (13 readings)" in ended[0].out
        snapshot.assert_reconciled()

    @pytest.mark.thorough
    def test_held_for_too_long_is_given_up(self, start: Start, run: conftest.Run) -> None:
        started = time.monotonic()
        with held("reading"):
            process = start("load_d0010", conftest.SAMPLE, D0010_LOCK_TIMEOUT="1")
            _, err = process.communicate(timeout=forks.TIMEOUT)

        assert process.returncode == 1
        assert time.monotonic() - started < 30
        assert err.splitlines()[1] == (
            "CommandError: The database can't be used: canceling statement due to lock timeout;"
            " another session holds what this one needs (see pg_stat_activity): end it;"
            f" {advice.AGAIN}."
        )
        assert models.FlowFile.objects.get().status == codes.FlowFileStatus.STAGED
        assert run("load_d0010", conftest.SAMPLE).code == 0
        snapshot.assert_reconciled()


class TestTime:
    def test_that_a_statement_may_take_being_over_is_said(
        self, launcher: forks.Launcher, run: conftest.Run, tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "large.uff"
        generate.write_flow_file(path, readings=6_000)
        url = f"{conftest.database_url()}&options=-c%20statement_timeout%3D15"

        ended = launcher.run("load_d0010", path, url=url)

        assert ended.code == 1
        assert "canceling statement due to statement timeout; the server's" in ended.err
        assert ended.err.count("\n") == 1
        assert not models.Reading.objects.exists()
        assert run("load_d0010", path).code == 0
        assert models.Reading.objects.count() == 6_000
        snapshot.assert_reconciled()


class TestDisk:
    @pytest.mark.thorough
    def test_of_the_server_being_full_loses_nothing(
        self, request: pytest.FixtureRequest, small_disk: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        shared.copy_home(request.config, small_disk / "home")
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        environment["D0010_DATA_DIR"] = str(small_disk / "home")

        def run(*arguments: object) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "manage.py", *map(str, arguments)],
                cwd=forks.ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )

        small, large = tmp_path / "small.uff", tmp_path / "large.uff"
        small.write_bytes(builder.simple())
        generate.write_flow_file(large, readings=TOO_MANY)
        assert run("load_d0010", small).returncode == 0

        full = run("load_d0010", large)
        again = run("load_d0010", large)

        for ended in (full, again):
            assert ended.returncode == 1
            assert "Traceback" not in ended.stderr
            assert "CommandError: " in ended.stderr
        assert "No space left on device" in full.stderr + again.stderr
        subprocess.run(["mount", "-o", "remount,size=4g", str(small_disk)], check=True)
        finished = run("load_d0010", small, large)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.splitlines()[1].endswith(f": loaded ({TOO_MANY:,} readings)")
        reconciled = run("reconcile")
        assert reconciled.returncode == 0, reconciled.stdout
        assert "2 files, 0 with lines unaccounted for, 0 differences" in reconciled.stdout

    def test_of_temporary_files_being_full_fails_that_file_alone(
        self, start: Start, small_disk: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
        large, small = tmp_path / "large.uff", tmp_path / "small.uff"
        generate.write_flow_file(large, readings=100_000)
        subprocess.run(["gzip", str(large)], check=True)
        small.write_bytes(builder.simple())

        process = start("load_d0010", f"{large}.gz", small, TMPDIR=str(small_disk))
        out, err = process.communicate(timeout=forks.TIMEOUT)

        assert (process.returncode, err) == (1, "")
        assert f"{large}.gz: failed (No space left on device)" in out
        assert f"{small}: loaded (1 reading)" in out
        assert shutil.disk_usage(small_disk).used == 0
        snapshot.assert_reconciled()
