"""The checksum of a trailer (J1078) by the rule of the pool transfer format: spec, section 2."""

from __future__ import annotations

import functools
import operator
import struct
from collections.abc import Iterable


_WORD = 4  # bytes, the first one most significant


def of_lines(lines: Iterable[bytes]) -> int:
    """Return the sum over lines without their ends; the trailer is not to be among them."""
    return functools.reduce(operator.xor, map(_of_line, lines), 0)


def _of_line(line: bytes) -> int:
    words = -(-len(line) // _WORD)
    padded = line.ljust(words * _WORD, b"\0")
    return functools.reduce(operator.xor, struct.unpack(f">{words}I", padded), 0)
