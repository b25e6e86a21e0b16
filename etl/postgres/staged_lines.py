"""COPY into `staged_text`, and what else touches that table as a whole; see sql/README.md."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django import db

from etl.postgres import work_tables
from warehouse import codes, keys


logger = logging.getLogger(__name__)

# What COPY's text format would read as something else; NUL bytes never come this far.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\r": "\\r"})
# What a line's place gives, in order; see etl/domain/lines.py.
PLACE = ("parent_id", "kind", "mpan_core", "serial_key", "reading_type", "validation_status")
_COPY = f"COPY staged_text (id, {', '.join(PLACE)}, payload) FROM STDIN"
_LEAST_A_WRITE = 65_536  # characters
NULL = r"\N"  # as COPY takes it
# What is left of a line whose meter point was forgotten: kind and payload.
FORGOTTEN = codes.FORGOTTEN
# And its place: none, and none above or below it has one.
PLACE_OF_FORGOTTEN = "\t".join((NULL, FORGOTTEN, *[""] * (len(PLACE) - 2)))


class Stretch(NamedTuple):
    """The rows of a stretch, in order, as they are stored; places begin with the id."""

    first_id: int
    last_id: int  # of the first line of the last row
    places: Sequence[str]
    payloads: Sequence[str]


def escape(text: str) -> str:
    """Return lines as `copy` takes them; it looks at each character but once a block."""
    is_plain = "\\" not in text and "\t" not in text and "\r" not in text
    return text if is_plain else text.translate(_ESCAPES)


def copy(blocks: Iterable[str]) -> None:
    """
    Append rows of lines, as `lines.Positions` makes them, to `staged_text` by one COPY.

    A block is sent as a whole: a few thousand rows are the best size. Smaller ones are sent
    together, since each time the server is waited for.

    :raises django.db.Error: if the server refuses them; psycopg's own errors are converted
    """
    started = time.perf_counter()
    with db.connection.wrap_database_errors, db.connection.cursor() as cursor:
        with cursor.copy(_COPY) as stream:
            held: list[str] = []
            size = 0
            for rows in blocks:
                held.append(rows)
                size += len(rows)
                if size >= _LEAST_A_WRITE:
                    stream.write("".join(held))
                    held.clear()
                    size = 0
            stream.write("".join(held))
        row_count = cursor.rowcount
    seconds = time.perf_counter() - started
    facts = {"step": "copy_staged_lines", "rows": row_count, "seconds": round(seconds, 3)}
    logger.info("%s: %d rows, %.3f s", *facts.values(), extra={"facts": facts})


def stored(first_stretch: int, last_stretch: int) -> Iterator[Stretch]:
    """
    Yield the rows of these stretches, in order, one stretch after the other.

    :raises django.db.Error: if the server goes away; psycopg's own errors are converted
    """
    place = ", chr(9), ".join(f"coalesce({name}::text, '{NULL}')" for name in ("id", *PLACE))
    # On a cluster each machine puts together what it has of a stretch, if in no certain order.
    is_spread = work_tables.are_there()
    order = "" if is_spread else " ORDER BY id"
    # By the index, which gives the stretches in order, so that nothing large is sorted.
    query = (
        f"COPY (SELECT min(id), max(id), array_agg(concat({place}){order}),"  # noqa: S608 - names from above
        f" array_agg(payload{order}) FROM staged_text WHERE id >> 10 BETWEEN %s AND %s"
        " GROUP BY id >> 10 ORDER BY id >> 10) TO STDOUT (FORMAT BINARY)"
    )
    with (
        db.connection.wrap_database_errors,
        db.connection.cursor() as cursor,
        cursor.cursor.copy(query, [first_stretch, last_stretch]) as stream,
    ):
        stream.set_types(["int8", "int8", "text[]", "text[]"])
        for row in stream.rows():
            yield _in_order(Stretch(*row)) if is_spread else Stretch(*row)


def _in_order(stretch: Stretch) -> Stretch:
    # Ids of a stretch have as many digits, so their texts are in the same order.
    lines = sorted(zip(stretch.places, stretch.payloads, strict=True))
    places, payloads = zip(*lines, strict=True)
    return stretch._replace(places=[*places], payloads=[*payloads])


def delete_lines_of(flow_file_id: int) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM staged_text WHERE id >> 10 BETWEEN %s AND %s",
            stretches(flow_file_id, flow_file_id),
        )


def forget(line_ids: Sequence[int]) -> None:
    """
    Leave no more of these lines, which are all from the first to the last, than that they were.

    They are written anew, since where a row is on a cluster depends on its MPAN.
    """
    first, last = line_ids[0], line_ids[-1]
    with db.connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM staged_text WHERE id >> 10 BETWEEN %s AND %s AND id BETWEEN %s AND %s",
            [keys.stretch(first), keys.stretch(last), first, last],
        )
    copy(f"{line_id}\t{PLACE_OF_FORGOTTEN}\t{FORGOTTEN}\n" for line_id in line_ids)


def analyze() -> None:
    """
    Tell the planner how many lines there are, which autovacuum will not have done in time.

    By that number it decides whether to look keys up one by one or to go through their table. A
    tenth of the usual sample is enough, and takes no longer than a small file where 50 million
    lines are stored. For a transaction of the caller's.
    """
    with db.connection.cursor() as cursor:
        cursor.execute("SET LOCAL default_statistics_target = 10")
        # Sent apart: a cluster hands SET on with all that was sent with it.
        cursor.execute("ANALYZE staged_text")


def line_ids(flow_file_id: int) -> tuple[int, int]:
    """Return the first and the last id that a line of this file can have."""
    return flow_file_id << 32, (flow_file_id << 32) | 0xFFFF_FFFF


def stretches(first_file_id: int, last_file_id: int) -> tuple[int, int]:
    """Return the first and the last stretch that these files, and those between, can have."""
    (first, _), (_, last) = line_ids(first_file_id), line_ids(last_file_id)
    return keys.stretch(first), keys.stretch(last)
