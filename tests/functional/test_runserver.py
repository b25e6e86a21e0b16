from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import pytest


@pytest.mark.thorough
@pytest.mark.django_db(transaction=True)
class TestRunserver:
    def test_says_nothing_of_reports_where_it_is_stopped(
        self, start: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = start(
            "runserver",
            "--noreload",
            "127.0.0.1:0",
            PYTHONUNBUFFERED="1",
            SECRET_KEY="of a test",  # noqa: S106 - as it says
            ALLOWED_HOSTS="localhost",
        )
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any("Quit the server with CONTROL-C" in line for line in lines)

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

        assert process.returncode == 130
        assert err.splitlines()[-1] == "Interrupted."
