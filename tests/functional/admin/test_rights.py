from __future__ import annotations

import pathlib
import re

import pytest
from axes import models as axes_models
from django import test
from django.conf import settings
from django.contrib.auth import models as auth_models
from django.core import management
from django.db import models as db_models
from django.utils import timezone

from tests import builder, depth
from warehouse import codes, models


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_sample")]

MODELS = (
    models.FlowFile,
    models.LineIssue,
    models.Meter,
    models.MeterPoint,
    models.Reading,
)


class TestReadOnly:
    @pytest.mark.parametrize("model", depth.some([*MODELS], one_of=3))
    @pytest.mark.parametrize("what", ["", "add/", "{}/change/", "{}/delete/"])
    def test_refuses_every_post_even_a_superusers(
        self, staff: test.Client, model: type[db_models.Model], what: str
    ) -> None:
        key = model._default_manager.values_list("pk", flat=True).order_by("pk").first()  # noqa: SLF001 - Django's name for it

        response = staff.post(f"{_address(model)}{what.format(key)}", {"_save": "Save"})

        assert response.status_code == 403

    @pytest.mark.parametrize(
        "address",
        [
            "/etl/stagedline/",
            "/etl/stagedline/{}/change/",
            "/etl/stagedline/{}/delete/",
            "/warehouse/lookup/",
            "/warehouse/lookup/add/",
            "/warehouse/lookup/1/change/",
            "/warehouse/reading/download/?q=1200023305967",
        ],
    )
    @pytest.mark.parametrize("user", depth.some(["support", "staff", "operations"], one_of=3))
    def test_refuses_every_post_elsewhere(
        self, request: pytest.FixtureRequest, user: str, address: str
    ) -> None:
        client: test.Client = request.getfixturevalue(user)
        key = models.Reading.objects.earliest("id").pk

        response = client.post(address.format(key), {"_save": "Save"})

        assert response.status_code == 403

    @pytest.mark.parametrize("model", MODELS)
    def test_refuses_the_deletion_of_what_is_selected(
        self, staff: test.Client, model: type[db_models.Model]
    ) -> None:
        ticked = "1200023305967-1" if model is models.Reading else "1"

        response = staff.post(
            _address(model), {"action": "delete_selected", "_selected_action": ticked}
        )

        assert response.status_code == 403

    @pytest.mark.parametrize("model", depth.some([*MODELS], one_of=3))
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_has_no_history_which_would_name_a_row_unrecorded(
        self, staff: test.Client, model: type[db_models.Model], method: str
    ) -> None:
        key = model._default_manager.values_list("pk", flat=True).order_by("pk").first()  # noqa: SLF001 - Django's name for it

        response = staff.generic(method, f"{_address(model)}{key}/history/")

        assert response.status_code == 404

    def test_completes_nothing_which_would_name_rows_unrecorded(self, staff: test.Client) -> None:
        response = staff.get(
            "/autocomplete/",
            {
                "app_label": "warehouse",
                "model_name": "sitevisit",
                "field_name": "reading",
                "term": "1200023305967",
            },
        )

        assert response.status_code == 404

    def test_offers_nothing_that_changes(self, staff: test.Client) -> None:
        reading = models.Reading.objects.earliest("id")
        pages = (
            "/",
            "/warehouse/reading/?q=1200023305967",
            f"/warehouse/reading/{reading.mpan_core}-{reading.pk}/change/",
        )

        html = "".join(staff.get(page).content.decode() for page in pages)

        assert re.findall(r"/warehouse/[a-z]+/add/|_save|deletelink", html) == []


