"""Every address of the project, and what each kind of user gets there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import pytest
from django import test, urls
from django.contrib.auth import models as auth_models
from django.utils import timezone

from tests import depth
from warehouse import audits, models


MPAN = "1200023305967"

# Strangers, those who may log in elsewhere only, staff of no group, Support, Operations,
# superusers: each is led to log in, led elsewhere, shown a page, or refused.
ANYBODY = "200 200 200 200 200 200"
GET_ONLY = "405 405 405 405 405 405"
MOVED = "302 302 302 302 302 302"
NOTHING = "404 404 404 404 404 404"
STAFF = "login login 200 200 200 200"
STAFF_NOTHING = "login login 404 404 404 404"
STAFF_GET_ONLY = "login login 405 405 405 405"
LED_ON = "login login 302 302 302 302"
GROUPS = "login login 403 200 200 200"
GROUPS_LED_ON = "login login 403 302 302 302"
SUPERUSERS = "login login 403 403 403 200"
REST_GET_ONLY = "401 405 405 405 405 405"
REST = ("401 403 403 200 200 200", REST_GET_ONLY)  # nobody is led to log in
NOBODY = "login login 403 403 403 403"

Row = tuple[str, str]


def _of_model(
    name: str, *, listed: str = GROUPS, shown: str = GROUPS, written: bool = False
) -> Mapping[str, Row]:
    """Return the rows of the pages of a model, which nobody may write to if it is ours."""
    one = f"{name}<path:object_id>/"
    change = (SUPERUSERS, SUPERUSERS) if written else (NOBODY, NOBODY)
    return {
        name: (listed, SUPERUSERS if written else NOBODY),
        f"{name}add/": change,
        f"{one}delete/": change,
        f"{one}history/": change if written else (STAFF_NOTHING, STAFF_NOTHING),
        f"{one}change/": (shown, SUPERUSERS if written else NOBODY),
        one: (LED_ON, LED_ON),
    }


RIGHTS: Mapping[str, Row] = {  # what a GET and a POST get
    "/healthz": (ANYBODY, GET_ONLY),
    "/favicon.ico": (MOVED, GET_ONLY),
    "/admin/": (MOVED, GET_ONLY),
    "/admin/<path:rest>": (MOVED, GET_ONLY),
    "/autocomplete/": (NOTHING, NOTHING),
    "/r/<path:rest>": (NOTHING, NOTHING),
    "/r/<path:content_type_id>/<path:object_id>/": (NOTHING, NOTHING),
    "/": (STAFF, STAFF),
    "/login/": ("200 200 302 302 302 302", ANYBODY),
    "/logout/": (MOVED, MOVED),
    "/help/": (STAFF, STAFF),
    "/gaps/": (GROUPS, NOBODY),
    "/jumps/": (GROUPS, NOBODY),
    "/password_change/": (STAFF, STAFF),
    "/password_change/done/": (STAFF, STAFF_GET_ONLY),
    "/jsi18n/": (STAFF, STAFF_GET_ONLY),
    "/^(?P<app_label>warehouse|etl|auth)/$": ("login login 404 200 200 200",) * 2,
    "/(?P<url>.*)$": (STAFF_NOTHING, STAFF_NOTHING),
    "/warehouse/reading/download/": (GROUPS_LED_ON, NOBODY),
    "/warehouse/lineissue/download/": (GROUPS, NOBODY),
    "/warehouse/flowfile/<int:flow_file_id>/content/": (GROUPS, NOBODY),
    "/warehouse/flowfile/<int:flow_file_id>/accept/": (
        "login login 403 403 405 405",
        "login login 403 403 302 302",
    ),
    "/warehouse/flowfile/upload/": (
        "login login 403 403 200 200",
        "login login 403 403 302 302",
    ),
    "/api/v1/docs/": (STAFF, STAFF_GET_ONLY),
    "/api/v1/schema/": ("401 200 200 200 200 200", "401 405 405 405 405 405"),
    "/api/v1/flow-files/": ("401 403 403 200 200 200", "401 403 403 403 400 400"),
    "/api/v1/flow-files/<str:sha256>/": REST,
    "/api/v1/flow-files/<str:sha256>/issues/": REST,
    "/api/v1/flow-files/<str:sha256>/content/": REST,
    "/api/v1/meter-points/<str:mpan>/": REST,
    "/api/v1/meter-points/<str:mpan>/readings/": REST,
    "/api/v1/meters/": ("401 403 403 400 400 400", REST_GET_ONLY),
    "/api/v1/arrivals/": ("401 403 403 200 200 200", REST_GET_ONLY),
    "/api/v1/<path:rest>": ("401 404 404 404 404 404",) * 2,
    **_of_model("/warehouse/reading/"),
    **_of_model("/warehouse/meterpoint/"),
    **_of_model("/warehouse/meter/", shown=GROUPS_LED_ON),
    **_of_model("/warehouse/flowfile/"),
    **_of_model("/warehouse/lineissue/"),
    "/warehouse/lineissue/<path:object_id>/mark/": (NOBODY, "login login 403 403 302 302"),
    **_of_model("/warehouse/lookup/", listed=SUPERUSERS, shown=SUPERUSERS),
    **_of_model("/etl/stagedline/", listed=LED_ON),
    **_of_model("/auth/group/", listed=SUPERUSERS, shown=SUPERUSERS, written=True),
    **_of_model("/auth/user/", listed=SUPERUSERS, shown=SUPERUSERS, written=True),
    "/auth/user/<id>/password/": (SUPERUSERS, SUPERUSERS),
}

# Whose pages are made by the same code as those of others: tried when there is time.
ALIKE = ("/warehouse/meter", "/warehouse/flowfile/", "/warehouse/lineissue/", "/auth/group/")


def _routes(
    patterns: Sequence[urls.URLPattern | urls.URLResolver], before: str = "/"
) -> Iterator[str]:
    for pattern in patterns:
        route = f"{before}{pattern.pattern}"
        if isinstance(pattern, urls.URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route


@pytest.fixture
def ids(_sample: None, superuser: auth_models.User) -> Mapping[str, str]:
    """Return the address of a row that there is, for each model."""
    reading = models.Reading.objects.get(mpan_core=MPAN)
    issue = models.LineIssue.objects.create(
        flow_file_id=reading.flow_file_id, line_number=1, mpan_core=MPAN, severity="WARNING"
    )
    look_up = audits.LookUp.objects.create(
        user_name="x", mpan_core=MPAN, looked_at="LIST", looked_up_at=timezone.now()
    )
    return {
        "/warehouse/reading/": f"{MPAN}-{reading.pk}",
        "/warehouse/meterpoint/": MPAN,
        "/warehouse/meter/": f"{MPAN}-F75A00802",
        "/warehouse/flowfile/": f"{reading.flow_file_id}",
        "/warehouse/lineissue/": f"{issue.pk}",
        "/warehouse/lookup/": f"{look_up.pk}",
        "/etl/stagedline/": f"{reading.pk}",
        "/auth/group/": f"{auth_models.Group.objects.earliest('id').pk}",
        "/auth/user/": f"{superuser.pk}",
        "/api/v1/flow-files/": models.FlowFile.objects.get().sha256,
        "/api/v1/meter-points/": MPAN,
    }


def _path(route: str, ids: Mapping[str, str]) -> str:
    """Return an address of this route: of a row that there is, if it asks for one."""
    model = "/".join(route.split("/")[: 4 if route.startswith("/api/") else 3]) + "/"
    path = re.sub(r"\^?\(\?P<(\w+)>[^)]*\)", r"<\1>", route).rstrip("$")
    path = path.replace("<app_label>", "warehouse")
    return re.sub(r"<[^>]*>", ids.get(model, "nowhere"), path)


@pytest.fixture
def users(
    superuser: auth_models.User,
    newcomer: test.Client,
    support: test.Client,
    operations: test.Client,
) -> Sequence[test.Client]:
    """Return clients of all kinds of users, in the order of the table."""
    outsider, ada = test.Client(), test.Client()
    outsider.force_login(auth_models.User.objects.create_user("olaf"))
    ada.force_login(superuser)
    return (test.Client(), outsider, newcomer, support, operations, ada)


def _answer(client: test.Client, method: str, path: str) -> str:
    if path == "/logout/":  # after which the client would be another
        client = test.Client()
    response = client.generic(method, path)
    is_led_to_log_in = response.get("Location", "").startswith("/login/")
    return "login" if is_led_to_log_in else str(response.status_code)


class TestTable:
    def test_has_every_address(self) -> None:
        assert {*_routes(urls.get_resolver().url_patterns)} == {*RIGHTS}

    @pytest.mark.parametrize("method", ["GET", pytest.param("POST", marks=pytest.mark.thorough)])
    def test_is_true(
        self, users: Sequence[test.Client], ids: Mapping[str, str], method: str
    ) -> None:
        expected = {
            route: row[method == "POST"]
            for route, row in RIGHTS.items()
            if depth.is_thorough() or not route.startswith(ALIKE)
        }

        answers = {
            route: " ".join(_answer(client, method, _path(route, ids)) for client in users)
            for route in expected
        }

        assert answers == expected
