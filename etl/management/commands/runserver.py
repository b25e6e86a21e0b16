"""Django's command, on a database that may not be there yet."""

from __future__ import annotations

from django.contrib.staticfiles.management.commands import runserver

from etl.management import base


class Command(base.PreparedCommand, runserver.Command):
    is_writing = False
