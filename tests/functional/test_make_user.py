from __future__ import annotations

import getpass
import io
import sys

import pytest
from django import test
from django.contrib.auth import models
from knox import models as knox

from etl.config import groups
from etl.usecases import users
from tests import conftest


pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"  # noqa: S105 - of a test
FILES = "/api/v1/flow-files/"


@pytest.fixture(autouse=True)
def _served_quickly(settings: object) -> None:
    setattr(settings, "SECURE_SSL_REDIRECT", False)  # noqa: B010 - of a plugin
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    setattr(settings, "PASSWORD_HASHERS", hashers)  # noqa: B010 - the same


def _status(token: str) -> int:
    client = test.Client(headers={"Authorization": f"Token {token}"})
    return client.post(FILES).status_code


class TestMakeUser:
    def test_knows_the_groups_of_the_product(self) -> None:
        assert {*users.GROUPS} == {*groups.RIGHTS}

    @pytest.mark.parametrize("group", ["Support", "Operations"])
    def test_makes_a_login_that_works_at_once(
        self, run: conftest.Run, write: conftest.Write, group: str
    ) -> None:
        file = write(f"{PASSWORD}\nmore".encode())

        ended = run("make_user", "ann", "--group", group, "--password-from", file)

        assert (ended.code, ended.err) == (0, "")
        assert ended.out == f"ann: made, of the group {group}, with a new password\n"
        client = test.Client()
        answer = client.post("/login/", {"username": "ann", "password": PASSWORD})
        assert answer.status_code == 302
        assert client.get("/warehouse/flowfile/").status_code == 200

    def test_makes_a_token_that_works_at_once_and_ends_those_before(
        self, run: conftest.Run
    ) -> None:
        first = run("make_user", "robot", "--group", "Upload", "--token")
        second = run("make_user", "robot", "--group", "Upload", "--token")

        assert first.out.splitlines()[0] == "robot: made, of the group Upload"
        assert "shown once and ends on" in first.err
        assert second.out.splitlines()[0] == "robot: was there before, of the group Upload"
        assert "1 earlier token ended" in second.err
        before, now = (ended.out.splitlines()[1] for ended in (first, second))
        assert (_status(before), _status(now)) == (401, 400)
        assert now not in {*knox.AuthToken.objects.values_list("digest", flat=True)}
        robot = models.User.objects.get()
        assert not robot.has_usable_password()
        assert not robot.is_staff

    def test_moves_a_user_from_group_to_group_and_keeps_the_password(
        self, run: conftest.Run, write: conftest.Write
    ) -> None:
        file = write(PASSWORD.encode())
        run("make_user", "ann", "--group", "Support", "--password-from", file)

        ended = run("make_user", "ann", "--group", "Operations")

        assert (
            ended.out == "ann: was there before, of the group Operations, no longer of Support\n"
        )
        ann = models.User.objects.get()
        assert [group.name for group in ann.groups.all()] == ["Operations"]
        assert ann.check_password(PASSWORD)

    def test_asks_for_a_password_twice(
        self, run: conftest.Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        typed = iter([PASSWORD, "another", PASSWORD, PASSWORD])
        monkeypatch.setattr(sys, "stdin", _Terminal())
        monkeypatch.setattr(getpass, "getpass", lambda _: next(typed))

        assert "differ" in run("make_user", "ann", "--group", "Support").err
        assert run("make_user", "ann", "--group", "Support").code == 0
        assert models.User.objects.get().check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["ann", "--group", "Support"], "name a file by --password-from"),
            (["ann", "--group", "Support", "--password-from", "nowhere"], "nowhere can't be read"),
            (["a b", "--group", "Upload"], "Enter a valid username"),
            (["x" * 200, "--group", "Upload"], "at most 150"),
            (["ada", "--group", "Upload"], "is a superuser"),
            (["ann", "--group", "Admins"], "invalid choice"),
        ],
        ids=["no terminal", "no file", "a blank", "a long name", "a superuser", "no group"],
    )
    def test_refuses_what_can_not_be(
        self,
        run: conftest.Run,
        monkeypatch: pytest.MonkeyPatch,
        arguments: list[str],
        told: str,
    ) -> None:
        models.User.objects.create_superuser("ada")
        monkeypatch.setattr(sys, "stdin", io.StringIO())

        ended = run("make_user", *arguments)

        assert ended.code == 2
        assert told in ended.err
        assert models.User.objects.count() == 1

    def test_refuses_a_weak_password(self, run: conftest.Run, write: conftest.Write) -> None:
        ended = run("make_user", "ann", "--group", "Support", "--password-from", write(b"secret"))

        assert ended.code == 2
        assert "too short" in ended.err
        assert not models.User.objects.exists()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
