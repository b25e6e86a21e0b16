from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from pytest_django import live_server_helper

from tests import conftest
from tests.functional.api.conftest import client_of


README = conftest.ROOT / "etl" / "api" / "README.md"
# A line that is typed and has curl in it, and what is shown below it.
TYPED = re.compile(r"^\$ (.*\bcurl .*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


class TestReadme:
    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_says_what_the_server_answers(
        self, live_server: live_server_helper.LiveServer
    ) -> None:
        token = str(client_of("Operations").defaults["HTTP_AUTHORIZATION"]).split()[1]
        shown = TYPED.findall(README.read_text())

        for command, expected in shown:
            answer = subprocess.run(
                ["bash", "-c", command],
                cwd=conftest.ROOT,
                env={**os.environ, "TOKEN": token, "SITE": live_server.url, "no_proxy": "*"},
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
            pattern = ".*".join(map(re.escape, expected.strip().split("…")))
            assert re.fullmatch(pattern, answer.stdout.strip()), (command, answer.stdout)
        assert len(shown) == 9
