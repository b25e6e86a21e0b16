from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django import test
from django.contrib.auth import models as auth_models
from django.core import cache
from django.core.files import uploadedfile
from knox import models as knox


FILES = "/api/v1/flow-files/"


@pytest.fixture(autouse=True)
def _served_without_tls() -> Iterator[None]:
    with test.override_settings(SECURE_SSL_REDIRECT=False):
        yield
    cache.cache.clear()  # where requests are counted


def client_of(group: str) -> test.Client:
    """Return a client with the token of somebody of this group."""
    user = auth_models.User.objects.create_user(group.lower())
    user.groups.set(auth_models.Group.objects.filter(name=group))
    _, token = knox.AuthToken.objects.create(user)  # type: ignore[no-untyped-call] # it has no types
    return test.Client(headers={"Authorization": f"Token {token}"})


@pytest.fixture
def uploader(db: None) -> test.Client:  # noqa: ARG001 - needed for its effect
    return client_of("Upload")


@pytest.fixture
def support(db: None) -> test.Client:  # noqa: ARG001 - needed for its effect
    return client_of("Support")


@pytest.fixture
def operations(db: None) -> test.Client:  # noqa: ARG001 - needed for its effect
    return client_of("Operations")


def upload(client: test.Client, content: bytes, name: str = "file.uff", **more: Any) -> Any:
    """Post a file; what is given by name are other fields, or `headers`."""
    headers = more.pop("headers", None)
    file = uploadedfile.SimpleUploadedFile(name, content)
    return client.post(FILES, {"file": file, **more}, headers=headers)
