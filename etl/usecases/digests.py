"""
What stands for the rows of a file whose raw lines were dropped: a digest, taken then.

Until then the lines prove the rows, and the file's SHA-256 the lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from etl.postgres import steps
from etl.usecases import differences
from warehouse import models


def of_files(flow_file_ids: Sequence[int]) -> Mapping[int, str]:
    """Return the digests of these files, which are in the order of their ids, as they stand."""
    if not flow_file_ids:
        return {}
    parameters = differences.parameters(flow_file_ids[0], flow_file_ids[-1])
    return steps.digests(flow_file_ids, parameters)


def take(flow_file_ids: Sequence[int]) -> None:
    """Note the digests of these files, in the transaction of the caller."""
    found = of_files(flow_file_ids)
    flow_files = [models.FlowFile(id=number, digest=digest) for number, digest in found.items()]
    models.FlowFile.objects.bulk_update(flow_files, ["digest"], batch_size=1_000)


def compare(first_file_id: int, last_file_id: int) -> Iterator[differences.Difference]:
    """Yield the files among these whose rows are not those of their digests."""
    purged = models.FlowFile.objects.filter(
        id__range=(first_file_id, last_file_id), purged_at__isnull=False
    )
    noted = dict(purged.order_by("id").values_list("id", "digest"))
    found = of_files(list(noted))
    for number, digest in noted.items():
        if found[number] != digest:
            yield differences.unexpected(
                number, "rows are not those that were there when the raw lines were dropped"
            )
