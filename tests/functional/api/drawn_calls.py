"""
Calls of the API that are drawn from its schema.

Apart from the test, which alone imports this: it takes a second, in each process that collects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import hypothesis
import schemathesis
from schemathesis.specs.openapi import checks

from etl.config import wsgi
from tests import depth


# It takes any text for a cursor, and any bytes for a flow file.
_NOT_KNOWN: list[Any] = [checks.positive_data_acceptance]
_SETTINGS = hypothesis.settings(
    max_examples=depth.rounds(quick=1, thorough=40),
    phases=[hypothesis.Phase.generate],
    deadline=None,
    database=None,
    suppress_health_check=[*hypothesis.HealthCheck],
)


def operations(headers: Mapping[str, str]) -> list[schemathesis.APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", wsgi.application, headers=headers)
    return [
        found.ok()  # type: ignore[union-attr] # or it raises
        for found in schema.get_all_operations()
    ]


def statuses(
    operation: schemathesis.APIOperation[Any, Any, Any, Any],
    mode: str,
    known: Mapping[str, str],
    headers: dict[str, str],
) -> set[int]:
    """Call it with what its schema allows, of a row that there is, or with what that forbids."""
    answered: set[int] = set()

    @hypothesis.seed(depth.seed())
    @_SETTINGS
    @hypothesis.given(
        case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
    )
    def call(case: schemathesis.Case[Any]) -> None:
        if mode == "positive":
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
            case.headers.pop("Content-Digest", None)  # which it can't make
        response = case.call(headers=headers)
        answered.add(response.status_code)
        case.validate_response(response, excluded_checks=_NOT_KNOWN, headers=headers)

    call()
    return answered


def can_be_wrong(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> bool:
    """Tell whether there is anything to send but who asks, which its schema could forbid."""
    sent = (parameter.definition for parameter in operation.iter_parameters())
    return bool(operation.body) or any("x-original-security-type" not in one for one in sent)
