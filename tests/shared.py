"""
What is made once for all processes of a run: a folder, and in it a server to copy.

Its path is short enough for a socket, and the account that root's server runs as can pass through.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest
from xdist import workermanage


ROOT = pathlib.Path(__file__).resolve().parents[1]
_FOLDER = pytest.StashKey[pathlib.Path]()
_NAME = "d0010_shared_folder"


# A server's data is 64 MB that are made, copied and deleted again and again: in memory where
# there is room. Two servers at most are there at once for each process.
_MEMORY = pathlib.Path("/dev/shm")  # noqa: S108 - folders of their own in it
_ROOM = 2 << 30  # bytes


def make_folder(prefix: str) -> pathlib.Path:
    """Make a folder, whose path is short, for a server."""
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    place = _MEMORY if is_roomy else "/tmp"  # noqa: S108 - the same
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    folder.chmod(0o755)  # for the account that root's server runs as
    return folder


def begin(config: pytest.Config) -> None:
    if given := getattr(config, "workerinput", {}).get(_NAME):
        config.stash[_FOLDER] = pathlib.Path(given)
        return
    folder = make_folder("d0010-tests-")
    config.stash[_FOLDER] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder))


def tell(node: workermanage.WorkerController) -> None:
    """Tell a process that is to run tests where the folder is."""
    node.workerinput[_NAME] = str(node.config.stash[_FOLDER])


@contextlib.contextmanager
def locked(config: pytest.Config, what: str) -> Iterator[pathlib.Path]:
    """Make something while no other process does, and return the place that tells of it."""
    folder = config.stash[_FOLDER]
    with (folder / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / what


def copy_home(config: pytest.Config, home: pathlib.Path) -> None:
    """Make the home of a server whose database is migrated, and which is at rest."""
    with locked(config, "home") as model:
        if not model.exists():
            new = model.with_name("new")
            _make_home(new)
            new.rename(model)
    subprocess.run(["cp", "-a", str(model), str(home)], check=True)


def _make_home(home: pathlib.Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env={**environment, "D0010_DATA_DIR": str(home)},
        check=True,
    )
