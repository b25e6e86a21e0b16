import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import sql


# In the database a row of readings is known by what people and flows know it by, and every unique
# key holds the meter point, by which these tables can be spread over machines. Django needs one
# field for that, and so keeps the id.
KEYS = {
    "meter": "mpan_core, serial_key",
    "register": "mpan_core, serial_key, identifier",
    "reading": "mpan_core, read_at, id",
    "site_visit": "mpan_core, id",
}


def _set_key(table: str, columns: str) -> migrations.RunSQL:
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey"
    return migrations.RunSQL(
        sql=[drop, f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({columns})"],
        reverse_sql=[drop, f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id)"],
    )


# Meters and registers are seen for the first time once, and then for years: their pages are full.
FULL = ("meter_point", "meter", "register")


def _fill_key(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=[f"ALTER INDEX {table}_pkey SET (fillfactor = 100)"],
        reverse_sql=[f"ALTER INDEX {table}_pkey RESET (fillfactor)"],
    )


def _create_view(name: str) -> migrations.RunSQL:
    return migrations.RunSQL(sql=[sql.statement("views", name)], reverse_sql=[f"DROP VIEW {name}"])


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FlowFile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                (
                    "file_name",
                    models.TextField(help_text="The name under which the content first came."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("STAGED", "staged"),
                            ("LOADED", "loaded"),
                            ("LOADED_WITH_REJECTIONS", "loaded with rejections"),
                            ("REJECTED", "rejected"),
                            ("FAILED", "failed"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "reason",
                    models.TextField(
                        blank=True, default="", help_text="Why the file was rejected or failed."
                    ),
                ),
                ("staged_at", models.DateTimeField(null=True)),
                ("transformed_at", models.DateTimeField(null=True)),
                (
                    "purged_at",
                    models.DateTimeField(
                        help_text="When the raw lines were dropped; the readings stay.", null=True
                    ),
                ),
                ("size", models.BigIntegerField(verbose_name="size in bytes")),
                (
                    "encoding",
                    models.TextField(help_text="How bytes became text; encoding gives them back."),
                ),
                ("file_identifier", models.TextField(default="", verbose_name="file id")),
                ("flow", models.TextField(default="", verbose_name="flow and version")),
                ("sender_role", models.TextField(default="")),
                ("sender", models.TextField(default="")),
                ("recipient_role", models.TextField(default="")),
                ("recipient", models.TextField(default="")),
                ("file_created_at", models.DateTimeField(null=True)),
                ("sending_application", models.TextField(default="")),
                ("receiving_application", models.TextField(default="")),
                ("broadcast", models.TextField(default="")),
                ("test_flag", models.TextField(default="")),
                (
                    "reuses_file_identifier",
                    models.BooleanField(
                        default=False,
                        help_text="Loaded although another content of this sender has the same file id.",
                        verbose_name="reuses a file id",
                    ),
                ),
                (
                    "is_strict",
                    models.BooleanField(
                        default=False,
                        help_text="Loaded whole or not at all, whatever one line says.",
                        verbose_name="strict",
                    ),
                ),
                ("declared_group_count", models.BigIntegerField(null=True)),
                ("checksum", models.TextField(default="")),
                ("declared_flow_count", models.BigIntegerField(null=True)),
                ("file_completed_at", models.DateTimeField(null=True)),
                ("line_count", models.BigIntegerField(default=0, verbose_name="lines")),
                (
                    "blank_line_count",
                    models.BigIntegerField(default=0, verbose_name="blank lines"),
                ),
                (
                    "meter_point_line_count",
                    models.BigIntegerField(default=0, verbose_name="meter point lines"),
                ),
                (
                    "meter_line_count",
                    models.BigIntegerField(default=0, verbose_name="meter lines"),
                ),
                ("reading_count", models.BigIntegerField(default=0, verbose_name="readings")),
                (
                    "validation_result_count",
                    models.BigIntegerField(default=0, verbose_name="validation results"),
                ),
                (
                    "site_visit_count",
                    models.BigIntegerField(default=0, verbose_name="site visits"),
                ),
                (
                    "rejected_line_count",
                    models.BigIntegerField(default=0, verbose_name="rejected lines"),
                ),
                ("warning_count", models.BigIntegerField(default=0, verbose_name="warnings")),
                (
                    "forgotten_line_count",
                    models.BigIntegerField(
                        default=0,
                        help_text="Of meter points that were forgotten since.",
                        verbose_name="forgotten lines",
                    ),
                ),
                (
                    "digest",
                    models.TextField(
                        default="",
                        help_text="What proves it where its content no longer does: of its rows"
                        " since its raw lines were dropped, else of its raw lines since a meter"
                        " point was forgotten.",
                    ),
                ),
            ],
            options={
                "db_table": "flow_file",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "STAGED")),
                        fields=["id"],
                        name="flow_file_waiting",
                    ),
                    models.Index(fields=["staged_at", "id"], name="flow_file_arrival"),
                    models.Index(fields=["sender", "staged_at", "id"], name="flow_file_of_sender"),
                    models.Index(fields=["flow", "staged_at", "id"], name="flow_file_of_flow"),
                    models.Index(
                        condition=models.Q(("status__in", ("REJECTED", "FAILED"))),
                        fields=["staged_at", "id"],
                        name="flow_file_refused",
                    ),
                    models.Index(
                        condition=models.Q(("rejected_line_count__gt", 0)),
                        fields=["staged_at", "id"],
                        name="flow_file_with_rejected_lines",
                    ),
                    models.Index(
                        condition=models.Q(("warning_count__gt", 0)),
                        fields=["staged_at", "id"],
                        name="flow_file_with_warnings",
                    ),
                    models.Index(fields=["file_identifier"], name="flow_file_identifier"),
                    models.Index(
                        fields=["file_name"], name="flow_file_name", opclasses=["text_pattern_ops"]
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("sha256",), name="flow_file_content_is_known_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("reuses_file_identifier", False),
                            ("status__in", ("STAGED", "LOADED", "LOADED_WITH_REJECTIONS")),
                        ),
                        fields=("file_identifier", "sender", "sender_role"),
                        name="flow_file_identifier_is_used_once_by_its_sender",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("id__gt", 0), ("id__lt", 2147483648)),
                        name="flow_file_id_fits_half_a_line_id",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_name", models.TextField()),
                ("path", models.TextField()),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("COMMAND", "command"),
                            ("UPLOAD", "upload"),
                            ("FOLDER", "folder"),
                            ("SFTP", "sFTP"),
                        ],
                        max_length=7,
                    ),
                ),
                (
                    "brought_by",
                    models.TextField(
                        help_text="The account that ran the command, or the user who uploaded."
                    ),
                ),
                ("delivered_at", models.DateTimeField()),
                (
                    "flow_file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="warehouse.flowfile",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "db_table": "delivery",
            },
        ),
        migrations.CreateModel(
            name="Meter",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "mpan_core",
                    models.CharField(db_collation="C", max_length=13, verbose_name="MPAN"),
                ),
                ("serial_key", models.TextField(db_collation="C")),
                ("serial_number", models.TextField(verbose_name="meter serial number")),
            ],
            options={
                "db_table": "meter",
                "indexes": [
                    models.Index(fields=["serial_key"], name="meter_serial_key"),
                    models.Index(
                        django.db.models.functions.text.Reverse(
                            django.db.models.functions.text.Right("serial_key", 7)
                        ),
                        name="meter_serial_key_backwards",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("serial_key", ""), _negated=True),
                        name="meter_has_a_serial_number",
                    )
                ],
            },
        ),
        # Django would make a second index for prefixes of a text key; under the "C" collation the
        # first one serves them too, and each is paid for with every new meter point.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=[
                        """
                        CREATE TABLE meter_point (
                            mpan_core varchar(13) COLLATE "C" PRIMARY KEY,
                            line_id bigint NOT NULL,
                            CONSTRAINT meter_point_mpan_core_has_13_digits
                            CHECK (mpan_core ~ '^[0-9]{13}$')
                        )
                        """
                    ],
                    reverse_sql=["DROP TABLE meter_point"],
                )
            ],
            state_operations=[
                migrations.CreateModel(
                    name="MeterPoint",
                    fields=[
                        (
                            "mpan_core",
                            models.CharField(
                                db_collation="C",
                                max_length=13,
                                primary_key=True,
                                serialize=False,
                                verbose_name="MPAN",
                            ),
                        ),
                        (
                            "line_id",
                            models.BigIntegerField(
                                help_text="The staged line that introduced it."
                            ),
                        ),
                    ],
                    options={
                        "db_table": "meter_point",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("mpan_core__regex", "^[0-9]{13}$")),
                                name="meter_point_mpan_core_has_13_digits",
                            )
                        ],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "mpan_core",
                    models.CharField(db_collation="C", max_length=13, verbose_name="MPAN"),
                ),
                ("read_at", models.DateTimeField()),
                ("stated_at", models.DateTimeField(help_text="When its file was made.")),
                ("md_reset_at", models.DateTimeField(null=True, verbose_name="MD reset at")),
                (
                    "md_reset_count",
                    models.SmallIntegerField(null=True, verbose_name="number of MD resets"),
                ),
                ("serial_key", models.TextField(db_collation="C")),
                ("identifier", models.CharField(db_collation="C", max_length=2)),
                ("value", models.DecimalField(decimal_places=1, max_digits=9)),
                ("reading_type", models.CharField(max_length=1)),
                ("validation_status", models.CharField(max_length=1)),
                ("reading_flag", models.CharField(max_length=1)),
                ("reading_method", models.CharField(max_length=1)),
                ("reason_code", models.CharField(max_length=2)),
                ("reading_status", models.CharField(max_length=1)),
            ],
            options={
                "db_table": "reading",
                "indexes": [
                    models.Index(
                        django.db.models.expressions.CombinedExpression(
                            models.F("id"), ">>", models.Value(10)
                        ),
                        name="reading_of_stretch",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("value__gte", 0), ("value__lte", 99999999.9)),
                        name="reading_value_is_a_number_of_nine_digits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("md_reset_count__gte", 0), ("md_reset_count__lte", 999)
                        ),
                        name="reading_md_reset_count_has_three_digits",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Register",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "mpan_core",
                    models.CharField(db_collation="C", max_length=13, verbose_name="MPAN"),
                ),
                ("serial_key", models.TextField(db_collation="C")),
                ("identifier", models.CharField(db_collation="C", max_length=2)),
            ],
            options={
                "db_table": "register",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("identifier", ""), _negated=True),
                        name="register_has_an_identifier",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SiteVisit",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "mpan_core",
                    models.CharField(db_collation="C", max_length=13, verbose_name="MPAN"),
                ),
                ("reading_id", models.BigIntegerField(null=True)),
                (
                    "serial_key",
                    models.TextField(db_collation="C", help_text="Empty where it is at no meter."),
                ),
                ("check_code", models.CharField(max_length=2)),
                ("additional_information", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "site_visit",
                "indexes": [
                    models.Index(
                        django.db.models.expressions.CombinedExpression(
                            models.F("id"), ">>", models.Value(10)
                        ),
                        name="site_visit_of_stretch",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reading_id", None),
                            models.Q(("serial_key", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="site_visit_at_a_reading_is_at_its_meter",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LineIssue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line_number", models.BigIntegerField(verbose_name="line")),
                ("kind", models.TextField(verbose_name="kind of line")),
                (
                    "mpan_core",
                    models.CharField(db_collation="C", max_length=13, verbose_name="MPAN"),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("REJECTED", "rejected"), ("WARNING", "warning")], max_length=8
                    ),
                ),
                ("code", models.TextField()),
                (
                    "item",
                    models.TextField(help_text="The J-item of the catalogue, where there is one."),
                ),
                ("value", models.TextField()),
                ("message", models.TextField()),
                (
                    "flow_file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="issues",
                        to="warehouse.flowfile",
                    ),
                ),
            ],
            options={
                "db_table": "line_issue",
                "indexes": [
                    models.Index(fields=["flow_file", "line_number"], name="line_issue_of_file"),
                    models.Index(
                        fields=["code", "flow_file", "line_number"], name="line_issue_of_code"
                    ),
                    models.Index(
                        fields=["item", "flow_file", "line_number"], name="line_issue_of_item"
                    ),
                    models.Index(
                        condition=models.Q(("severity", "REJECTED")),
                        fields=["flow_file", "line_number"],
                        name="line_issue_rejected",
                    ),
                    models.Index(
                        condition=models.Q(("mpan_core", ""), _negated=True),
                        fields=["mpan_core"],
                        name="line_issue_of_meter_point",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ForgottenMeterPoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("forgotten_at", models.DateTimeField()),
                ("forgotten_by", models.TextField()),
                ("reason", models.TextField()),
                ("file_count", models.BigIntegerField()),
                (
                    "line_count",
                    models.BigIntegerField(help_text="Lines that had been loaded."),
                ),
            ],
            options={"db_table": "forgotten_meter_point"},
        ),
        migrations.CreateModel(
            name="LookUp",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("looked_up_at", models.DateTimeField()),
                ("user_name", models.TextField()),
                (
                    "mpan_core",
                    models.CharField(
                        blank=True, db_collation="C", max_length=13, verbose_name="MPAN"
                    ),
                ),
                (
                    "flow_file",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="warehouse.flowfile",
                    ),
                ),
                (
                    "looked_at",
                    models.CharField(
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
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "look-up",
                "db_table": "look_up",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("flow_file__isnull", False), ("mpan_core", "")),
                            models.Q(
                                models.Q(("mpan_core", ""), _negated=True), ("flow_file", None)
                            ),
                            _connector="OR",
                        ),
                        name="look_up_of_a_meter_point_or_a_file",
                    )
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("flow_file__isnull", False)),
                        fields=["flow_file"],
                        name="look_up_of_file",
                    ),
                    models.Index(
                        fields=["mpan_core", "looked_up_at"], name="look_up_of_meter_point"
                    ),
                    models.Index(fields=["user_name", "looked_up_at"], name="look_up_by_user"),
                    models.Index(fields=["user"], name="look_up_of_user"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IssueMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("line_number", models.BigIntegerField(verbose_name="line")),
                ("code", models.TextField()),
                ("item", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[("ASKED", "asked"), ("ANSWERED", "answered")], max_length=8
                    ),
                ),
                ("note", models.TextField()),
                (
                    "marked_by",
                    models.TextField(
                        help_text="The name of a user, which stays when the user goes."
                    ),
                ),
                ("marked_at", models.DateTimeField()),
                (
                    "flow_file",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="warehouse.flowfile",
                    ),
                ),
            ],
            options={
                "db_table": "issue_mark",
                "permissions": (("mark_issue", "Can mark issues as asked or answered"),),
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["status", "flow_file", "line_number"], name="issue_mark_status"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("flow_file", "line_number", "code", "item"),
                        name="issue_is_marked_once",
                    )
                ],
            },
        ),
        *(_set_key(table, columns) for table, columns in KEYS.items()),
        *map(_fill_key, FULL),
        migrations.RunSQL(
            sql=[sql.statement("functions", "is_doubted")],
            reverse_sql=["DROP FUNCTION is_doubted(text, text, text)"],
        ),
        _create_view("reading_standing"),
        _create_view("reading_listing"),
    ]
