"""Names that nobody should give a file: whatever they hold, no terminal is steered by them."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests import builder
from tests import conftest as tests_conftest
from tests.faults import forks


pytestmark = pytest.mark.django_db(transaction=True)


class TestShownPath:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            pytest.param(b"caf\xe9.uff", "caf\\xe9.uff", marks=pytest.mark.thorough),
            pytest.param(b"line\nbreak.uff", "line\\nbreak.uff", marks=pytest.mark.thorough),
            (b"\x1b[31mred\x1b]0;title\x07.uff", "\\x1b[31mred\\x1b]0;title\\x07.uff"),
            pytest.param("\u202egnp.uff".encode(), "\\u202egnp.uff", marks=pytest.mark.thorough),
        ],
        ids=["not UTF-8", "newline", "escapes", "right to left"],
    )
    def test_may_have_any_name_and_steers_no_terminal(
        self, launcher: forks.Launcher, tmp_path: pathlib.Path, name: bytes, shown: str
    ) -> None:
        folder = tmp_path / "inbox"
        folder.mkdir()
        path = os.fsencode(folder) + b"/" + name
        pathlib.Path(os.fsdecode(path)).write_bytes(builder.simple())

        ended = [
            launcher.run("load_d0010", folder),
            launcher.run("load_d0010", "--json", os.fsdecode(path)),
            launcher.run("reconcile", "--file", os.fsdecode(name)),
            launcher.run("reconcile", "--file", os.fsdecode(name + b"?")),
            launcher.run("export_readings", "--serial", os.fsdecode(name)),
            launcher.run("purge_staged_lines", "--older-than", "0d"),
        ]

        assert [one.code for one in ended] in ([0, 0, 0, 2, 0, 0], [0, 0, 0, 2, 1, 0])
        assert ended[0].out.startswith(f"{folder}/{shown}: loaded (1 reading)")
        assert json.loads(ended[1].out)["outcome"] == "duplicate"
        assert shown in ended[2].out
        assert shown in ended[5].out
        for one in (*ended[:4], ended[5]):
            text = (one.out + one.err).replace("\n", "")
            assert text.isprintable(), text
        assert "Traceback" not in ended[4].err

    @pytest.mark.thorough
    def test_that_is_exported_steers_no_terminal(
        self, run: tests_conftest.Run, tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "\x1b[31mred.uff"
        path.write_bytes(builder.simple())
        assert run("load_d0010", path).code == 0
        screen, its_end = pty.openpty()

        ended = subprocess.run(
            [sys.executable, "manage.py", "export_readings"],
            cwd=forks.ROOT,
            env={**os.environ, "DATABASE_URL": tests_conftest.database_url()},
            stdout=its_end,
            check=False,
        )
        os.close(its_end)
        shown = os.read(screen, 1 << 16).decode()
        os.close(screen)

        assert ended.returncode == 0
        assert "\\x1b[31mred.uff" in shown
        assert all(line.isprintable() for line in shown.splitlines())
        assert len(shown.splitlines()) == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ["load_d0010", "file", "-\x1b[31mx"],
            ["export_readings", "--mpan=\x1b[31m"],
            ["migrate", "-\x1b[31mx"],
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_that_is_no_argument_steers_no_terminal(
        self, launcher: forks.Launcher, arguments: list[str]
    ) -> None:
        ended = launcher.run(*arguments)

        assert ended.code == 2
        assert "\\x1b[31m" in ended.err
        assert ended.err.replace("\n", "").isprintable(), ended.err

    def test_that_the_terminal_cannot_show_is_written_as_escapes(
        self, start: Callable[..., subprocess.Popen[str]], tmp_path: pathlib.Path
    ) -> None:
        good, missing = tmp_path / "z\N{LATIN SMALL LETTER L WITH STROKE}.uff", "\u2026"
        good.write_bytes(builder.simple())

        process = start("load_d0010", missing, good, PYTHONIOENCODING="latin-1")
        out, err = process.communicate(timeout=forks.TIMEOUT)

        assert (process.returncode, err) == (1, "")
        assert out.splitlines()[:2] == [
            "\\u2026: failed (No such file or directory)",
            f"{tmp_path}/z\\u0142.uff: loaded (1 reading)",
        ]
