"""The SQL of the project, one statement a file, and its one loader: README.md tells of both."""

from __future__ import annotations

import functools
import pathlib


FOLDER = pathlib.Path(__file__).resolve().parent


def names(folder: str) -> tuple[str, ...]:
    """Return the names of a folder's statements, in the order in which they run."""
    return tuple(path.stem for path in sorted((FOLDER / folder).glob("*.sql")))


@functools.cache
def statement(folder: str, name: str) -> str:
    """
    Return the text of one statement.

    :raises FileNotFoundError: if there is none of this name
    """
    return (FOLDER / folder / f"{name}.sql").read_text(encoding="utf-8")
