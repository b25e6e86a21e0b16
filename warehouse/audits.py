"""What was done with the data, for audits: what was forgotten, and who looked at what."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from warehouse import codes


class ForgottenMeterPoint(models.Model):
    """
    That a meter point was erased, when, by whom and why: which one is forgotten too.

    It stands for the lines that are missing since.
    """

    id = models.BigAutoField(primary_key=True)
    forgotten_at = models.DateTimeField()
    forgotten_by = models.TextField()
    reason = models.TextField()
    file_count = models.BigIntegerField()
    line_count = models.BigIntegerField(help_text="Lines that had been loaded.")

    class Meta:
        db_table = "forgotten_meter_point"

    def __str__(self) -> str:
        return f"meter point forgotten at {self.forgotten_at.isoformat()} ({self.pk})"


class LookUp(models.Model):
    """
    Who looked at which meter point, when and where: for audits, and for a user to find it again.

    One that names a flow file in place of a meter point was of all readings of that file. The
    user's name stays when the user goes.
    """

    id = models.BigAutoField(primary_key=True)
    looked_up_at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
    )
    user_name = models.TextField()
    mpan_core = models.CharField("MPAN", max_length=13, db_collation="C", blank=True)
    flow_file = models.ForeignKey(
        "warehouse.FlowFile",
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,  # an audit says what was, whatever has become of it
        db_index=False,
        related_name="+",
    )
    looked_at = models.CharField(max_length=16, choices=codes.LookedAt)

    class Meta:
        db_table = "look_up"
        verbose_name = "look-up"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(mpan_core="", flow_file__isnull=False)
                | (~models.Q(mpan_core="") & models.Q(flow_file=None)),
                name="look_up_of_a_meter_point_or_a_file",
            ),
        )
        indexes = (
            models.Index(
                fields=["flow_file"],
                condition=models.Q(flow_file__isnull=False),
                name="look_up_of_file",
            ),
            models.Index(fields=["mpan_core", "looked_up_at"], name="look_up_of_meter_point"),
            models.Index(fields=["user_name", "looked_up_at"], name="look_up_by_user"),
            models.Index(fields=["user"], name="look_up_of_user"),
        )

    def __str__(self) -> str:
        seen = self.mpan_core or f"file {self.flow_file_id}"
        return f"{self.user_name}: {seen} at {self.looked_up_at.isoformat()}"
