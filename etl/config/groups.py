"""The groups of the product: made whole at each migrate, so vary them by groups of your own."""

from __future__ import annotations

from typing import Any

from django import apps
from django.contrib.auth import management


_VIEWED = ("flowfile", "delivery", "lineissue", "meterpoint", "meter", "register", "reading")
RIGHTS = {
    "Support": tuple(("warehouse", f"view_{name}") for name in (*_VIEWED, "sitevisit")),
    "Operations": (
        *(("warehouse", f"view_{name}") for name in (*_VIEWED, "sitevisit")),
        ("etl", "transform_pending"),
        ("etl", "upload_flow_file"),
        ("warehouse", "mark_issue"),
    ),
    "Upload": (("etl", "upload_flow_file"),),
}


def make_groups(*, using: str, **_: Any) -> None:
    """Give each group its rights; what a group has beyond them is taken from it."""
    # Rights are made by the same signal, whose receivers come in no order to rely on.
    for label in ("etl", "warehouse"):
        management.create_permissions(apps.apps.get_app_config(label), using=using, verbosity=0)
    group_model = apps.apps.get_model("auth", "Group")
    permission_model = apps.apps.get_model("auth", "Permission")
    for name, rights in RIGHTS.items():
        group, _created = group_model.objects.using(using).get_or_create(name=name)
        known = permission_model.objects.using(using).filter(
            content_type__app_label__in={label for label, _ in rights},
            codename__in={codename for _, codename in rights},
        )
        group.permissions.set(known)
