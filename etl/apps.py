from django import apps
from django.db.models import signals


class EtlConfig(apps.AppConfig):
    name = "etl"
    verbose_name = "Pipeline"

    def ready(self) -> None:
        from etl.config import groups  # noqa: PLC0415 - needs the apps that are being loaded

        signals.post_migrate.connect(groups.make_groups, sender=self)
