"""
How many examples the properties are held to.

By default 500 each, the same ones on every run; fewer are the same as well. To look further, at
new ones on every run:

    D0010_EXAMPLES=20000 uv run pytest tests/property
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Sequence
from typing import Protocol

import hypothesis
import pytest


USUAL = 500
EXAMPLES = int(os.environ.get("D0010_EXAMPLES", USUAL))

# No deadlines: an example is a few commands against a server, whose disk has its own pace.
hypothesis.settings.register_profile(
    "d0010",
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= USUAL,
    **({"database": None} if EXAMPLES <= USUAL else {}),
    deadline=None,
    print_blob=True,
)
hypothesis.settings.load_profile("d0010")


class Deliver(Protocol):
    def __call__(self, contents: Sequence[bytes]) -> list[pathlib.Path]: ...


@pytest.fixture
def deliver(tmp_path: pathlib.Path) -> Deliver:
    """Write contents to files of one name, new with each call, in a folder each."""
    numbers = itertools.count(1)

    def deliver(contents: Sequence[bytes]) -> list[pathlib.Path]:
        name = f"{next(numbers)}.uff"
        paths = [tmp_path / str(place) / name for place in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return paths

    return deliver
