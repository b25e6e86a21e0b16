"""What docker-free-setup.md says of running this as a service, as it is written there."""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping

import pytest
from django.core import management

from tests import conftest
from tests.faults import sftp_servers


GUIDE = (conftest.ROOT / "docker-free-setup.md").read_text(encoding="utf-8")
UNITS: Mapping[str, str] = dict(
    re.findall(r"`/etc/systemd/system/([\w@.-]+)`.*?\n```ini\n(.*?)```", GUIDE, re.DOTALL)
)
HARDENING = ("User=d0010", "ProtectSystem=strict", "NoNewPrivileges=yes", "EnvironmentFile=/etc/")


def program_lines() -> list[str]:
    """Return the command lines of this project's own that services and cron run."""
    started = re.findall(r"^ExecStart=(.*)$", GUIDE, re.MULTILINE)
    scheduled = re.findall(r"^[\d* ]+\. \S+; (.*)$", GUIDE, re.MULTILINE)
    return [line for line in started + scheduled if "/d0010 " in line and "%i" not in line]


class TestUnits:
    def test_are_all_there(self) -> None:
        assert len(UNITS) == 7

    @pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
    def test_run_with_few_rights(self, name: str) -> None:
        assert [line for line in HARDENING if line not in UNITS[name]] == []

    def test_are_good_to_systemd(self, tmp_path: pathlib.Path) -> None:
        if shutil.which("systemd-analyze") is None:
            pytest.skip("needs systemd-analyze")
        for name, unit in UNITS.items():
            text = unit.replace("/opt/d0010/.venv", sys.prefix)
            (tmp_path / name).write_text(text, encoding="utf-8")
            (tmp_path / name.replace("@.", "@reconcile.")).write_text(text, encoding="utf-8")

        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.glob("d0010-*[a-z].*"))],
            capture_output=True,
            text=True,
            check=False,
        )

        complaints = [line for line in checked.stderr.splitlines() if "d0010" in line]
        assert (checked.returncode, complaints) == (0, [])


class TestCommandLine:
    @pytest.mark.parametrize("line", program_lines())
    def test_is_one_that_the_command_takes(self, line: str) -> None:
        _, name, *arguments = shlex.split(line)
        if name == "dbshell":
            assert arguments[:2] == ["--", "-c"]
            return

        parser = management.load_command_class("etl", name).create_parser("d0010", name)

        parser.parse_args(arguments)


class TestWeb:
    @pytest.mark.thorough  # tests/unit/test_static_names.py has the names
    @pytest.mark.django_db(transaction=True)
    def test_serves_pages_and_static_files_that_browsers_may_keep(self) -> None:
        port = sftp_servers.free_port()
        line = re.search(
            r"^ExecStart=\S+/(gunicorn .*)$", UNITS["d0010-web.service"], re.MULTILINE
        )
        assert line
        command = line[1].replace(":8000", f":{port}").replace("--workers 2", "--workers 1")
        process = subprocess.Popen(
            [f"{sys.prefix}/bin/{(words := shlex.split(command))[0]}", *words[1:]],
            cwd=conftest.ROOT,
            stderr=subprocess.DEVNULL,
            env={
                "DATABASE_URL": conftest.database_url(),
                "SECRET_KEY": "of a test",
                "ALLOWED_HOSTS": "127.0.0.1",
                "D0010_BEHIND_TLS_PROXY": "1",
            },
        )
        try:
            page = fetch(port, "/login/").read().decode()
            [address] = re.findall(r'href="(/static/warehouse/pages\.[^"]*)"', page)
            style = fetch(port, address)

            assert re.fullmatch(r"/static/warehouse/pages\.[0-9a-f]{12}\.css", address)
            assert "immutable" in style.headers["Cache-Control"]
            own = conftest.ROOT / "warehouse/static/warehouse/pages.css"
            assert style.read() == own.read_bytes()
            other = fetch(port, re.sub(r"[0-9a-f]{12}", "0" * 12, address))
            assert "immutable" not in other.headers["Cache-Control"]
        finally:
            process.terminate()
            process.wait()


def fetch(port: int, path: str) -> http.client.HTTPResponse:
    """Ask as the documented proxy does, as soon as somebody listens."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"X-Forwarded-Proto": "https"}
    )
    response: http.client.HTTPResponse = urllib.request.urlopen(request)  # noqa: S310 - the same
    return response
