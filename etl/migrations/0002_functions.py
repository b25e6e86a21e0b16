"""Functions that the steps in `sql/transform` use; their text is immutable, see its header."""

from __future__ import annotations

import pathlib

from django.db import migrations


FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sql" / "functions"


def _create(name: str, signature: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=[(FOLDER / f"{name}.sql").read_text(encoding="utf-8")],
        reverse_sql=[f"DROP FUNCTION {name}({signature})"],
    )


class Migration(migrations.Migration):
    dependencies = (("etl", "0001_initial"),)
    operations = (
        _create("mpan_check_digit_v1", "text"),
        _create("d0010_clock_time_v1", "text"),
        _create("d0010_register_reading_v1", "text"),
        _create("spreadsheet_text_v1", "text"),
    )
