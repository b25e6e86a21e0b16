"""Validated readings count before others, one a time; and one more place where readings show."""

from __future__ import annotations

import pathlib

from django.db import migrations, models


FOLDER = pathlib.Path(__file__).resolve().parents[2] / "sql" / "views"


def _text(version: int) -> str:
    return (FOLDER / f"reading_standing_v{version}.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = (("warehouse", "0003_look_up"),)
    operations = (
        # Forward it is replaced, which keeps what was granted on it. Back it has to be made anew,
        # as a view does not lose a column: grant again then.
        migrations.RunSQL(sql=[_text(2)], reverse_sql=["DROP VIEW reading_standing", _text(1)]),
        migrations.AlterField(
            model_name="lookup",
            name="looked_at",
            field=models.CharField(
                choices=[
                    ("METER_POINT", "its page"),
                    ("READING", "a reading's page"),
                    ("RAW_LINE", "a raw line"),
                    ("LIST", "the list of readings"),
                    ("DOWNLOAD", "a download"),
                    ("ISSUE", "issues of its lines"),
                ],
                max_length=16,
            ),
        ),
    )
