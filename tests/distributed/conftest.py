from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests import conftest
from tests.distributed import cluster


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
