"""A server of its own for each test."""

import contextlib
import pathlib
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests import shared
from tests.integration.embedded import processes


@contextlib.contextmanager
def place() -> Iterator[pathlib.Path]:
    folder = shared.make_folder("d0010-test-")
    try:
        yield folder
    finally:
        for path in folder.rglob("pg*/postmaster.pid"):
            processes.stop(path.parents[1])
        shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[pathlib.Path]:
    with place() as folder:
        yield folder / "home"


@pytest.fixture(scope="session")
def model_home(request: pytest.FixtureRequest) -> Iterator[pathlib.Path]:
    """Make a home that has been used once and is at rest."""
    with place() as folder:
        shared.copy_home(request.config, folder / "home")
        yield folder / "home"


@pytest.fixture
def used(home: pathlib.Path, model_home: pathlib.Path) -> Iterator[None]:
    """Spare a test the creation of data where that is not its subject."""
    model_home.rename(home)
    yield
    processes.stop(home)
    home.rename(model_home)


@pytest.fixture
def client(home: pathlib.Path) -> Iterator[Callable[..., processes.Client]]:
    clients: list[processes.Client] = []

    def start(place: pathlib.Path = home, *, prelude: str = "") -> processes.Client:
        clients.append(processes.Client(place, prelude=prelude))
        return clients[-1]

    yield start
    for one in clients:
        one.close()
