"""The raw side of the pipeline."""

from django.db import models


class StagedText(models.Model):
    """
    Lines of a flow file: one as received, or those of a usual meter point, LF between them.

    What else a row says of them is as `StagedLine` has it, of a usual meter point that of its
    readings. A line above these that says just this is shortened to its code: the view gives it
    back as received. The id is that of the first line, and no key in the database, since an index
    of it would be a fifth of the table: rows are found by stretches of 1,024 lines (`id >> 10`).
    """

    id = models.BigIntegerField(primary_key=True)
    parent_id = models.BigIntegerField(null=True)
    kind = models.TextField(help_text="That of the line, or else that it is a usual meter point.")
    mpan_core = models.CharField(max_length=13, db_collation="C")
    serial_key = models.TextField(db_collation="C")
    reading_type = models.TextField()
    validation_status = models.TextField()
    payload = models.TextField()

    class Meta:
        db_table = "staged_text"
        default_permissions = ()
        indexes = (
            models.Index(models.F("id").bitrightshift(10), name="staged_text_of_stretch"),
            # What has rows of its own is little of most files, and is asked for by itself.
            models.Index(
                models.F("id").bitrightshift(10),
                condition=~models.Q(kind="usual"),
                name="staged_text_of_one_line",
            ),
        )

    def __str__(self) -> str:
        return f"from line {self.pk & 0xFFFF_FFFF} of flow file {self.pk >> 32}"


class StagedLine(models.Model):
    """
    One line of a flow file as received, where it stands, and what it takes from the lines above.

    The id holds the file's id in its high 32 bits and the line's number in the low ones. The
    parent is the line that the grammar of the flow puts this one under; lines at the top and
    orphans have none. A line is found by its stretch, and by its id within that.
    """

    id = models.BigIntegerField(primary_key=True)
    stretch = models.BigIntegerField(help_text="It is one of 1,024 lines that follow each other.")
    parent_id = models.BigIntegerField(null=True)
    kind = models.TextField(help_text="What the grammar of the flow takes it for.")
    mpan_core = models.CharField(
        max_length=13,
        db_collation="C",
        help_text="The MPAN it stands under, empty where none is valid.",
    )
    serial_key = models.TextField(db_collation="C", help_text="Of the meter it stands under.")
    reading_type = models.TextField(help_text="J0171 of the meter line it stands under, as sent.")
    validation_status = models.TextField(
        help_text="J0022 of the meter point line it stands under, as sent."
    )
    payload = models.TextField()

    class Meta:
        db_table = "staged_line"
        managed = False  # a view of `staged_text`: sql/views/staged_line.sql
        permissions = (
            ("transform_pending", "Can transform what is pending"),
            ("upload_flow_file", "Can upload flow files"),
        )

    def __str__(self) -> str:
        return f"line {self.line_number} of flow file {self.pk >> 32}"

    @property
    def line_number(self) -> int:
        return self.pk & 0xFFFF_FFFF


class Fetched(models.Model):
    """A file that was collected at a place, so that it is not fetched again."""

    key = models.CharField(
        primary_key=True, max_length=64, help_text="A hash over source, name, size and time."
    )
    source = models.TextField()
    name = models.TextField()
    size = models.BigIntegerField()
    modified_at = models.BigIntegerField(help_text="As the source counts, and never compared.")
    fetched_at = models.DateTimeField()
    outcome = models.TextField(help_text="What was reported of it then.")

    class Meta:
        db_table = "fetched"

    def __str__(self) -> str:
        return f"{self.name} of {self.source}"
