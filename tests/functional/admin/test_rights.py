from __future__ import annotations

import re

import pytest
from django import test
from django.contrib.auth import models as auth_models
from django.db import models as db_models

from warehouse import models


pytestmark = pytest.mark.usefixtures("_sample")

MODELS = (
    models.FlowFile,
    models.LineIssue,
    models.Meter,
    models.MeterPoint,
    models.Reading,
)


class TestReadOnly:
    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("what", ["", "add/", "{}/change/", "{}/delete/"])
    def test_refuses_every_post_even_a_superusers(
        self, staff: test.Client, model: type[db_models.Model], what: str
    ) -> None:
        key = model._default_manager.values_list("pk", flat=True).order_by("pk").first()  # noqa: SLF001 - Django's name for it

        response = staff.post(f"{_address(model)}{what.format(key)}", {"_save": "Save"})

        assert response.status_code == 403

    @pytest.mark.parametrize("model", MODELS)
    def test_refuses_the_deletion_of_what_is_selected(
        self, staff: test.Client, model: type[db_models.Model]
    ) -> None:
        response = staff.post(
            _address(model), {"action": "delete_selected", "_selected_action": "1"}
        )

        assert response.status_code == 403

    def test_offers_nothing_that_changes(self, staff: test.Client) -> None:
        reading = models.Reading.objects.earliest("id")
        pages = ("/", "/warehouse/reading/", f"/warehouse/reading/{reading.pk}/change/")

        html = "".join(staff.get(page).content.decode() for page in pages)

        assert re.findall(r"/warehouse/[a-z]+/add/|_save|deletelink", html) == []


class TestLogin:
    @pytest.mark.parametrize("path", ["", "warehouse/reading/", "warehouse/flowfile/"])
    def test_is_asked_of_strangers(self, client: test.Client, path: str) -> None:
        response = client.get(f"/{path}")

        assert response.status_code == 302
        assert response["Location"].startswith("/login/")

    def test_does_not_make_a_viewer(self, client: test.Client) -> None:
        newcomer = auth_models.User.objects.create_user("newcomer", is_staff=True)
        client.force_login(newcomer)

        assert client.get("/warehouse/reading/").status_code == 403


def _address(model: type[db_models.Model]) -> str:
    return f"/warehouse/{model.__name__.lower()}/"
