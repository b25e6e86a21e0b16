"""Who looked at which meter point: the one table that reading writes to."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.contrib.auth import base_user

from warehouse import models


def record(
    *,
    user: base_user.AbstractBaseUser,
    mpan_cores: Iterable[str],
    looked_at: models.LookedAt,
    looked_up_at: datetime.datetime,
) -> None:
    """
    Record one look-up for each of the meter points, by one statement.

    :raises django.db.Error: if the server refuses; nothing is to be shown that is not recorded
    """
    models.LookUp.objects.bulk_create(
        models.LookUp(
            user_id=user.pk,
            user_name=user.get_username(),
            mpan_core=mpan_core,
            looked_at=looked_at,
            looked_up_at=looked_up_at,
        )
        for mpan_core in dict.fromkeys(mpan_cores)
        if mpan_core
    )
