from __future__ import annotations

import contextlib
import io
import pathlib
from collections.abc import Callable, Iterator

import pytest
from django import test
from django.conf import settings
from django.contrib import auth
from django.contrib.auth import models as auth_models
from django.core import management
from pytest_django import DjangoDbBlocker

from etl.config import sessions
from tests import conftest
from tests.functional.admin import flow_files, meter_points


@pytest.fixture(autouse=True)
def _served_without_tls() -> Iterator[None]:
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # in no time
    with test.override_settings(SECURE_SSL_REDIRECT=False, PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(scope="module")
def _sample(
    django_db_setup: None,  # noqa: ARG001 - makes the database
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    def make() -> None:
        management.call_command("load_d0010", str(flow_files.SAMPLE), stdout=io.StringIO())

    with conftest.kept(django_db_blocker, make):
        yield


@pytest.fixture(scope="module")
def keep(
    django_db_setup: None,  # noqa: ARG001 - makes the database
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[flow_files.Keep]:
    """Make, in a folder, what the tests of a module begin with: once for all of them."""
    with contextlib.ExitStack() as stack:

        def keep(make: Callable[[pathlib.Path], None]) -> None:
            def make_in_a_folder() -> None:
                make(tmp_path_factory.mktemp("kept"))

            stack.enter_context(conftest.kept(django_db_blocker, make_in_a_folder))

        yield keep


@pytest.fixture(scope="module")
def _mixed_files(keep: flow_files.Keep) -> None:
    keep(flow_files.load_mixed)


@pytest.fixture(scope="module")
def _history(keep: flow_files.Keep) -> None:
    keep(meter_points.load_history)


@pytest.fixture
def superuser(db: None) -> auth_models.User:  # noqa: ARG001 - needed for its effect
    return auth_models.User.objects.create_superuser("ada", password="ada")  # noqa: S106 - of a test


def log_in(client: test.Client, user: auth_models.User) -> None:
    """Give the client a session of this user, without what else a login writes and looks up."""
    session = sessions.SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)


@pytest.fixture
def staff(client: test.Client, superuser: auth_models.User) -> test.Client:
    """Return a client logged in as one who may do everything."""
    log_in(client, superuser)
    return client


def _client_of(name: str, *groups: str) -> test.Client:
    user = auth_models.User.objects.create_user(name, is_staff=True)
    user.groups.set(auth_models.Group.objects.filter(name__in=groups))
    client = test.Client()
    log_in(client, user)
    return client


@pytest.fixture
def newcomer(db: None) -> test.Client:  # noqa: ARG001 - needed for its effect
    """Return a client of one who may log in and no more."""
    return _client_of("newcomer")


@pytest.fixture
def support(db: None) -> test.Client:  # noqa: ARG001 - needed for its effect
    return _client_of("stella", "Support")


@pytest.fixture
def operations(db: None) -> test.Client:  # noqa: ARG001 - needed for its effect
    return _client_of("otto", "Operations")
