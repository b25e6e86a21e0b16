"""Make users: each of one group of the product, with a login or a token that works at once."""

from __future__ import annotations

import dataclasses
import datetime

from django.contrib.auth import models, password_validation
from django.core import exceptions
from django.db import transaction
from knox import models as knox


# The groups, and whether those in them log in to the admin.
GROUPS = {"Support": True, "Operations": True, "Upload": False}


class UnfitUserError(Exception):
    """What is asked for can't be; the message says why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MadeUser:
    """What was done; the token, if one was asked for, is told here and nowhere else."""

    is_new: bool
    left: tuple[str, ...]
    has_new_password: bool
    token: str = ""
    token_ends_at: datetime.datetime | None = None
    ended_token_count: int = 0


def needs_password(name: str, *, group: str) -> bool:
    """Tell whether nobody can log in by this name yet, and somebody of the group has to."""
    user = models.User.objects.filter(username=name).first()
    return GROUPS[group] and not (user and user.has_usable_password())


def make_user(*, name: str, group: str, password: str | None, with_token: bool) -> MadeUser:
    """
    Make a user, or change one, so that it is of this group and of no other of `GROUPS`.

    A new token takes the place of those before it. Made twice, the user is the same.

    :raises UnfitUserError: if the name or the password is not fit, or if it is a superuser
    """
    try:
        with transaction.atomic(durable=True):
            return _make(name, group, password, with_token=with_token)
    except exceptions.ValidationError as error:
        raise UnfitUserError(" ".join(error.messages)) from error


def _make(name: str, group: str, password: str | None, *, with_token: bool) -> MadeUser:
    user = models.User.objects.filter(username=name).first() or models.User(username=name)
    is_new = user.pk is None
    if user.is_superuser:
        raise UnfitUserError(f"{name} is a superuser, who may do everything already.")
    if password is not None:
        password_validation.validate_password(password, user)
        user.set_password(password)
    elif is_new:
        user.set_unusable_password()
    user.is_staff, user.is_active = GROUPS[group], True
    user.full_clean()
    user.save()
    left = user.groups.filter(name__in={*GROUPS} - {group})
    names = tuple(left.order_by("name").values_list("name", flat=True))
    user.groups.remove(*left)
    user.groups.add(models.Group.objects.get(name=group))
    made = MadeUser(is_new=is_new, left=names, has_new_password=password is not None)
    if not with_token:
        return made
    ended, _ = knox.AuthToken.objects.filter(user=user).delete()
    row, token = knox.AuthToken.objects.create(user)  # type: ignore[no-untyped-call] # it has no types
    return dataclasses.replace(
        made, token=token, token_ends_at=row.expiry, ended_token_count=ended
    )
