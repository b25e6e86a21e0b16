"""Django's command, on a database that may not be there yet."""

from __future__ import annotations

from django.contrib.auth.management.commands import createsuperuser

from etl.management import base


class Command(base.PreparedCommand, createsuperuser.Command):
    refuses_nothing = False  # an account may have no address
