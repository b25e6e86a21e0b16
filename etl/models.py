"""The raw side of the pipeline."""

from django.db import models


class StagedLine(models.Model):
    """
    One line of a flow file as received, and where it stands.

    The id holds the file's id in its high 32 bits and the line's number in the low ones, so a
    file's lines are one range of one index. The parent is the line that the grammar of the flow
    puts this one under; lines at the top and orphans have none.
    """

    id = models.BigIntegerField(primary_key=True)
    parent_id = models.BigIntegerField(null=True)
    group_code = models.TextField()
    mpan_core = models.TextField(help_text="The MPAN it stands under, empty where none is valid.")
    payload = models.TextField()

    class Meta:
        db_table = "staged_line"
        permissions = (("transform_pending", "Can transform what is pending"),)

    def __str__(self) -> str:
        return f"line {self.line_number} of flow file {self.pk >> 32}"

    @property
    def line_number(self) -> int:
        return self.pk & 0xFFFF_FFFF
