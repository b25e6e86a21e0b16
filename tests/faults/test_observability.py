"""What a machine can see of the pipeline."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import signal
import socket
import time

import pytest
from django import db, test
from django.db.migrations import recorder

import sql
from etl.config import settings
from tests import builder, conftest, depth
from tests.faults import forks, proxy, test_resources, test_security, workload


@pytest.mark.django_db(transaction=True)
class TestLog:
    def test_as_json_has_an_event_for_each_step_and_file(self, launcher: forks.Launcher) -> None:
        ended = launcher.run("load_d0010", "--log-format=json", conftest.SAMPLE)

        events = [json.loads(line) for line in ended.err.splitlines()]
        assert ended.code == 0
        assert [event["step"] for event in events if "step" in event] == [
            "copy_staged_lines",
            *workload.STEPS,
        ]
        assert events[0]["rows"] == 13  # one a usual meter point
        assert all(event["seconds"] >= 0 and "at" in event for event in events)
        assert {"rows"} <= events[0].keys()
        [file] = [event for event in events if "outcome" in event]
        assert (file["path"], file["outcome"]) == (str(conftest.SAMPLE), "loaded")
        assert (file["reading_count"], file["level"]) == (13, "INFO")
        assert file["seconds"] > 0

    def test_as_json_is_there_for_what_was_pending(self, launcher: forks.Launcher) -> None:
        launcher.run("load_d0010", "--stage-only", conftest.SAMPLE)

        ended = launcher.run("transform_pending", "--log-format=json")

        events = [json.loads(line) for line in ended.err.splitlines()]
        assert [event["step"] for event in events if "step" in event] == workload.STEPS
        assert events[-1]["outcome"] == "loaded"

    def test_as_json_ends_with_an_event_where_the_server_is_not_there(
        self, launcher: forks.Launcher, tmp_path: pathlib.Path
    ) -> None:
        ended = launcher.run(
            "load_d0010",
            "--log-format=json",
            conftest.SAMPLE,
            url=f"postgresql:///d0010?host={tmp_path}",
        )

        [event] = [json.loads(line) for line in ended.err.splitlines()]
        assert (ended.code, event["level"]) == (1, "ERROR")
        assert event["message"].startswith("The database can't be used: connection is bad: ")

    def test_as_json_ends_with_an_event_where_it_is_interrupted(
        self, launcher: forks.Launcher, between: proxy.Proxy
    ) -> None:
        started: concurrent.futures.Future[forks.Command] = concurrent.futures.Future()

        def strike() -> bool:
            started.result().signal(signal.SIGTERM)
            return False

        between.arm(
            lambda _, label: label == sql.names("transform")[0], proxy.Moment.DURING, strike
        )
        started.set_result(launcher.start("load_d0010", "--log-format=json", conftest.SAMPLE))
        ended = started.result().wait()

        event = [json.loads(line) for line in ended.err.splitlines()][-1]
        assert (ended.code, event["level"]) == (143, "ERROR")
        assert event["message"] == "Terminated; what was reported as done is stored."

    @pytest.mark.parametrize("log_format", depth.some(["text", "json"], one_of=2))
    def test_steers_no_terminal(
        self, launcher: forks.Launcher, tmp_path: pathlib.Path, log_format: str
    ) -> None:
        path = tmp_path / "\x1b[31mred\u202e.uff"
        path.write_bytes(builder.simple())

        ended = launcher.run("load_d0010", f"--log-format={log_format}", path, log_level="INFO")

        assert ended.code == 0
        assert "\\x1b[31mred" in ended.err or "\\u001b[31mred" in ended.err
        assert all(line.isprintable() for line in ended.err.splitlines()), ended.err


@pytest.mark.django_db
class TestHealth:
    ASK = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "answer = Client(headers={'host': 'd0010.example'}).get('/healthz')\n"
        "print(answer.status_code, answer.content.decode())\n"
    )

    def test_is_fit_with_a_migrated_database(self, client: test.Client) -> None:
        answer = client.get("/healthz")

        assert answer.status_code == 200
        assert answer.json() == {"database": True, "migrations": True}
        assert "no-cache" in answer["Cache-Control"]

    def test_is_unfit_without_a_migration(self, client: test.Client) -> None:
        recorder.MigrationRecorder.Migration.objects.filter(app="warehouse").delete()

        answer = client.get("/healthz")

        assert answer.status_code == 503
        assert answer.json() == {"database": True, "migrations": False}

    def test_is_unfit_with_a_replica_since_the_site_writes(self, client: test.Client) -> None:
        with db.connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")

        answer = client.get("/healthz")

        assert (answer.status_code, answer.json()["database"]) == (503, False)

    @pytest.mark.thorough
    @pytest.mark.django_db(transaction=True)
    def test_is_unfit_and_soon_known_where_a_lock_is_in_the_way(self, client: test.Client) -> None:
        started = time.monotonic()
        with test_resources.held("django_migrations"):
            answer = client.get("/healthz")
        db.connection.close()  # as at the end of a request

        assert (answer.status_code, answer.json()["migrations"]) == (503, False)
        assert time.monotonic() - started < 10

    # Two seconds are the least that the driver waits.
    @pytest.mark.thorough
    @pytest.mark.parametrize("patience", ["?connect_timeout=2", ""])
    def test_is_unfit_and_soon_known_where_nothing_answers(self, patience: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"postgresql://127.0.0.1:{deaf.getsockname()[1]}/d0010{patience}"
            started = time.monotonic()
            ended = test_security.run_python(
                "-c", self.ASK, **{**test_security.PRODUCTION, "DATABASE_URL": url}
            )

        assert ended.stdout == '503 {"database": false, "migrations": false}\n', ended.stderr
        assert time.monotonic() - started < 20

    def test_waits_for_no_server_longer_than_some_seconds(self) -> None:
        database = settings._database("postgresql://db.example/d0010")  # noqa: SLF001 - as set by it

        assert database["OPTIONS"]["connect_timeout"] == settings.CONNECT_TIMEOUT <= 5

    @pytest.mark.thorough
    def test_is_unfit_without_a_database_and_tells_no_more(self) -> None:
        nowhere = {**test_security.PRODUCTION, "DATABASE_URL": "postgresql:///d0010?host=/nowhere"}

        ended = test_security.run_python("-c", self.ASK, **nowhere)

        assert ended.stdout == '503 {"database": false, "migrations": false}\n', ended.stderr
