"""What goes wrong, as `application/problem+json` (RFC 9457): never a page, never a traceback."""

from __future__ import annotations

import dataclasses
import http
import logging
from collections.abc import Mapping
from typing import Any

from django import db
from django.core import exceptions as django_exceptions
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions, negotiation, response, status, views

from etl.postgres import advice
from etl.usecases import outcomes


logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_FAULT = "The fault is this site's, not yours, and it is in the log. Try again in a minute."
# Of a file that can't be unpacked or read, so that there is no finding in it.
_UNREADABLE = outcomes.Refusal(
    code="unreadable",
    line=0,
    item="",
    value="",
    expected="a flow file as text, or packed by gzip",
    remedy="Send it again as it was made, packed by gzip or not.",
)


class Negotiation(negotiation.DefaultContentNegotiation):
    """Answers in JSON whatever is asked for, as there is nothing else to choose from."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002 - of the base class
        return renderers[0], renderers[0].media_type


class GoneError(exceptions.APIException):
    status_code = status.HTTP_410_GONE


class TooLargeError(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


def handle(error: Exception, context: Mapping[str, Any]) -> response.Response:
    """Answer an error of any kind; what nobody anticipated is logged with its traceback."""
    known = _known(error)
    if known is None:
        logger.error("An error of the REST interface", exc_info=error)
        views.set_rollback()
        return problem(status.HTTP_500_INTERNAL_SERVER_ERROR, _FAULT)
    # It sets the headers, such as how to authenticate and when to come again.
    answer = views.exception_handler(known, dict(context))
    headers = answer.headers if answer is not None else {}
    kept = {name: headers[name] for name in ("WWW-Authenticate", "Retry-After") if name in headers}
    number = known.status_code
    if isinstance(known, exceptions.ValidationError):
        return problem(number, _first(known.detail), errors=known.detail, headers=kept)
    return problem(number, str(known.detail), headers=kept)


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound(str(error) or None)
    if isinstance(error, django_exceptions.PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, (django_exceptions.SuspiciousOperation, UnreadablePostError)):
        return exceptions.ParseError("The request can't be read to its end.")
    if isinstance(error, db.OperationalError):
        what_to_do = advice.of(error) or "try again in a minute"
        unavailable = exceptions.APIException(
            f"The database can't be used: {advice.first_line(error)}; {what_to_do}."
        )
        unavailable.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return unavailable
    return None


def _first(detail: Any) -> str:
    """Return the first of what is wrong, with the name of the field."""
    if isinstance(detail, Mapping):
        name, told = next(iter(detail.items()))
        return _first(told) if name == "non_field_errors" else f"{name}: {_first(told)}"
    return _first(detail[0]) if isinstance(detail, list) else str(detail)


def problem(
    number: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> response.Response:
    body = {"title": http.HTTPStatus(number).phrase, "status": number, "detail": detail, **more}
    return response.Response(body, number, headers=dict(headers or {}), content_type=CONTENT_TYPE)


def refusal(report: outcomes.FileReport, *, page: str) -> response.Response:
    """Say why nothing of a file was loaded, and what to do about it."""
    refused = report.refusal or _UNREADABLE
    is_reused = refused.code == "reused-file-id"
    return problem(
        status.HTTP_409_CONFLICT if is_reused else status.HTTP_422_UNPROCESSABLE_ENTITY,
        report.reason,
        outcome=report.outcome.value,
        sha256=report.sha256,
        page=page,
        **dataclasses.asdict(refused),
    )
