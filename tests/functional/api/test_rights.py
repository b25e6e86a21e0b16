from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django import test
from django.contrib.auth import models as auth_models

from tests import builder
from tests.functional.api.conftest import FILES, upload
from warehouse import models


ONE = builder.simple()


class TestRights:
    def test_let_an_uploader_read_nothing(self, uploader: test.Client) -> None:
        sha256 = upload(uploader, ONE).json()["sha256"]

        for path in (
            FILES,
            f"{FILES}{sha256}/",
            f"{FILES}{sha256}/issues/",
            f"{FILES}{sha256}/content/",
            f"/api/v1/meter-points/{builder.MPAN}/",
            f"/api/v1/meter-points/{builder.MPAN}/readings/",
            "/api/v1/meters/?serial=A1",
        ):
            assert uploader.get(path).status_code == 403, path

    def test_let_support_upload_nothing(self, support: test.Client) -> None:
        assert upload(support, ONE).status_code == 403
        assert not models.FlowFile.objects.exists()

    def test_let_strangers_do_nothing(self, db: None) -> None:  # noqa: ARG002 - needed for its effect
        for headers in ({}, {"Authorization": "Token 0"}, {"Authorization": "Token"}):
            response = upload(test.Client(), ONE, headers=headers)

            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == "Token"
        assert not models.FlowFile.objects.exists()

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
    def test_have_no_other_methods(self, operations: test.Client, method: str) -> None:
        act: Callable[..., Any] = getattr(operations, method)

        assert act(FILES).status_code == 405

    def test_of_a_session_need_its_token(self, db: None) -> None:  # noqa: ARG002 - needed for its effect
        otto = auth_models.User.objects.create_user("otto", is_staff=True)
        otto.groups.add(auth_models.Group.objects.get(name="Operations"))
        client = test.Client(enforce_csrf_checks=True)
        client.force_login(otto, "django.contrib.auth.backends.ModelBackend")
        client.get("/warehouse/flowfile/upload/")

        assert upload(client, ONE).status_code == 403

        token = client.cookies["csrftoken"].value
        assert upload(client, ONE, headers={"X-CSRFToken": token}).status_code == 201
