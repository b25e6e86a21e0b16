"""COPY into `staged_line`, and what else touches that table as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django import db


# What COPY's text format would read as something else; NUL bytes never come this far.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\r": "\\r"})
_COPY = "COPY staged_line (id, parent_id, group_code, mpan_core, payload) FROM STDIN"
_ROWS_A_WRITE = 2_000

Row = tuple[int, "int | None", str, str, str]


def copy(rows: Iterable[Row]) -> None:
    """
    Append rows of (id, parent id, group code, MPAN, payload) to `staged_line` by one COPY.

    :raises django.db.Error: if the server refuses them; psycopg's own errors are converted
    """
    with (
        db.connection.wrap_database_errors,
        db.connection.cursor() as cursor,
        cursor.copy(_COPY) as stream,
    ):
        for text in _copy_text(rows):
            stream.write(text)


def _copy_text(rows: Iterable[Row]) -> Iterator[str]:
    batch: list[str] = []
    for line_id, parent_id, group_code, mpan_core, payload in rows:
        if "\\" in payload or "\t" in payload or "\r" in payload:
            payload = payload.translate(_ESCAPES)  # noqa: PLW2901 - the same line, escaped
            group_code = group_code.translate(_ESCAPES)  # noqa: PLW2901 - the same, escaped
        parent = r"\N" if parent_id is None else parent_id
        batch.append(f"{line_id}\t{parent}\t{group_code}\t{mpan_core}\t{payload}\n")
        if len(batch) == _ROWS_A_WRITE:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)


def delete_lines_of(flow_file_id: int) -> None:
    with db.connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM staged_line WHERE id BETWEEN %s AND %s", line_ids(flow_file_id)
        )


def analyze() -> None:
    """Tell the planner how many lines there are; autovacuum will not have come in time."""
    with db.connection.cursor() as cursor:
        cursor.execute("ANALYZE staged_line")


def line_ids(flow_file_id: int) -> tuple[int, int]:
    """Return the first and the last id that a line of this file can have."""
    return flow_file_id << 32, (flow_file_id << 32) | 0xFFFF_FFFF
