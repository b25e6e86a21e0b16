"""Django's command, on a database that may not be there yet."""

from __future__ import annotations

from django.conf import settings
from django.contrib.staticfiles.management.commands import runserver
from django.core.management import base as django_base

from etl.management import base


class Command(base.PreparedCommand, runserver.Command):
    is_writing = False

    def prepare(self) -> None:
        """
        See that the site can be served.

        :raises CommandError: if a setting that it needs is missing
        """
        super().prepare()
        if settings.WHAT_KEEPS_FROM_SERVING:
            raise django_base.CommandError(f"{settings.WHAT_KEEPS_FROM_SERVING}.")
