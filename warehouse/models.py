"""What outlives the pipeline: files, their findings, and the meter readings that came from them.

Items are named by their J-number in the Data Transfer Catalogue (DTC). The tables are written by
`sql/` only and read by everyone else. `mpan_core` stands on every table that holds a customer's
data: it is what people search by, and the key by which the tables can be spread over machines.
Text keys collate as "C", so that their indexes also serve prefix searches on any server.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.db.models import functions

from warehouse import (
    audits,  # noqa: F401 - Django finds the models of an app from here
    codes,
    keys,
    marks,
)


class FlowFile(models.Model):
    """
    One content, whatever names it came under.

    The id is the high half of the ids of the file's lines, so it stays below 2**31. Header and
    trailer fields are kept as sent; they are empty where a rejected file had none.
    """

    id = models.BigAutoField(primary_key=True)
    sha256 = models.CharField("SHA-256", max_length=64)
    file_name = models.TextField(help_text="The name under which the content first came.")
    status = models.CharField(max_length=32, choices=codes.FlowFileStatus)
    reason = models.TextField(
        blank=True, default="", help_text="Why the file was rejected or failed."
    )
    staged_at = models.DateTimeField(null=True)
    transformed_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(
        null=True, help_text="When the raw lines were dropped; the readings stay."
    )
    size = models.BigIntegerField("size in bytes")
    encoding = models.TextField(help_text="How bytes became text; encoding gives them back.")

    # ZHV
    file_identifier = models.TextField("file id", default="")  # J1064
    flow = models.TextField("flow and version", default="")  # J0937
    sender_role = models.TextField(default="")  # J0934
    sender = models.TextField(default="")  # J0938
    recipient_role = models.TextField(default="")  # J0935
    recipient = models.TextField(default="")  # J0939
    file_created_at = models.DateTimeField(null=True)  # J0280
    sending_application = models.TextField(default="")  # J1060
    receiving_application = models.TextField(default="")  # J1061
    broadcast = models.TextField(default="")  # J1062
    test_flag = models.TextField(default="")  # J1063
    reuses_file_identifier = models.BooleanField(
        "reuses a file id",
        default=False,
        help_text="Loaded although another content of this sender has the same file id.",
    )
    is_strict = models.BooleanField(
        "strict", default=False, help_text="Loaded whole or not at all, whatever one line says."
    )

    # ZPT
    declared_group_count = models.BigIntegerField(null=True)  # J1067
    checksum = models.TextField(default="")  # J1078
    declared_flow_count = models.BigIntegerField(null=True)  # J1066
    file_completed_at = models.DateTimeField(null=True)  # J1065

    # What the file holds and, once it is loaded, what became of it: header, trailer and these add
    # up to its lines.
    line_count = models.BigIntegerField("lines", default=0)
    blank_line_count = models.BigIntegerField("blank lines", default=0)
    meter_point_line_count = models.BigIntegerField("meter point lines", default=0)
    meter_line_count = models.BigIntegerField("meter lines", default=0)
    reading_count = models.BigIntegerField("readings", default=0)
    validation_result_count = models.BigIntegerField("validation results", default=0)
    site_visit_count = models.BigIntegerField("site visits", default=0)
    rejected_line_count = models.BigIntegerField("rejected lines", default=0)
    warning_count = models.BigIntegerField("warnings", default=0)
    forgotten_line_count = models.BigIntegerField(
        "forgotten lines", default=0, help_text="Of meter points that were forgotten since."
    )
    digest = models.TextField(
        default="",
        help_text="What proves it where its content no longer does: of its rows since its raw"
        " lines were dropped, else of its raw lines since a meter point was forgotten.",
    )

    class Meta:
        db_table = "flow_file"
        constraints = (
            models.UniqueConstraint(fields=["sha256"], name="flow_file_content_is_known_once"),
            models.UniqueConstraint(
                fields=["file_identifier", "sender", "sender_role"],
                condition=models.Q(
                    status__in=codes.ACCEPTED_STATUSES, reuses_file_identifier=False
                ),
                name="flow_file_identifier_is_used_once_by_its_sender",
            ),
            models.CheckConstraint(
                condition=models.Q(id__gt=0, id__lt=2**31),
                name="flow_file_id_fits_half_a_line_id",
            ),
        )
        indexes = (
            models.Index(
                fields=["id"],
                condition=models.Q(status=codes.FlowFileStatus.STAGED),
                name="flow_file_waiting",
            ),
            # The list and its filters: the latest first, and those that came as one batch by id.
            models.Index(fields=["staged_at", "id"], name="flow_file_arrival"),
            models.Index(fields=["sender", "staged_at", "id"], name="flow_file_of_sender"),
            models.Index(fields=["flow", "staged_at", "id"], name="flow_file_of_flow"),
            models.Index(
                fields=["staged_at", "id"],
                condition=models.Q(status__in=codes.REFUSED_STATUSES),
                name="flow_file_refused",
            ),
            models.Index(
                fields=["staged_at", "id"],
                condition=models.Q(rejected_line_count__gt=0),
                name="flow_file_with_rejected_lines",
            ),
            models.Index(
                fields=["staged_at", "id"],
                condition=models.Q(warning_count__gt=0),
                name="flow_file_with_warnings",
            ),
            models.Index(fields=["file_identifier"], name="flow_file_identifier"),
            models.Index(
                fields=["file_name"], opclasses=["text_pattern_ops"], name="flow_file_name"
            ),
        )

    def __str__(self) -> str:
        return f"{self.file_name} ({self.sha256[:12]})"

    @staticmethod
    def counts_of(lines: Mapping[str, int]) -> dict[str, int]:
        """Return the fields that count lines, of so many of each kind; of one not named, none."""
        visits = ("visit_at_meter_point", "visit_at_meter", "visit_at_reading")
        return {
            "meter_point_line_count": lines.get("meter_point", 0),
            "meter_line_count": lines.get("meter", 0),
            "reading_count": lines.get("reading", 0),
            "validation_result_count": lines.get("result", 0),
            "site_visit_count": sum(lines.get(kind, 0) for kind in visits),
        }


class Delivery(models.Model):
    """Each time a content was presented, under whatever name."""

    flow_file = models.ForeignKey(FlowFile, on_delete=models.PROTECT, related_name="deliveries")
    file_name = models.TextField()
    path = models.TextField()
    origin = models.CharField(max_length=7, choices=codes.Origin)
    brought_by = models.TextField(
        help_text="The account that ran the command, or the user who uploaded."
    )
    delivered_at = models.DateTimeField()

    class Meta:
        db_table = "delivery"
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.file_name} at {self.delivered_at.isoformat()}"


class LineIssue(models.Model):
    """What is wrong with one line of a file, or with the file at that line."""

    flow_file = models.ForeignKey(
        FlowFile, on_delete=models.PROTECT, related_name="issues", db_index=False
    )
    line_number = models.BigIntegerField("line")
    kind = models.TextField("kind of line")
    mpan_core = models.CharField("MPAN", max_length=13, db_collation="C")
    severity = models.CharField(max_length=8, choices=codes.Severity)
    code = models.TextField()
    item = models.TextField(help_text="The J-item of the catalogue, where there is one.")
    value = models.TextField()
    message = models.TextField()

    mark: marks.IssueMark | None  # no column: where it is asked for (warehouse/queries/marks.py)

    class Meta:
        db_table = "line_issue"
        indexes = (
            # All go from file to file and from line to line, as the list does.
            models.Index(fields=["flow_file", "line_number"], name="line_issue_of_file"),
            models.Index(fields=["code", "flow_file", "line_number"], name="line_issue_of_code"),
            models.Index(fields=["item", "flow_file", "line_number"], name="line_issue_of_item"),
            models.Index(
                fields=["flow_file", "line_number"],
                condition=models.Q(severity=codes.Severity.REJECTED),
                name="line_issue_rejected",
            ),
            models.Index(
                fields=["mpan_core"],
                condition=~models.Q(mpan_core=""),
                name="line_issue_of_meter_point",
            ),
        )

    def __str__(self) -> str:
        return f"line {self.line_number}: {self.code} ({self.pk})"


class MeterPoint(models.Model):
    """The point of supply that an MPAN core (J0003) identifies; it survives meter changes."""

    mpan_core = models.CharField("MPAN", max_length=13, primary_key=True, db_collation="C")
    line_id = models.BigIntegerField(help_text="The staged line that introduced it.")

    class Meta:
        db_table = "meter_point"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(mpan_core__regex=r"^[0-9]{13}$"),
                name="meter_point_mpan_core_has_13_digits",
            ),
        )

    def __str__(self) -> str:
        return self.mpan_core


class Meter(models.Model):
    """
    A device at a meter point. Its serial number (J0004) is unique there and nowhere else.

    `serial_key` tells it from others of the meter point (see `warehouse.keys`); the serial number
    is as it first came, without blanks at its ends. In the database the key is the meter point and
    the serial key; the id, that of the staged line which introduced the meter, is Django's.
    """

    id = models.BigIntegerField(primary_key=True)
    mpan_core = models.CharField("MPAN", max_length=13, db_collation="C")
    serial_key = models.TextField(db_collation="C")
    serial_number = models.TextField("meter serial number")

    class Meta:
        db_table = "meter"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(serial_key=""), name="meter_has_a_serial_number"
            ),
        )
        indexes = (
            models.Index(fields=["serial_key"], name="meter_serial_key"),
            # Finds a serial number by how it ends. Seven characters tell nearly all apart, and
            # one more would take a place of the index eight bytes.
            models.Index(
                functions.Reverse(functions.Right("serial_key", keys.LENGTH_OF_ENDING)),
                name="meter_serial_key_backwards",
            ),
        )

    def __str__(self) -> str:
        return f"{self.serial_number} at {self.mpan_core}"


class Register(models.Model):
    """
    One counter of a meter, by its identifier (J0010), which means nothing without the meter.

    In the database the key is the meter point, the serial key and the identifier; the id, that of
    the staged line which introduced the register, is Django's.
    """

    id = models.BigIntegerField(primary_key=True)
    mpan_core = models.CharField("MPAN", max_length=13, db_collation="C")
    serial_key = models.TextField(db_collation="C")
    identifier = models.CharField(max_length=2, db_collation="C")

    class Meta:
        db_table = "register"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(identifier=""), name="register_has_an_identifier"
            ),
        )

    def __str__(self) -> str:
        return f"register {self.identifier} of meter {self.serial_key}"


class FromALine(models.Model):
    """What one staged line became; the line's file and number are in its id."""

    id = models.BigIntegerField(primary_key=True)
    mpan_core = models.CharField("MPAN", max_length=13, db_collation="C")  # J0003

    class Meta:
        abstract = True

    @property
    def flow_file_id(self) -> int:
        return self.id >> 32

    @property
    def line_number(self) -> int:
        return self.id & 0xFFFF_FFFF


