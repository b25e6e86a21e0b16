"""What may be asked, and what is answered: the fields have the names of the tables' columns."""

from __future__ import annotations

import datetime
import typing
from typing import Any

from rest_framework import serializers

from etl.domain import findings
from etl.usecases import outcomes
from warehouse import codes, marks, models, words
from warehouse.queries import listing


_OUTCOMES = {str(label): value for value, label in codes.FlowFileStatus.choices}
_OF_FORMS = {"csrfmiddlewaretoken"}
_FIELDS: dict[Any, type[serializers.Field[Any, Any, Any, Any]]] = {
    str: serializers.CharField,
    int: serializers.IntegerField,
    datetime.datetime: serializers.DateTimeField,
}


class Asked(serializers.Serializer[Any]):
    # A misspelled filter would else answer with everything.
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = {*self.initial_data} - {*self.fields} - _OF_FORMS
        if unknown:
            raise serializers.ValidationError(
                {name: [f"Expected one of: {', '.join(self.fields)}."] for name in sorted(unknown)}
            )
        return attrs


class UploadSerializer(Asked):
    file = serializers.FileField(
        allow_empty_file=True, use_url=False, help_text="One flow file, packed by gzip or not."
    )
    strict = serializers.BooleanField(
        default=False, help_text="Reject the file whole if any of its lines would be rejected."
    )
    accept_test_files = serializers.BooleanField(
        default=False, help_text="Load a file whose test flag is not OPER."
    )
    accept_wrong_counts = serializers.BooleanField(
        default=False,
        help_text="Load a file whose trailer counts other lines, or names another file id.",
    )
    accept_reused_file_ids = serializers.BooleanField(
        default=False,
        help_text="Load other content under a file id that its sender has used before.",
    )
    stage_only = serializers.BooleanField(
        default=False, help_text="Keep the raw lines only; transform_pending does the rest."
    )


class CursorSerializer(Asked):
    cursor = serializers.CharField(required=False, help_text="From `next` of the page before.")


class FlowFilesAskedSerializer(CursorSerializer):
    sender = serializers.CharField(required=False, help_text="As in the header, J0938.")
    flow = serializers.CharField(
        required=False, help_text="Flow and version as in the header, J0937."
    )
    outcome = serializers.ChoiceField(required=False, choices=sorted(_OUTCOMES))
    since = serializers.DateField(required=False, help_text="The first UK date of arrival.")
    until = serializers.DateField(required=False, help_text="The last UK date of arrival.")

    def validate_outcome(self, outcome: str) -> str:
        return _OUTCOMES[outcome]


class ReadingsAskedSerializer(CursorSerializer):
    register = serializers.CharField(required=False)
    serial = serializers.CharField(required=False, help_text="A meter serial number.")
    standing = serializers.ChoiceField(required=False, choices=[*words.STANDINGS])
    since = serializers.DateField(required=False, help_text="The first UK date.")
    until = serializers.DateField(required=False, help_text="The last UK date.")


class MetersAskedSerializer(Asked):
    serial = serializers.CharField(
        help_text="A meter serial number in any case, with or without blanks, or its beginning."
    )


class ReportSerializer(serializers.Serializer[Any]):
    """What became of a file, as `load_flows --json` says it."""

    path = serializers.CharField(help_text="The file's name, as the client gave it.")
    outcome = serializers.ChoiceField(choices=[outcome.value for outcome in outcomes.Outcome])
    reason = serializers.CharField()
    sha256 = serializers.CharField()
    line_count = serializers.IntegerField()
    reading_count = serializers.IntegerField()
    rejected_line_count = serializers.IntegerField()
    warning_count = serializers.IntegerField()
    findings = serializers.DictField(
        child=serializers.IntegerField(), help_text="How often each kind was noted, by its code."
    )
    remedies = serializers.DictField(
        child=serializers.CharField(), help_text="What to do about each kind, by its code."
    )
    page = serializers.CharField(help_text="The address of the file's page for people.")


class ProblemSerializer(serializers.Serializer[Any]):
    """
    RFC 9457; a refused file adds the first finding that refuses it, and what to do.

    What is wrong with fields of a request is told in `errors`, by field.
    """

    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    outcome = serializers.CharField(required=False)
    sha256 = serializers.CharField(required=False)
    page = serializers.CharField(required=False)
    code = serializers.CharField(required=False)
    line = serializers.IntegerField(required=False)
    item = serializers.CharField(required=False)
    value = serializers.CharField(required=False)
    expected = serializers.CharField(required=False)
    remedy = serializers.CharField(required=False)


class FlowFileSerializer(serializers.ModelSerializer[models.FlowFile]):
    outcome = serializers.CharField(source="get_status_display")

    class Meta:
        model = models.FlowFile
        fields = (
            "sha256", "file_name", "outcome", "reason", "staged_at", "transformed_at",
            "purged_at", "size", "encoding", "file_identifier", "flow", "sender_role", "sender",
            "recipient_role", "recipient", "file_created_at", "test_flag", "is_strict",
            "reuses_file_identifier", "line_count", "reading_count", "site_visit_count",
            "rejected_line_count", "warning_count", "forgotten_line_count",
        )  # fmt: skip


