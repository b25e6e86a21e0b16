"""How long a session lasts, what a password has to be, and whom wrong ones lock out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator

import pytest
from axes import models as axes_models
from django import test
from django.conf import settings
from django.contrib.auth import models as auth_models
from django.contrib.sessions import models as session_models
from django.core import management
from django.test import utils
from django.utils import timezone


WRONG = "wrong"


def _is_logged_in(client: test.Client) -> bool:
    return client.get("/").status_code == 200


def _lasts(client: test.Client) -> datetime.timedelta:
    key = client.cookies["sessionid"].value
    return session_models.Session.objects.get(pk=key).expire_date - timezone.now()


def _set(client: test.Client, **times: int) -> None:
    session = client.session
    session.update(times)
    session.save()


class TestSession:
    def test_ends_when_it_was_not_used(self, staff: test.Client) -> None:
        assert _is_logged_in(staff)
        assert _lasts(staff) <= datetime.timedelta(minutes=30)

        past = timezone.now() - datetime.timedelta(seconds=1)
        session_models.Session.objects.update(expire_date=past)

        assert not _is_logged_in(staff)

    def test_lasts_longer_as_it_is_used(self, staff: test.Client) -> None:
        assert _is_logged_in(staff)
        _set(staff, used=int(time.time()) - 20 * 60)
        soon = timezone.now() + datetime.timedelta(minutes=10)
        session_models.Session.objects.update(expire_date=soon)

        assert _is_logged_in(staff)

        assert _lasts(staff) > datetime.timedelta(minutes=29)

    def test_is_not_written_at_each_request(self, staff: test.Client) -> None:
        assert _is_logged_in(staff)
        soon = timezone.now() + datetime.timedelta(minutes=28)
        session_models.Session.objects.update(expire_date=soon)

        assert _is_logged_in(staff)

        assert _lasts(staff) <= datetime.timedelta(minutes=28)

    @pytest.mark.parametrize(("hours", "is_open"), [(11.9, 1), (12, 0)])
    def test_ends_after_twelve_hours_of_use(
        self, staff: test.Client, hours: float, is_open: int
    ) -> None:
        assert _is_logged_in(staff)
        _set(staff, began=int(time.time() - hours * 60 * 60))

        assert _is_logged_in(staff) == is_open

        assert session_models.Session.objects.count() == is_open

    def test_of_nobody_is_not_kept(self, client: test.Client, db: None) -> None:  # noqa: ARG002 - needed for its effect
        client.cookies["sessionid"] = "0123456789abcdefghijklmnopqrstuv"

        assert not _is_logged_in(client)

        assert not session_models.Session.objects.exists()


class TestLogin:
    @pytest.mark.parametrize("led_to", ["", "https://evil.example/", "//evil.example"])
    def test_leads_to_the_start_page(
        self, client: test.Client, superuser: auth_models.User, led_to: str
    ) -> None:
        right = {"username": superuser.username, "password": "ada", "next": led_to}

        response = client.post(f"/login/?next={led_to}", right)

        assert response["Location"] == "/"
        assert _is_logged_in(client)

    @pytest.mark.parametrize(
        ("password", "complaint"),
        [
            ("kettle9plum", "too short"),
            ("password1234", "too common"),
            ("593067012485", "entirely numeric"),
            ("adalovelace1815", "too similar to the username"),
        ],
    )
    def test_has_no_weak_password(
        self, staff: test.Client, superuser: auth_models.User, password: str, complaint: str
    ) -> None:
        superuser.username = "adalovelace"
        superuser.save()

        response = staff.post(
            "/password_change/",
            {"old_password": "ada", "new_password1": password, "new_password2": password},
        )

        assert response.status_code == 200
        assert complaint in response.content.decode()


class TestAddress:
    MOST = 6

    @pytest.fixture(autouse=True)
    def _few(self) -> Iterator[None]:
        with utils.override_settings(MOST_FAILURES_OF_AN_ADDRESS=self.MOST):
            yield

    def _try_many_names(self, client: test.Client, **headers: str) -> list[int]:
        return [
            client.post(
                "/login/", {"username": f"name{number}", "password": WRONG}, headers=headers
            ).status_code
            for number in range(self.MOST)
        ]

    def test_is_locked_out_after_failures_with_many_names(
        self, client: test.Client, superuser: auth_models.User
    ) -> None:
        right = {"username": superuser.username, "password": "ada"}

        codes = self._try_many_names(client)

        assert codes == [200] * (self.MOST - 1) + [429]
        assert client.post("/login/", right).status_code == 429
        assert client.post("/login/", right, REMOTE_ADDR="192.0.2.1").status_code == 302

    def test_is_let_in_again_in_time_or_by_command(
        self, client: test.Client, superuser: auth_models.User
    ) -> None:
        right = {"username": superuser.username, "password": "ada"}
        self._try_many_names(client)
        passed = timezone.now() - settings.AXES_COOLOFF_TIME
        axes_models.AccessAttempt.objects.update(attempt_time=passed)
        in_time = client.post("/login/", right).status_code
        self._try_many_names(client)

        management.call_command("axes_reset_ip", "127.0.0.1", verbosity=0)

        assert in_time == 302
        assert client.post("/login/", right).status_code == 302

    def test_is_that_which_the_proxy_names(
        self, client: test.Client, superuser: auth_models.User
    ) -> None:
        right = {"username": superuser.username, "password": "ada"}

        def code(forwarded_for: str) -> int:
            return client.post(
                "/login/", right, headers={"x-forwarded-for": forwarded_for}
            ).status_code

        with utils.override_settings(IS_BEHIND_PROXY=True):
            self._try_many_names(client, **{"x-forwarded-for": "203.0.113.9, 192.0.2.7"})

            assert code("203.0.113.1, 192.0.2.7") == 429
            assert code("192.0.2.7, 198.51.100.3") == 302
            assert code("nonsense") == 302

    def test_is_no_other_than_its_own_without_a_proxy(
        self, client: test.Client, superuser: auth_models.User
    ) -> None:
        right = {"username": superuser.username, "password": "ada"}
        for number in range(self.MOST):
            client.post(
                "/login/",
                {"username": f"name{number}", "password": WRONG},
                headers={"x-forwarded-for": f"192.0.2.{number}"},
            )

        assert client.post("/login/", right).status_code == 429
