"""Drop raw lines that have done their duty; what was made of them stays."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterator, Sequence

from etl.postgres import staged_lines, transactions
from etl.usecases import chunks, digests
from warehouse import codes, models


# Many, since for the digests of a chunk all meters and registers are read once.
_LINES_A_CHUNK = 1_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class PurgedFile:
    """A file whose raw lines were dropped, or would be."""

    file_name: str
    line_count: int


def purge_staged_lines(
    *, loaded_before: datetime.datetime, purged_at: datetime.datetime, is_dry_run: bool
) -> Iterator[PurgedFile]:
    """
    Drop the raw lines of files that were loaded before this time; yield each when it is done.

    Only files that are loaded whole are touched, some in a transaction; their readings keep file
    and line number, and a digest of all that came from a file then proves it. Of a file with
    rejected lines all raw lines stay, since the issue of a rejected one keeps no more than the
    beginning of its value.

    :raises django.db.OperationalError: if the server goes away; the files yielded are done
    """
    loaded = models.FlowFile.objects.filter(
        status=codes.FlowFileStatus.LOADED,
        transformed_at__lt=loaded_before,
        purged_at=None,
    )
    for chunk in chunks.of(loaded, lines=_LINES_A_CHUNK):
        if not is_dry_run:
            transactions.commit(functools.partial(_purge, chunk, purged_at))
        for flow_file in chunk:
            yield PurgedFile(
                file_name=flow_file.file_name,
                line_count=flow_file.line_count - flow_file.blank_line_count,
            )


def _purge(flow_files: Sequence[models.FlowFile], purged_at: datetime.datetime) -> None:
    ids = [flow_file.pk for flow_file in flow_files]
    # The digest is also of when.
    models.FlowFile.objects.filter(id__in=ids).update(purged_at=purged_at)
    digests.take(ids)
    for number in ids:
        staged_lines.delete_lines_of(number)