class TestLogin:
    @pytest.mark.parametrize("path", ["", "warehouse/reading/", "warehouse/flowfile/"])
    def test_is_asked_of_strangers(self, client: test.Client, path: str) -> None:
        response = client.get(f"/{path}")

        assert response.status_code == 302
        assert response["Location"].startswith("/login/")

    def test_does_not_make_a_viewer(self, newcomer: test.Client) -> None:
        assert newcomer.get("/warehouse/reading/").status_code == 403
        assert newcomer.get("/etl/stagedline/1/change/").status_code == 403

    def test_is_shut_after_five_wrong_passwords(
        self, client: test.Client, superuser: auth_models.User
    ) -> None:
        wrong = {"username": superuser.username, "password": "wrong"}
        right = {"username": superuser.username, "password": "ada"}

        codes = [client.post("/login/", wrong).status_code for _ in range(5)]

        assert codes == [200, 200, 200, 200, 429]
        locked_out = client.post("/login/", right)
        assert locked_out.status_code == 429
        assert "for 15 minutes" in locked_out.content.decode()
        # Others, and the same user from elsewhere, are let in.
        assert client.post("/login/", right, REMOTE_ADDR="192.0.2.1").status_code == 302

    def test_opens_again_in_time(self, client: test.Client, superuser: auth_models.User) -> None:
        wrong = {"username": superuser.username, "password": "wrong"}
        for _ in range(5):
            client.post("/login/", wrong)
        passed = timezone.now() - settings.AXES_COOLOFF_TIME
        axes_models.AccessAttempt.objects.update(attempt_time=passed)

        response = client.post("/login/", {**wrong, "password": "ada"})

        assert response.status_code == 302


class TestGroups:
    @pytest.mark.parametrize("model", MODELS)
    def test_of_support_sees_everything(
        self, support: test.Client, model: type[db_models.Model]
    ) -> None:
        assert support.get(_address(model)).status_code == 200

    def test_of_support_is_not_offered_to_transform(self, support: test.Client) -> None:
        page = support.get("/warehouse/flowfile/").content.decode()

        response = support.post("/warehouse/flowfile/", {"action": "transform_pending"})

        assert "transform_pending" not in page
        assert response.status_code == 403

    def test_has_rights_to_look_and_no_other(self) -> None:
        rights = auth_models.Permission.objects.filter(group__name="Support")

        assert {right.codename.partition("_")[0] for right in rights} == {"view"}
        assert not rights.filter(codename="view_lookup").exists()

    def test_gets_its_rights_back_at_each_migrate(self) -> None:
        auth_models.Group.objects.get(name="Operations").permissions.clear()

        management.call_command("migrate", verbosity=0)

        rights = auth_models.Permission.objects.filter(group__name="Operations")
        assert rights.filter(codename="transform_pending").exists()


@pytest.mark.django_db(transaction=True)
class TestTransformAgain:
    def test_finishes_what_was_only_staged(
        self, operations: test.Client, tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "staged.uff"
        path.write_bytes(builder.simple(file_id="77"))
        management.call_command("load_d0010", str(path), stage_only=True)
        staged = models.FlowFile.objects.get(file_name="staged.uff")

        response = operations.post(
            "/warehouse/flowfile/",
            {"action": "transform_pending", "_selected_action": [staged.pk]},
            follow=True,
        )

        staged.refresh_from_db()
        assert staged.status == codes.FlowFileStatus.LOADED
        assert "Transformed staged.uff: loaded" in response.content.decode()

    def test_is_offered_on_the_page_of_a_file_that_waits(
        self, operations: test.Client, support: test.Client, tmp_path: pathlib.Path
    ) -> None:
        path = tmp_path / "staged.uff"
        path.write_bytes(builder.simple(file_id="77"))
        management.call_command("load_d0010", str(path), stage_only=True)
        loaded, staged = models.FlowFile.objects.order_by("id")
        button = "Transform it now"

        def page(client: test.Client, flow_file: models.FlowFile) -> str:
            return client.get(f"/warehouse/flowfile/{flow_file.pk}/change/").content.decode()

        assert "its readings are not found until then" in page(support, staged)
        assert button in page(operations, staged)
        assert button not in page(operations, loaded)
        assert button not in page(support, staged)

    def test_leaves_alone_what_is_done(self, operations: test.Client) -> None:
        loaded = models.FlowFile.objects.get(status=codes.FlowFileStatus.LOADED)

        response = operations.post(
            "/warehouse/flowfile/",
            {"action": "transform_pending", "_selected_action": [loaded.pk]},
            follow=True,
        )

        assert "None of the files is pending." in response.content.decode()


def _address(model: type[db_models.Model]) -> str:
    return f"/warehouse/{model.__name__.lower()}/"
