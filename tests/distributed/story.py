"""What pages, programs and commands are told of the same files, on one machine and on many."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping
from typing import Any

from django import db, test
from django.contrib.auth import models as auth_models
from django.core.files import uploadedfile
from django.utils import timezone
from knox import models as knox

from tests import builder, conftest
from tests.benchmarks import generate
from tests.integration import test_partitions, test_work_tables
from warehouse import codes, models
from warehouse.queries import marks


PAGES = (
    "/",
    "/gaps/?days=10",
    "/gaps/?days=10&sender=UDMS&after={mpan}",
    "/gaps/?days=10&format=csv",
    "/jumps/",
    "/jumps/?times=2&sender=UDMS&after={mpan}",
    "/jumps/?shown=0&part=found",
    "/jumps/?format=csv",
    "/warehouse/reading/",
    "/warehouse/reading/?q={mpan}",
    "/warehouse/reading/?q={serial}",
    "/warehouse/reading/?q=nothing",
    "/warehouse/reading/download/?q={mpan}",
    "/warehouse/reading/{reading}/change/",
    "/warehouse/meterpoint/",
    "/warehouse/meterpoint/?q={serial}",
    "/warehouse/meterpoint/{mpan}/change/",
    "/warehouse/meterpoint/{jumping}/change/",
    "/warehouse/flowfile/",
    "/warehouse/flowfile/{file}/change/",
    "/warehouse/flowfile/{file}/content/",
    "/warehouse/lineissue/",
    "/warehouse/lineissue/?mark=ASKED",
    "/warehouse/lineissue/?file={file}&mark=OPEN",
    "/warehouse/lineissue/?q={damaged}",
    "/warehouse/lineissue/{issue}/change/",
    "/warehouse/lineissue/download/?mark=ANSWERED",
    "/etl/stagedline/",
    "/etl/stagedline/?file={file}",
    "/etl/stagedline/{line}/change/",
)
REST = (
    "arrivals/",
    "flow-files/",
    "flow-files/{sha256}/",
    "flow-files/{sha256}/issues/",
    "flow-files/{sha256}/content/",
    "meter-points/{mpan}/",
    "meter-points/{jumping}/",
    "meter-points/{mpan}/readings/",
    "meters/?serial={serial}",
)
COMMANDS = (
    "reconcile",
    "reconcile --deep",
    "reconcile --file next.uff",
    "forget_meter_point {mpan} --reason asked --by ada --yes",
    "purge_staged_lines --older-than 0d",
    "forget_meter_point {other} --reason asked --by ada --yes",
    "reconcile --file stored.uff",
)
TABLES = (
    *(*test_partitions.SPREAD, *test_partitions.BESIDE),
    *("reading_standing", "reading_listing", "export"),
)
NOW = timezone.now()
# What no two answers have in common, whatever is stored.
# How many meter points there may be is told where autovacuum has counted them by then.
_OF_THE_MOMENT = re.compile(r'csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"| of about [\d,]+')
_JUMPING = generate.mpan_core(9_000)


def of(run: conftest.Run, folder: pathlib.Path) -> dict[str, Any]:
    """Load the same files, ask and forget the same; return all that was told."""
    told = test_work_tables.load_all(run, folder)
    (folder / "history.uff").write_bytes(_history())
    assert run("load_d0010", folder / "history.uff").code == 0
    _mark_issues()
    _stop_the_clock()
    known = _known()
    for address, (client, path) in _clients().items():
        response = client.get(path.format(**known), follow=True)
        told[address] = response.status_code, _text(response)
    file = uploadedfile.SimpleUploadedFile("upload.uff", builder.simple(file_id="UPLOADED"))
    uploaded = client.post("/api/v1/flow-files/", {"file": file})
    told["upload"] = (
        uploaded.status_code,
        {**uploaded.json(), "staged_at": "", "transformed_at": ""},
    )
    for command in COMMANDS:
        ended = run(*command.format(**known).split())
        told[command] = ended.code, ended.out, ended.err, test_partitions.stored()
    return told


def _history() -> bytes:
    """Return a file of a meter point that is read each month, and jumps at the end."""
    readings = [
        builder.reading(read_at=f"2023{month:02}01000000", value=f"{value}.0")
        for month, value in enumerate((10, 20, 30, 40, 50, 60, 70, 80, 90, 9_000), start=3)
    ]
    return builder.flow_file(
        builder.meter_point(_JUMPING, builder.meter("JUMPS", *readings)),
        builder.meter_point(generate.mpan_core(9_001), builder.meter("STEADY", *readings[:-1])),
        file_id="HISTORY",
    )


def _mark_issues() -> None:
    issues = [*models.LineIssue.objects.order_by("id")[:6]]
    for status, some in ((codes.Mark.ASKED, issues[:4]), (codes.Mark.ANSWERED, issues[4:])):
        marks.mark(some, status=status, note="asked", marked_by="ada", marked_at=NOW)


def _stop_the_clock() -> None:
    models.FlowFile.objects.update(staged_at=NOW)
    models.FlowFile.objects.exclude(transformed_at=None).update(transformed_at=NOW)
    models.Delivery.objects.update(delivered_at=NOW)


def _known() -> Mapping[str, Any]:
    mpan_core = generate.mpan_core(1_000)
    reading = models.Reading.objects.filter(mpan_core=mpan_core).order_by("id")[0]
    issue = models.LineIssue.objects.exclude(mpan_core="").order_by("id")[0]
    return {
        "mpan": mpan_core,
        "jumping": _JUMPING,
        "serial": generate.serial_number(1_000),
        "reading": reading.pk,
        "line": reading.pk,
        "file": issue.flow_file_id,
        "sha256": issue.flow_file.sha256,
        "issue": issue.pk,
        "damaged": issue.mpan_core,
        "other": generate.mpan_core(950),
    }


def _clients() -> Mapping[str, tuple[test.Client, str]]:
    ada = auth_models.User.objects.create_superuser("ada")
    staff = test.Client(raise_request_exception=False)
    staff.force_login(ada)
    _, token = knox.AuthToken.objects.create(ada)  # type: ignore[no-untyped-call] # it has no types
    program = test.Client(
        raise_request_exception=False, headers={"Authorization": f"Token {token}"}
    )
    return {
        **{path: (staff, path) for path in PAGES},
        **{path: (program, f"/api/v1/{path}") for path in REST},
    }


def _text(response: Any) -> str:
    try:
        content = response.getvalue() if response.streaming else response.content
    except db.Error as error:  # a stream begins before it is known to end well
        return f"{error}"
    return _OF_THE_MOMENT.sub("", content.decode())
