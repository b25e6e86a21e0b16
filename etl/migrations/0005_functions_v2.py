"""Functions that read a text once; the steps call these in place of the first versions."""

from __future__ import annotations

import pathlib

from django.db import migrations


FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sql" / "functions"


def _create(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _supersede(name: str, before: str, after: str) -> migrations.RunSQL:
    """Put version 2 of a function, with its new argument, in the place of version 1."""
    return migrations.RunSQL(
        sql=[_create(f"{name}_v2"), f"DROP FUNCTION {name}_v1({before})"],
        reverse_sql=[_create(f"{name}_v1"), f"DROP FUNCTION {name}_v2({after})"],
    )


class Migration(migrations.Migration):
    dependencies = (("etl", "0004_count_waiting_lines"),)
    operations = (
        _supersede("d0010_clock_time", "text", "bigint"),
        _supersede("d0010_register_reading", "text", "text"),
    )
