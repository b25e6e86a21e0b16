from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django import test
from pytest_django import DjangoDbBlocker

from tests import conftest
from tests.distributed import cluster, story


Answers = tuple[Mapping[str, Any], Mapping[str, Any]]
PLAIN: dict[str, Any] = {}
SPREAD: dict[str, Any] = {}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Return the same folder each time, since deliveries tell of it."""
    folder = tmp_path_factory.getbasetemp() / "flow_files"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def _spread(run: conftest.Run, folder: pathlib.Path) -> Iterator[None]:
    """Spread the tables, and before that see what is told without it."""
    with test.override_settings(SECURE_SSL_REDIRECT=False):
        if not PLAIN:
            PLAIN.update(story.of(run, folder))
            assert run("distribute").code == 0
            conftest.empty_tables()
        yield


@pytest.fixture
def answers(run: conftest.Run, folder: pathlib.Path) -> Answers:
    """Return what is told on one machine, and what where the tables are spread."""
    if not SPREAD:
        SPREAD.update(story.of(run, folder))
    return PLAIN, SPREAD


@pytest.fixture(scope="package", autouse=True)
def _cluster(
    django_db_setup: None,  # noqa: ARG001 - comes first, since it makes the other databases
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    if not cluster.URL:
        pytest.skip(
            "D0010_CITUS_URL names no database on the coordinator of a Citus cluster:"
            " see sql/citus/README.md"
        )
    with django_db_blocker.unblock():
        before = cluster.enter()
    yield
    with django_db_blocker.unblock():
        conftest.empty_tables()
        cluster.leave(before)
