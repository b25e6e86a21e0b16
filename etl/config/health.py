"""Whether this can serve: for a load balancer, without a log-in and without a word too many."""

from __future__ import annotations

from django import db, http
from django.views.decorators import cache
from django.views.decorators import http as methods

from etl.postgres import transactions
from etl.usecases import schema


_SECONDS = 3  # that it waits for a lock; who asks will not wait for long


@methods.require_safe
@cache.never_cache
def page(_: http.HttpRequest) -> http.JsonResponse:
    """Answer 200 if database and migrations are fit, and 503 if one is not."""
    fit = {"database": False, "migrations": False}
    try:
        schema.check_server(is_writing=True)  # sessions and look-ups are written
        fit["database"] = True
        with transactions.reading(seconds=_SECONDS):
            fit["migrations"] = not schema.missing_migrations()
    except (db.Error, schema.SchemaError):
        pass  # the answer says which
    return http.JsonResponse(fit, status=200 if all(fit.values()) else 503)
