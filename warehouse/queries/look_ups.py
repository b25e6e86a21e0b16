"""Who looked at which meter point: the one table that reading writes to."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django import db
from django.contrib.auth import base_user

from warehouse import models
from warehouse.queries import files


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
        [
            models.LookUp(
                user_id=user.pk,
                user_name=user.get_username(),
                mpan_core=mpan_core,
                looked_at=looked_at,
                looked_up_at=looked_up_at,
            )
            for mpan_core in dict.fromkeys(mpan_cores)
            if mpan_core
        ]
    )


def record_file(
    *,
    user: base_user.AbstractBaseUser,
    flow_file_id: int,
    looked_at: models.LookedAt,
    looked_up_at: datetime.datetime,
) -> None:
    """
    Record one look-up for each meter point that a flow file has readings of, in the server.

    :raises django.db.Error: if the server refuses; nothing is to be shown that is not recorded
    """
    first_stretch, last_stretch = files.stretches(flow_file_id)
    with db.connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO look_up (user_id, user_name, mpan_core, looked_at, looked_up_at)
            SELECT DISTINCT
                %(user_id)s, %(user_name)s, reading.mpan_core, %(looked_at)s,
                %(looked_up_at)s::timestamptz
            FROM reading
            WHERE reading.id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
            """,
            {
                "user_id": user.pk,
                "user_name": user.get_username(),
                "looked_at": looked_at,
                "looked_up_at": looked_up_at,
                "first_stretch": first_stretch,
                "last_stretch": last_stretch,
            },
        )
