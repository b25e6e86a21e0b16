from django import apps
from django.db.backends import signals as connection_signals
from django.db.models import signals

from etl.postgres import session


class EtlConfig(apps.AppConfig):
    name = "etl"
    verbose_name = "Pipeline"

    def ready(self) -> None:
        from etl.config import groups  # noqa: PLC0415 - needs the apps that are being loaded

        connection_signals.connection_created.connect(session.pin)
        signals.post_migrate.connect(groups.make_groups, sender=self)
