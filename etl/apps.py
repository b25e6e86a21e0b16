from django import apps


class EtlConfig(apps.AppConfig):
    name = "etl"
    verbose_name = "Pipeline"
