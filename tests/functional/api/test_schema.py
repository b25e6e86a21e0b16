from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
import schemathesis
from django import test
from django.core import management
from schemathesis.specs.openapi import checks

from etl.config import wsgi
from tests import builder, conftest, depth
from tests.functional.api.conftest import client_of
from warehouse import models


# It takes any text for a cursor, and any bytes for a flow file.
NOT_KNOWN: list[Any] = [checks.positive_data_acceptance]
SETTINGS = hypothesis.settings(
    max_examples=depth.rounds(quick=1, thorough=40),
    phases=[hypothesis.Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=[*hypothesis.HealthCheck],
)


def _statuses(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: schemathesis.GenerationMode,
    known: Mapping[str, str],
    headers: dict[str, str],
) -> set[int]:
    """Call it with what its schema allows, of a row that there is, or with what that forbids."""
    answered: set[int] = set()

    @hypothesis.seed(depth.seed())
    @SETTINGS
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case[Any]) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
            case.headers.pop("Content-Digest", None)  # which it can't make
        response = case.call(headers=headers)
        answered.add(response.status_code)
        case.validate_response(response, excluded_checks=NOT_KNOWN, headers=headers)

    call()
    return answered


def _can_be_wrong(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> bool:
    """Tell whether there is anything to send but who asks, which its schema could forbid."""
    sent = (parameter.definition for parameter in operation.iter_parameters())
    return bool(operation.body) or any("x-original-security-type" not in one for one in sent)


class TestSchema:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "mode",
        [
            schemathesis.GenerationMode.POSITIVE,
            pytest.param(schemathesis.GenerationMode.NEGATIVE, marks=pytest.mark.thorough),
        ],
        ids=["for what it allows", "for what it forbids"],
    )
    def test_is_what_the_server_does(self, mode: schemathesis.GenerationMode) -> None:
        management.call_command("load_d0010", str(conftest.SAMPLE))
        authorization = client_of("Operations").defaults["HTTP_AUTHORIZATION"]
        headers = {"Authorization": str(authorization)}
        known = {"sha256": models.FlowFile.objects.get().sha256, "mpan": builder.MPAN}

        with test.override_settings(ALLOWED_HOSTS=["*"]):
            schema = schemathesis.openapi.from_wsgi(
                "/api/v1/schema/", wsgi.application, headers=headers
            )
            operations = [
                found.ok()  # type: ignore[union-attr] # or it raises
                for found in schema.get_all_operations()
            ]
            for operation in depth.some(operations, one_of=3):
                if mode is schemathesis.GenerationMode.NEGATIVE and not _can_be_wrong(operation):
                    continue
                assert _statuses(operation, mode, known, headers), operation.label

        assert len(operations) == 9
