"""Django's command, with what is wrong said in a sentence."""

from __future__ import annotations

from django.core.management.commands import migrate

from etl.management import base
from etl.usecases import schema


class Command(base.PreparedCommand, migrate.Command):
    def prepare(self) -> None:
        schema.check_server(is_writing=True)
