"""What is installed from the package alone, without the checkout."""

from __future__ import annotations

import os
import pathlib
import subprocess
import tempfile
import venv
import zipfile
from collections.abc import Iterator

import pytest

from tests import conftest


PRODUCT = ("etl", "warehouse", "sql")


@pytest.fixture(scope="module")
def folder() -> Iterator[pathlib.Path]:
    """Make a folder that the account of root's server can pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="d0010-package-", dir="/tmp") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module")
def wheel(folder: pathlib.Path) -> pathlib.Path:
    subprocess.run(["uv", "build", "--wheel", "--quiet", "--out-dir", folder], check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.thorough
class TestWheel:
    def test_holds_each_file_of_the_product(self, wheel: pathlib.Path) -> None:
        tracked = subprocess.check_output(["git", "ls-files", *PRODUCT], text=True).splitlines()

        with zipfile.ZipFile(wheel) as archive:
            held = {name for name in archive.namelist() if name.startswith(PRODUCT)}

        assert held == {name for name in tracked if not name.endswith("README.md")}

    def test_loads_the_sample_where_nothing_else_is_installed(
        self, folder: pathlib.Path, wheel: pathlib.Path
    ) -> None:
        venv.create(folder / "venv", symlinks=True)
        python, command = (folder / "venv" / "bin" / name for name in ("python", "d0010"))
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, wheel], check=True)
        kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "PYTHONPATH"}}

        ended = subprocess.run(
            [command, "load_d0010", conftest.SAMPLE],
            cwd=folder,
            env={**kept, "D0010_DATA_DIR": str(folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.splitlines()[0] == f"{conftest.SAMPLE}: loaded (13 readings)"
