"""What a machine can see of the pipeline."""

from __future__ import annotations

import json

import pytest
from django import test
from django.db.migrations import recorder

from etl.postgres import steps
from tests import conftest
from tests.faults import forks, test_security


@pytest.mark.django_db(transaction=True)
class TestLog:
    def test_as_json_has_an_event_for_each_step_and_file(self, launcher: forks.Launcher) -> None:
        ended = launcher.run("load_d0010", "--log-format=json", conftest.SAMPLE)

        events = [json.loads(line) for line in ended.err.splitlines()]
        assert ended.code == 0
        assert [event["step"] for event in events if "step" in event] == list(steps.STEPS)
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
        assert [event["step"] for event in events if "step" in event] == list(steps.STEPS)
        assert events[-1]["outcome"] == "loaded"


@pytest.mark.django_db
class TestHealth:
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

    def test_is_unfit_without_a_database_and_tells_no_more(self) -> None:
        code = (
            "import django; django.setup()\n"
            "from django.test import Client\n"
            "answer = Client(headers={'host': 'd0010.example'}).get('/healthz')\n"
            "print(answer.status_code, answer.content.decode())\n"
        )
        nowhere = {**test_security.PRODUCTION, "DATABASE_URL": "postgresql:///d0010?host=/nowhere"}

        ended = test_security.run_python("-c", code, **nowhere)

        assert ended.stdout == '503 {"database": false, "migrations": false}\n', ended.stderr
