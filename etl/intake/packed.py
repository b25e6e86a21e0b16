"""gzip, as one content of all its members; what is wrong with it is said in words."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO


MAGIC = b"\x1f\x8b"
_GZIP = 31  # window bits: the largest window, in gzip's wrapping
_BLOCK_SIZE = 65_536


class DamagedError(Exception):
    """gzip data that can't be unpacked, or not only that; the message says why."""


def unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """
    Yield blocks of what the members hold, joined; zeros behind one are passed over, as by gzip.

    :raises DamagedError: if the data is cut short or damaged, or if other data follows
    """
    data = stream.read(_BLOCK_SIZE)
    while data:
        member = zlib.decompressobj(wbits=_GZIP)
        while not member.eof:
            data = data or stream.read(_BLOCK_SIZE)
            try:
                block = member.decompress(data, _BLOCK_SIZE)
            except zlib.error as error:
                raise DamagedError("the gzip data is damaged") from error
            if not data and not member.eof:
                raise DamagedError("the gzip data is cut short")
            data = member.unconsumed_tail
            yield block
        data = _next_member(member.unused_data, stream)


def _next_member(data: bytes, stream: BinaryIO) -> bytes:
    data = data.lstrip(b"\0")
    while len(data) < len(MAGIC) and (more := stream.read(_BLOCK_SIZE)):
        data = (data + more).lstrip(b"\0")
    if data and not data.startswith(MAGIC):
        count = len(data) + sum(map(len, iter(lambda: stream.read(_BLOCK_SIZE), b"")))
        raise DamagedError(
            f"the gzip data is followed by {count:,} byte{'s' * (count > 1)} that are no gzip"
        )
    return data
