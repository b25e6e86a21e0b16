"""Drop raw lines that have done their duty; what was made of them stays."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterator

from etl.postgres import staged_lines, transactions
from warehouse import models


@dataclasses.dataclass(frozen=True, kw_only=True)
class PurgedFile:
    """A file whose raw lines were dropped, or would be."""

    file_name: str
    sha256: str
    line_count: int


def purge_staged_lines(
    *, loaded_before: datetime.datetime, purged_at: datetime.datetime, is_dry_run: bool
) -> Iterator[PurgedFile]:
    """
    Drop the raw lines of files that were loaded before this time; yield each when it is done.

    Only files that are loaded whole are touched, each in a transaction of its own; their readings
    keep file and line number. Of a file with rejected lines all raw lines stay, since the issue
    of a rejected one keeps no more than the beginning of its value.

    :raises django.db.OperationalError: if the server goes away; the files yielded are done
    """
    loaded = models.FlowFile.objects.filter(
        status=models.FlowFileStatus.LOADED,
        transformed_at__lt=loaded_before,
        purged_at=None,
    )
    for flow_file in loaded.order_by("id"):
        if not is_dry_run:
            transactions.commit(functools.partial(_purge, flow_file, purged_at))
        yield PurgedFile(
            file_name=flow_file.file_name,
            sha256=flow_file.sha256,
            line_count=flow_file.line_count - flow_file.blank_line_count,
        )


def _purge(flow_file: models.FlowFile, purged_at: datetime.datetime) -> None:
    staged_lines.delete_lines_of(flow_file.pk)
    models.FlowFile.objects.filter(id=flow_file.pk).update(purged_at=purged_at)
