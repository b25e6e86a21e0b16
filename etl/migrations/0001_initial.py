import django.db.models.expressions
from django.db import migrations, models

import sql


FUNCTIONS = {
    "unpadded": "text, text",
    "without_digits": "text",
    "d0010_line_end": "text, integer, text",
    "d0010_clock_time": "bigint",
    "d0010_register_reading": "text",
    "mpan_check_digit": "bigint",
}


def _create(name: str, signature: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=[sql.statement("functions", name)],
        reverse_sql=[f"DROP FUNCTION {name}({signature})"],
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="StagedText",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("parent_id", models.BigIntegerField(null=True)),
                (
                    "kind",
                    models.TextField(
                        help_text="That of the line, or else that it is a usual meter point."
                    ),
                ),
                ("mpan_core", models.CharField(db_collation="C", max_length=13)),
                ("serial_key", models.TextField(db_collation="C")),
                ("reading_type", models.TextField()),
                ("validation_status", models.TextField()),
                ("payload", models.TextField()),
            ],
            options={
                "db_table": "staged_text",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        django.db.models.expressions.CombinedExpression(
                            models.F("id"), ">>", models.Value(10)
                        ),
                        name="staged_text_of_stretch",
                    ),
                    models.Index(
                        django.db.models.expressions.CombinedExpression(
                            models.F("id"), ">>", models.Value(10)
                        ),
                        condition=models.Q(("kind", "usual"), _negated=True),
                        name="staged_text_of_one_line",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StagedLine",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "stretch",
                    models.BigIntegerField(
                        help_text="It is one of 1,024 lines that follow each other."
                    ),
                ),
                ("parent_id", models.BigIntegerField(null=True)),
                ("kind", models.TextField(help_text="What the grammar of the flow takes it for.")),
                (
                    "mpan_core",
                    models.CharField(
                        db_collation="C",
                        help_text="The MPAN it stands under, empty where none is valid.",
                        max_length=13,
                    ),
                ),
                (
                    "serial_key",
                    models.TextField(db_collation="C", help_text="Of the meter it stands under."),
                ),
                (
                    "reading_type",
                    models.TextField(
                        help_text="J0171 of the meter line it stands under, as sent."
                    ),
                ),
                (
                    "validation_status",
                    models.TextField(
                        help_text="J0022 of the meter point line it stands under, as sent."
                    ),
                ),
                ("payload", models.TextField()),
            ],
            options={
                "db_table": "staged_line",
                "managed": False,
                "permissions": (
                    ("transform_pending", "Can transform what is pending"),
                    ("upload_flow_file", "Can upload flow files"),
                ),
            },
        ),
        migrations.CreateModel(
            name="Fetched",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="A hash over source, name, size and time.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source", models.TextField()),
                ("name", models.TextField()),
                ("size", models.BigIntegerField()),
                (
                    "modified_at",
                    models.BigIntegerField(help_text="As the source counts, and never compared."),
                ),
                ("fetched_at", models.DateTimeField()),
                ("outcome", models.TextField(help_text="What was reported of it then.")),
            ],
            options={"db_table": "fetched"},
        ),
        # A line is found by its stretch; see the model.
        migrations.RunSQL(
            sql=["ALTER TABLE staged_text DROP CONSTRAINT staged_text_pkey"],
            reverse_sql=[
                "ALTER TABLE staged_text ADD CONSTRAINT staged_text_pkey PRIMARY KEY (id)"
            ],
        ),
        migrations.RunSQL(
            sql=[sql.statement("views", "staged_line")], reverse_sql=["DROP VIEW staged_line"]
        ),
        *(_create(name, signature) for name, signature in FUNCTIONS.items()),
    ]