class Reading(FromALine):
    """
    One register's value at one instant, as a flow states it.

    The id is that of the staged line: the file's id in the high 32 bits, the line's number in
    the low ones. It names its register by what identifies that: meter point, meter, identifier.
    Rows are never merged or changed; which of them counts is told when read. In the database the
    key is the meter point, the time and the id: the order in which people read.
    """

    read_at = models.DateTimeField()  # J0016
    stated_at = models.DateTimeField(help_text="When its file was made.")  # J0280
    md_reset_at = models.DateTimeField("MD reset at", null=True)  # J0044
    md_reset_count = models.SmallIntegerField("number of MD resets", null=True)  # J1013
    serial_key = models.TextField(db_collation="C")  # J0004
    identifier = models.CharField(max_length=2, db_collation="C")  # J0010
    value = models.DecimalField(max_digits=9, decimal_places=1)  # J0040
    reading_type = models.CharField(max_length=1)  # J0171
    validation_status = models.CharField(max_length=1)  # J0022
    reading_flag = models.CharField(max_length=1)  # J0045
    reading_method = models.CharField(max_length=1)  # J1888
    reason_code = models.CharField(max_length=2)  # J0332
    reading_status = models.CharField(max_length=1)  # J0047

    standing: str  # no column: where a query asks for it (warehouse/queries/standings.py)

    class Meta:
        db_table = "reading"
        constraints = (
            models.CheckConstraint(
                # NaN sorts above every number, so the upper bound keeps it out as well.
                condition=models.Q(value__gte=0, value__lte=99999999.9),
                name="reading_value_is_a_number_of_nine_digits",
            ),
            models.CheckConstraint(
                condition=models.Q(md_reset_count__gte=0, md_reset_count__lte=999),
                name="reading_md_reset_count_has_three_digits",
            ),
        )
        indexes = (models.Index(models.F("id").bitrightshift(10), name="reading_of_stretch"),)

    def __str__(self) -> str:
        return f"{self.mpan_core} {self.value} (reading {self.pk})"


class SiteVisit(FromALine):
    """
    What an agent found on a visit: at the meter point, at a meter or at a reading.

    The id is that of the staged line, built as a reading's is; so is `reading_id`, the line of
    the reading in the same file. In the database the key is the meter point and the id.
    """

    reading_id = models.BigIntegerField(null=True)
    serial_key = models.TextField(db_collation="C", help_text="Empty where it is at no meter.")
    check_code = models.CharField(max_length=2)  # J0024
    additional_information = models.CharField(max_length=200)  # J0012

    class Meta:
        db_table = "site_visit"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(reading_id=None) | ~models.Q(serial_key=""),
                name="site_visit_at_a_reading_is_at_its_meter",
            ),
        )
        indexes = (models.Index(models.F("id").bitrightshift(10), name="site_visit_of_stretch"),)

    def __str__(self) -> str:
        return f"{self.mpan_core} {self.check_code} (site visit {self.pk})"
