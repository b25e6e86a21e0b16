"""
How many examples the properties are held to.

A quick run draws 4 of each, a thorough one 500, the same ones every time; of the orders, which are
of six registers each, 2 and 200. To look further, at new ones on every run:

    uv run pytest --times=40 tests/property
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Sequence
from typing import Protocol

import hypothesis
import pytest

from tests import depth


IS_DRAWN_ANEW = depth.times() > 1
# The examples are drawn in parts: for as many processes, and so that there are never many files
# for `reconcile`, which looks at all of them after each example.
PARTS = depth.rounds(quick=1, thorough=10)

# No deadlines: an example is a few commands against a server, whose disk has its own pace.
hypothesis.settings.register_profile(
    "d0010",
    max_examples=depth.size(quick=4, thorough=50),
    derandomize=not IS_DRAWN_ANEW,
    **({} if IS_DRAWN_ANEW else {"database": None}),
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
