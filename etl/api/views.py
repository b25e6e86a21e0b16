"""The REST interface: what the command and the admin do, for programs."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from django import http, urls
from django.db.models import QuerySet
from drf_spectacular import types, utils
from rest_framework import exceptions, generics, request, response, status

from etl.api import pages, permissions, problems, serializers, uploads
from etl.usecases import outcomes, raw_lines
from warehouse import codes, models
from warehouse.admin import audit
from warehouse.admin import raw_lines as kept_lines
from warehouse.queries import arrivals, files, history, listing, marks, search, terms


T = TypeVar("T", bound=Callable[..., Any])

_STATUSES = {
    outcomes.Outcome.LOADED: status.HTTP_201_CREATED,
    outcomes.Outcome.LOADED_WITH_REJECTIONS: status.HTTP_201_CREATED,
    outcomes.Outcome.DUPLICATE: status.HTTP_200_OK,
    outcomes.Outcome.STAGED: status.HTTP_202_ACCEPTED,
}


def _in_path(name: str, pattern: str) -> utils.OpenApiParameter:
    return utils.OpenApiParameter(
        name, {"type": "string", "pattern": pattern}, utils.OpenApiParameter.PATH
    )


_SHA256 = _in_path("sha256", "^[0-9a-f]{64}$")
_MPAN = _in_path("mpan", "^[0-9]{13}$")


def _problems(*codes: int) -> dict[Any, Any]:
    always = (400, 401, 403, 429)
    return {
        (code, problems.CONTENT_TYPE): serializers.ProblemSerializer
        for code in sorted({*always, *codes})
    }


def _listed(of: Any, *asked: Any) -> Callable[[T], T]:
    codes = [404] * (len(asked) > 1)
    return utils.extend_schema(
        parameters=[*asked], responses={200: of(many=True), **_problems(*codes)}
    )


class FlowFilesView(uploads.ReceivingView, generics.ListAPIView[models.FlowFile]):
    """Flow files: what came, the latest first; and the way in."""

    get_right = "warehouse.view_flowfile"
    serializer_class = serializers.FlowFileSerializer
    pagination_class = pages.CursorPagination
    place = ("-staged_at", "-id")

    def get_queryset(self) -> QuerySet[models.FlowFile]:
        query = _asked(serializers.FlowFilesAskedSerializer, self.request)
        return files.find(
            sender=query.get("sender"),
            flow=query.get("flow"),
            status=query.get("outcome"),
            since=query.get("since"),
            until=query.get("until"),
        )

    @_listed(serializers.FlowFileSerializer, serializers.FlowFilesAskedSerializer)
    def get(self, request: request.Request, *args: Any, **kwargs: Any) -> response.Response:
        return super().get(request, *args, **kwargs)

    @utils.extend_schema(
        request={"multipart/form-data": serializers.UploadSerializer},
        parameters=[
            utils.OpenApiParameter(
                "Content-Digest",
                {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"},
                location=utils.OpenApiParameter.HEADER,
                description="sha-256=:BASE64: of the file, or of the whole content (RFC 9530).",
            )
        ],
        responses={
            **dict.fromkeys((200, 201, 202), serializers.ReportSerializer),
            **_problems(409, 413, 415, 422),
        },
    )
    def post(self, request: request.Request) -> response.Response:
        """
        Load one flow file, as the command load_flows does.

        201: loaded, perhaps with rejected lines. 200: its content was there before, and only the
        delivery was recorded. 202: it is large, and its raw lines are stored; `transform_pending`
        does the rest. 409: its sender has used its file id before. 422: it was refused.
        """
        report = self.receive(self.asked(request))
        page = page_of(report)
        if report.outcome not in _STATUSES:
            return problems.refusal(report, page=page)
        body = {**dataclasses.asdict(report), "page": page}
        address = urls.reverse("api:flow_file", args=[report.sha256])
        return response.Response(
            serializers.ReportSerializer(body).data,
            _STATUSES[report.outcome],
            headers={"Location": request.build_absolute_uri(address)},
        )


def page_of(report: outcomes.FileReport) -> str:
    """Return the address of the page that the admin has of a file, if it is known."""
    known = models.FlowFile.objects.filter(sha256=report.sha256).values_list("id", flat=True)
    return urls.reverse("admin:warehouse_flowfile_change", args=[known[0]]) if known else ""


def _asked(of: type[serializers.Asked], request: request.Request) -> dict[str, Any]:
    # A plain mapping: of a form's, one that is empty would count as not there.
    query = of(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    found: dict[str, Any] = query.validated_data
    return found


def _flow_file(sha256: str) -> models.FlowFile:
    # The server takes no NUL.
    return generics.get_object_or_404(models.FlowFile, sha256=sha256 if sha256.isalnum() else "")


class FlowFileView(permissions.RightsView):
    get_right = "warehouse.view_flowfile"

    @utils.extend_schema(
        parameters=[_SHA256],
        responses={200: serializers.FlowFileDetailSerializer, **_problems(404)},
    )
    def get(self, request: request.Request, sha256: str) -> response.Response:
        """Return one flow file, with its deliveries and what was found in it."""
        _asked(serializers.Asked, request)
        flow_file: Any = _flow_file(sha256)
        flow_file.latest = files.latest_deliveries(flow_file)
        flow_file.kinds = files.issue_kinds(flow_file)
        return response.Response(serializers.FlowFileDetailSerializer(flow_file).data)


class IssuesView(permissions.RightsView, generics.ListAPIView[models.LineIssue]):
    """What is wrong in a file, line by line, what to do about it, and what was done."""

    get_right = "warehouse.view_lineissue"
    serializer_class = serializers.IssueSerializer
    pagination_class = pages.CursorPagination
    place = ("line_number", "id")

    def get_queryset(self) -> QuerySet[models.LineIssue]:
        _asked(serializers.CursorSerializer, self.request)
        return models.LineIssue.objects.filter(flow_file=_flow_file(self.kwargs["sha256"]))

    def paginate_queryset(self, queryset: Any) -> Any:
        issues = list(super().paginate_queryset(queryset) or ())
        mpan_cores = [issue.mpan_core for issue in issues]
        audit.record(self.request, mpan_cores, codes.LookedAt.ISSUE)
        marks.tell(issues)
        return issues

    @_listed(serializers.IssueSerializer, serializers.CursorSerializer, _SHA256)
    def get(self, request: request.Request, *args: Any, **kwargs: Any) -> response.Response:
        return super().get(request, *args, **kwargs)


class ContentView(permissions.RightsView):
    get_right = "warehouse.view_reading"

    @utils.extend_schema(
        parameters=[_SHA256],
        responses={(200, "text/plain"): types.OpenApiTypes.BINARY, **_problems(404, 410)},
    )
    def get(self, request: request.Request, sha256: str) -> http.StreamingHttpResponse:
        """Return the records as they came, each ended by one LF: what the hash is over."""
        _asked(serializers.Asked, request)
        flow_file = _flow_file(sha256)
        if why := kept_lines.why_not_whole(flow_file):
            is_unseen = kept_lines.is_rejected_unseen(flow_file)
            raise exceptions.NotFound(why) if is_unseen else problems.GoneError(why)
        audit.record_files(request, [flow_file.pk], codes.LookedAt.DOWNLOAD)
        digest = base64.b64encode(bytes.fromhex(flow_file.sha256)).decode()
        return http.StreamingHttpResponse(
            raw_lines.content_of(flow_file),
            content_type="text/plain",
            headers={
                "Content-Digest": f"sha-256=:{digest}:",
                "Content-Disposition": f'attachment; filename="{flow_file.sha256}.uff"',
            },
        )


def _meter_point(mpan: str) -> str:
    mpan_core = terms.whole_mpan_core(mpan)
    return generics.get_object_or_404(models.MeterPoint, mpan_core=mpan_core).mpan_core


class MeterPointView(permissions.RightsView):
    get_right = "warehouse.view_meterpoint"

    @utils.extend_schema(
        parameters=[_MPAN], responses={200: serializers.MeterPointSerializer, **_problems(404)}
    )
    def get(self, request: request.Request, mpan: str) -> response.Response:
        """Return meters and registers of a meter point, with the latest reading that counts."""
        _asked(serializers.Asked, request)
        mpan_core = _meter_point(mpan)
        audit.record(request, [mpan_core], codes.LookedAt.METER_POINT)
        found = history.of_meter_point(mpan_core)
        shown = [
            (meter, meter.registers[: history.MOST_REGISTERS])
            for meter in found.meters[: history.MOST_METERS]
        ]
        latest = {
            register.latest.reading.pk
            for _, registers in shown
            for register in registers
            if register.latest
        }
        readings = listing.find(mpan_core=mpan_core).filter(id__in=latest)
        rows = {
            (row.serial_number, row.register): row._asdict() for row in listing.listed(readings)
        }
        body = {
            "mpan_core": mpan_core,
            "meter_count": found.meter_count,
            "rejected_line_count": found.rejected_line_count,
            "warning_count": found.warning_count,
            "meters": [
                {
                    "serial_number": meter.meter.serial_number,
                    "register_count": meter.register_count,
                    "registers": [
                        {
                            "identifier": register.identifier,
                            "is_maximum_demand": register.is_maximum_demand,
                            "latest": rows.get((meter.meter.serial_number, register.identifier)),
                        }
                        for register in registers
                    ],
                }
                for meter, registers in shown
            ],
        }
        return response.Response(serializers.MeterPointSerializer(body).data)


class ReadingsView(permissions.RightsView, generics.ListAPIView[Any]):
    """The readings of a meter point, the oldest first, with what became of each."""

    get_right = "warehouse.view_reading"
    serializer_class = serializers.ReadingSerializer
    pagination_class = pages.CursorPagination
    place = ("read_at", "id")

    def get_queryset(self) -> QuerySet[Any]:
        query = _asked(serializers.ReadingsAskedSerializer, self.request)
        try:
            readings: QuerySet[Any] = listing.find(
                mpan_core=_meter_point(self.kwargs["mpan"]),
                serial_number=query.get("serial"),
                since=query.get("since"),
                until=query.get("until"),
            )
        except listing.NoPeriodError as error:
            raise exceptions.ValidationError({"since": [f"{error}."]}) from error
        if "register" in query:
            readings = readings.filter(identifier=query["register"])
        if "standing" in query:
            readings = readings.filter(standing=query["standing"])
        return readings

    def paginate_queryset(self, queryset: Any) -> Any:
        page: Any = super().paginate_queryset(queryset)
        rows = [row._asdict() for row in listing.listed(page)]
        mpan_cores = [row["mpan_core"] for row in rows]
        audit.record(self.request, mpan_cores, codes.LookedAt.LIST)
        return rows

    @_listed(serializers.ReadingSerializer, serializers.ReadingsAskedSerializer, _MPAN)
    def get(self, request: request.Request, *args: Any, **kwargs: Any) -> response.Response:
        return super().get(request, *args, **kwargs)


class MetersView(permissions.RightsView):
    get_right = "warehouse.view_meter"

    @utils.extend_schema(
        parameters=[serializers.MetersAskedSerializer],
        responses={200: serializers.MetersSerializer, **_problems()},
    )
    def get(self, request: request.Request) -> response.Response:
        """Find meters by their serial number, as the search of the admin does."""
        query = _asked(serializers.MetersAskedSerializer, request)
        return response.Response(
            serializers.MetersSerializer(search.look_up(query["serial"])).data
        )


class ArrivalsView(permissions.RightsView):
    get_right = "warehouse.view_flowfile"

    @utils.extend_schema(responses={200: serializers.SenderSerializer(many=True), **_problems()})
    def get(self, request: request.Request) -> response.Response:
        """
        Tell by sender what came in the last 30 days, and what seems to be missing.

        First those that are silent for longer than ever, or have gaps in their file ids.
        """
        _asked(serializers.Asked, request)
        return response.Response(serializers.SenderSerializer(arrivals.senders(), many=True).data)


class NothingView(permissions.RightsView):
    """All other addresses below, for whom Django's own page would be no answer."""

    @utils.extend_schema(exclude=True)
    def get(self, request: request.Request, rest: str) -> response.Response:  # noqa: ARG002 - the address
        raise http.Http404("There is nothing at this address.")

    post = put = patch = delete = get
