"""Who may log in, whom django-axes shuts out, and where a login comes from."""

from __future__ import annotations

import ipaddress
from typing import Any

from axes import attempts, models
from django import forms
from django.conf import settings
from django.contrib.admin import forms as admin_forms
from django.contrib.auth import models as auth_models
from django.db.models import Sum
from django.http import HttpRequest


class LoginForm(admin_forms.AdminAuthenticationForm):
    """Tells those who have the right password, and nobody else, what their login lacks."""

    def confirm_login_allowed(self, user: auth_models.User) -> None:
        """
        Let staff in.

        :raises ValidationError: if the user is no staff
        """
        if user.is_active and not user.is_staff:
            raise forms.ValidationError(
                "The password is right, but this login has no staff status, which these pages ask"
                " for. An administrator gives it one by"
                f" “manage.py make_user {user.get_username()} --group Support”, or --group"
                " Operations for those who load files.",
                code="no_staff",
            )
        super().confirm_login_allowed(user)


def what_is_limited(request: HttpRequest, _: Any = None) -> list[str | list[str]]:
    """
    Return by what wrong passwords are counted: by name and address together.

    An address that has had many with whatever names is shut out as a whole: it tries one password
    on everybody.
    """
    address = client_address(request)
    wrong = models.AccessAttempt.objects.filter(
        ip_address=address, attempt_time__gte=attempts.get_cool_off_threshold(request)
    ).aggregate(count=Sum("failures_since_start", default=0))
    if wrong["count"] >= settings.MOST_FAILURES_OF_AN_ADDRESS:
        return ["ip_address"]
    return [["username", "ip_address"]]


def client_address(request: HttpRequest) -> str:
    """Return who asks; behind a proxy that is whom the proxy, and nobody before it, names."""
    address: str = request.META.get("REMOTE_ADDR", "")
    if settings.IS_BEHIND_PROXY:
        _, _, named = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")
        try:
            return str(ipaddress.ip_address(named.strip()))
        except ValueError:
            pass  # a proxy that names nobody: all come from its own address
    return address
