from django import apps


class WarehouseConfig(apps.AppConfig):
    name = "warehouse"
    verbose_name = "Meter readings"
