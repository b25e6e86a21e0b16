"""What people keep of issues: which were asked about, and which are answered."""

from __future__ import annotations

from django.db import models

from warehouse import codes


class IssueMark(models.Model):
    """
    That an issue was asked about or is answered, who marked it last, when, and a note.

    It names its issue by file, line, finding and item, of which a line has one each: where a
    file that was refused is judged anew, its issues are stored anew, and keep their marks.
    """

    id = models.BigAutoField(primary_key=True)
    flow_file = models.ForeignKey(
        "warehouse.FlowFile",
        on_delete=models.DO_NOTHING,
        db_constraint=False,  # no file is ever deleted
        db_index=False,
        related_name="+",
    )
    line_number = models.BigIntegerField("line")
    code = models.TextField()
    item = models.TextField()
    status = models.CharField(max_length=8, choices=codes.Mark)
    note = models.TextField()
    marked_by = models.TextField(help_text="The name of a user, which stays when the user goes.")
    marked_at = models.DateTimeField()

    class Meta:
        db_table = "issue_mark"
        default_permissions = ()
        permissions = (("mark_issue", "Can mark issues as asked or answered"),)
        constraints = (
            models.UniqueConstraint(
                fields=["flow_file", "line_number", "code", "item"], name="issue_is_marked_once"
            ),
        )
        indexes = (
            models.Index(fields=["status", "flow_file", "line_number"], name="issue_mark_status"),
        )

    def __str__(self) -> str:
        return f"{self.status} ({self.pk})"
