"""COPY into `staged_line`, and what else touches that table as a whole."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django import db


logger = logging.getLogger(__name__)

# What COPY's text format would read as something else; NUL bytes never come this far.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\r": "\\r"})
_NULL = r"\N"
_COPY = "COPY staged_line (id, parent_id, group_code, mpan_core, payload) FROM STDIN"
_ROWS_A_WRITE = 1_000

Row = tuple[int, "int | None", str, str, str]


def escape(text: str) -> str:
    """Return lines as `copy` takes them; it looks at each character but once a block."""
    is_plain = "\\" not in text and "\t" not in text and "\r" not in text
    return text if is_plain else text.translate(_ESCAPES)


def copy(blocks: Iterable[Iterable[Row]]) -> None:
    """
    Append rows of (id, parent id, group code, MPAN, escaped payload) to `staged_line` by one COPY.

    A block is held as a whole: a few thousand rows are the best size. Smaller ones are sent
    together, since each time the server is waited for.

    :raises django.db.Error: if the server refuses them; psycopg's own errors are converted
    """
    started, row_count = time.perf_counter(), 0
    with (
        db.connection.wrap_database_errors,
        db.connection.cursor() as cursor,
        cursor.copy(_COPY) as stream,
    ):
        lines: list[str] = []
        for rows in blocks:
            held = len(lines)
            lines += [
                f"{line_id}\t{parent_id or _NULL}\t{group_code}\t{mpan_core}\t{payload}\n"
                for line_id, parent_id, group_code, mpan_core, payload in rows
            ]
            row_count += len(lines) - held
            if len(lines) >= _ROWS_A_WRITE:
                stream.write("".join(lines))
                lines.clear()
        stream.write("".join(lines))
    seconds = time.perf_counter() - started
    facts = {"step": "copy_staged_lines", "rows": row_count, "seconds": round(seconds, 3)}
    logger.info("%s: %d rows, %.3f s", *facts.values(), extra={"facts": facts})


def delete_lines_of(flow_file_id: int) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM staged_line WHERE id BETWEEN %s AND %s", line_ids(flow_file_id)
        )


def analyze() -> None:
    """
    Tell the planner how many lines of which group there are.

    Autovacuum will not have come in time, and for lines that it knows nothing of the planner
    expects next to none: joins of a few hundred thousand lines then take hours.
    """
    with db.connection.cursor() as cursor:
        cursor.execute("ANALYZE staged_line (id, parent_id, group_code)")


def line_ids(flow_file_id: int) -> tuple[int, int]:
    """Return the first and the last id that a line of this file can have."""
    return flow_file_id << 32, (flow_file_id << 32) | 0xFFFF_FFFF
