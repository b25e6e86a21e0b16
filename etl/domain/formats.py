"""What a content is that is no flow file, told by its first bytes."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import fields


HEAD_SIZE = 1_024

_PACKED = {
    b"PK\x03\x04": "zip archive",
    b"PK\x05\x06": "zip archive",
    b"\x1f\x8b": "gzip within gzip",
    b"BZh": "bzip2 archive",
    b"\xfd7zXZ\0": "xz archive",
    b"\x28\xb5\x2f\xfd": "zstd archive",
    b"7z\xbc\xaf\x27\x1c": "7-Zip archive",
    b"Rar!\x1a\x07": "RAR archive",
}
_TAR_PLACE = 257
# The longest first, since two of them begin alike.
_BYTE_ORDER_MARKS = {
    b"\xff\xfe\0\0": "UTF-32, little-endian",
    b"\0\0\xfe\xff": "UTF-32, big-endian",
    b"\xff\xfe": "UTF-16, little-endian",
    b"\xfe\xff": "UTF-16, big-endian",
}
_SAMPLE_SIZE = 16  # bytes: what a flow file begins with is ASCII


class Format(NamedTuple):
    """The code of the finding, and what the content is in words."""

    code: str
    name: str


def of(head: bytes) -> Format | None:
    """Return what begins with these bytes, as many as `HEAD_SIZE`; None if that is not known."""
    for start, name in _PACKED.items():
        if head.startswith(start):
            return Format("archive", name)
    if head[_TAR_PLACE:].startswith(b"ustar"):
        return Format("archive", "tar archive")
    for start, name in _BYTE_ORDER_MARKS.items():
        if head.startswith(start):
            return Format("utf-16", name)
    one, other = head[:_SAMPLE_SIZE:2], head[1:_SAMPLE_SIZE:2]
    if len(other) > 1 and all(one) and not any(other):
        return Format("utf-16", "UTF-16, little-endian")
    if len(other) > 1 and all(other) and not any(one):
        return Format("utf-16", "UTF-16, big-endian")
    return _markup(head)


def _markup(head: bytes) -> Format | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not re.match(rb"<[A-Za-z?!]", text):
        return None
    is_page = re.search(rb"<html|<!doctype html", text, re.IGNORECASE)
    first = text.splitlines()[0].replace(b"\0", b"").decode("latin-1")
    return Format("web-page" if is_page else "xml", fields.short(first))
