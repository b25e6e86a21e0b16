"""The views that people and tools read; their text is immutable, see its header."""

from __future__ import annotations

import pathlib

from django.db import migrations


FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sql" / "views"


def _create(name: str, version: int) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=[(FOLDER / f"{name}_v{version}.sql").read_text(encoding="utf-8")],
        reverse_sql=[f"DROP VIEW {name}"],
    )


class Migration(migrations.Migration):
    dependencies = (("warehouse", "0001_initial"),)
    operations = (
        # Django makes a second index for prefixes of a text key; under the "C" collation the
        # first one serves them too, and each is paid for with every new meter point.
        migrations.RunSQL(
            sql=["DROP INDEX meter_point_mpan_core_130aba95_like"],
            reverse_sql=[
                """
                CREATE INDEX meter_point_mpan_core_130aba95_like
                ON meter_point (mpan_core varchar_pattern_ops)
                """
            ],
        ),
        _create("reading_listing", 1),
        _create("reading_standing", 1),
    )