class DeliverySerializer(serializers.ModelSerializer[models.Delivery]):
    origin = serializers.CharField(source="get_origin_display")

    class Meta:
        model = models.Delivery
        fields = ("file_name", "path", "origin", "brought_by", "delivered_at")


def _remedy(code: str) -> str:
    finding = findings.CATALOGUE.get(code)
    return finding.remedy if finding else ""


class FindingSerializer(serializers.Serializer[Any]):
    severity = serializers.CharField()
    code = serializers.CharField()
    item = serializers.CharField()
    count = serializers.IntegerField()
    among = serializers.IntegerField(
        allow_null=True, help_text="If there are more: among how many the count was made."
    )
    first_line_number = serializers.IntegerField()
    remedy = serializers.SerializerMethodField()

    def get_remedy(self, kind: Any) -> str:
        return _remedy(kind.code)


class FlowFileDetailSerializer(FlowFileSerializer):
    deliveries = DeliverySerializer(many=True, source="latest", help_text="The latest 50.")
    findings = FindingSerializer(many=True, source="kinds")

    class Meta(FlowFileSerializer.Meta):
        fields = (*FlowFileSerializer.Meta.fields, "deliveries", "findings")  # type: ignore[assignment] # longer


class MarkSerializer(serializers.ModelSerializer[marks.IssueMark]):
    class Meta:
        model = marks.IssueMark
        fields = ("status", "note", "marked_by", "marked_at")


class IssueSerializer(serializers.ModelSerializer[models.LineIssue]):
    remedy = serializers.SerializerMethodField()
    mark = MarkSerializer(allow_null=True, help_text="Null where the issue is open.")

    class Meta:
        model = models.LineIssue
        fields = (
            "line_number", "kind", "mpan_core", "severity", "code", "item", "value", "message",
            "remedy", "mark",
        )  # fmt: skip

    def get_remedy(self, issue: models.LineIssue) -> str:
        return _remedy(issue.code)


class ReadingSerializer(serializers.Serializer[Any]):
    """A row of the view `reading_listing`, as `export_readings` writes it."""

    value = serializers.DecimalField(max_digits=9, decimal_places=1)
    standing = serializers.ChoiceField(choices=[*words.STANDINGS])

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return a field a column, by the type of the column where none is declared above."""
        declared = super().get_fields()
        columns = typing.get_type_hints(listing.Listed)
        return {name: declared.get(name) or _field(kind) for name, kind in columns.items()}


def _field(kind: Any) -> serializers.Field[Any, Any, Any, Any]:
    kinds = typing.get_args(kind) or (kind,)
    return _FIELDS[kinds[0]](allow_null=type(None) in kinds)


class RegisterSerializer(serializers.Serializer[Any]):
    identifier = serializers.CharField()
    is_maximum_demand = serializers.BooleanField()
    latest = ReadingSerializer(allow_null=True, help_text="The latest reading that counts.")


class MeterHistorySerializer(serializers.Serializer[Any]):
    serial_number = serializers.CharField()
    register_count = serializers.IntegerField(help_text="Of all; some may not be listed.")
    registers = RegisterSerializer(many=True)


class MeterPointSerializer(serializers.Serializer[Any]):
    mpan_core = serializers.CharField()
    meter_count = serializers.IntegerField(help_text="Of all; some may not be listed.")
    rejected_line_count = serializers.IntegerField()
    warning_count = serializers.IntegerField()
    meters = MeterHistorySerializer(many=True, help_text="The one read last comes first.")


class MeterSerializer(serializers.ModelSerializer[models.Meter]):
    class Meta:
        model = models.Meter
        fields = ("mpan_core", "serial_number")


class MetersSerializer(serializers.Serializer[Any]):
    is_exact = serializers.BooleanField(help_text="Else they only begin or end like that.")
    has_more = serializers.BooleanField(help_text="Whether there are more than these 200.")
    meters = MeterSerializer(many=True)


class SenderSerializer(serializers.Serializer[Any]):
    sender = serializers.CharField()
    sender_role = serializers.CharField()
    files = serializers.IntegerField()
    rejected_files = serializers.IntegerField()
    loaded_readings = serializers.IntegerField()
    last_arrival = serializers.DateTimeField()
    silent_days = serializers.IntegerField()
    longest_pause = serializers.IntegerField(
        allow_null=True, help_text="Days; null where too few pauses are known."
    )
    is_silent = serializers.BooleanField(help_text="For longer than its longest pause.")
    missing_file_ids = serializers.IntegerField(
        allow_null=True, help_text="Null where its file ids are not numbers in a row."
    )
    gaps = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="First and last file id of each; the first few.",
    )
