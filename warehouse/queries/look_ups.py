"""Who looked at which meter point: the one table that reading writes to."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import base_user
from django.db.models import F, QuerySet

from warehouse import audits, codes, models


_MOST_RECENT = 8
_MOST_LOOKED_THROUGH = 100


def record(
    *,
    user: base_user.AbstractBaseUser,
    mpan_cores: Iterable[str] = (),
    flow_file_ids: Iterable[int] = (),
    looked_at: codes.LookedAt,
    looked_up_at: datetime.datetime,
) -> None:
    """
    Record a look-up of each of the meter points, and of all readings of each of the flow files.

    :raises django.db.Error: if the server refuses; nothing is to be shown that is not recorded
    """
    seen: list[dict[str, Any]] = [
        *({"mpan_core": mpan_core} for mpan_core in dict.fromkeys(mpan_cores) if mpan_core),
        *({"flow_file_id": flow_file_id} for flow_file_id in flow_file_ids),
    ]
    audits.LookUp.objects.bulk_create(
        audits.LookUp(
            user_id=user.pk,
            user_name=user.get_username(),
            looked_at=looked_at,
            looked_up_at=looked_up_at,
            **one,
        )
        for one in seen
    )


def recent(user_name: str) -> Sequence[str]:
    """Return the meter points whose pages a user looked at last, the latest first."""
    own = audits.LookUp.objects.filter(user_name=user_name).order_by("-looked_up_at", "-id")
    latest = own.values_list("mpan_core", "looked_at")[:_MOST_LOOKED_THROUGH]
    pages = [mpan_core for mpan_core, at in latest if at == codes.LookedAt.METER_POINT]
    return [*dict.fromkeys(pages)][:_MOST_RECENT]


def of_meter_point(look_ups: QuerySet[audits.LookUp], mpan_core: str) -> QuerySet[audits.LookUp]:
    """Narrow to those of a meter point, and of files that have readings of it."""
    readings = models.Reading.objects.filter(mpan_core=mpan_core)
    of_files = audits.LookUp.objects.filter(
        flow_file__in=readings.values_list(F("id").bitrightshift(32))
    )
    itself = audits.LookUp.objects.filter(mpan_core=mpan_core)
    return look_ups.filter(id__in=itself.values("id").union(of_files.values("id")))
