"""
How much a run tries: what is enough while one works, or what is enough for a release.

`--thorough` and `--times` choose; see tests/README.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar


T = TypeVar("T")


class _Chosen:
    is_thorough = False
    times = 1


def choose(*, is_thorough: bool, times: int) -> None:
    _Chosen.is_thorough = is_thorough or times > 1
    _Chosen.times = times


def choose_by(options: str) -> None:
    """Choose by options as they are typed, `--thorough` and `--times=N`."""
    times = [int(one.partition("=")[2]) for one in options.split() if "=" in one]
    choose(is_thorough="--thorough" in options, times=max(times, default=1))


def is_thorough() -> bool:
    return _Chosen.is_thorough


def times() -> int:
    return _Chosen.times


def rounds(*, quick: int, thorough: int) -> int:
    """Return how often to try something."""
    return thorough * _Chosen.times if _Chosen.is_thorough else quick


def size(*, quick: T, thorough: T) -> T:
    """Return how large something is to be, or several things."""
    return thorough if _Chosen.is_thorough else quick


def some(places: Sequence[T], *, one_of: int, first: int = 0) -> Sequence[T]:
    """Return the places at which to try something: all, or in a quick run one of so many."""
    return places if _Chosen.is_thorough else places[first % one_of :: one_of]


def seed() -> int:
    """Return what to draw by: the same in every run, unless it is to draw anew."""
    return 10 if _Chosen.times == 1 else time.time_ns()
