from __future__ import annotations

import gzip
import io
import random

import pytest

from etl.intake import packed


CONTENT = random.Random(1).randbytes(300_000)  # noqa: S311 - no secret
PACKED = gzip.compress(CONTENT)


def unpacked(data: bytes) -> bytes:
    return b"".join(packed.unpacked(io.BytesIO(data)))


class TestUnpacked:
    @pytest.mark.parametrize(
        ("data", "content"),
        [
            pytest.param(PACKED, CONTENT, id="one member"),
            pytest.param(PACKED + PACKED, CONTENT * 2, id="two members"),
            pytest.param(gzip.compress(b""), b"", id="nothing"),
            pytest.param(gzip.compress(bytes(3_000_000)), bytes(3_000_000), id="zeros"),
            pytest.param(PACKED + bytes(200_000), CONTENT, id="zeros behind"),
            pytest.param(PACKED + bytes(65_000) + PACKED, CONTENT * 2, id="zeros between"),
        ],
    )
    def test_is_what_gzip_makes_of_it(self, data: bytes, content: bytes) -> None:
        assert unpacked(data) == content == gzip.decompress(data)

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            pytest.param(PACKED[:-1], "cut short", id="cut in the check"),
            pytest.param(PACKED[:1_000], "cut short", id="cut in the data"),
            pytest.param(PACKED[:2], "cut short", id="cut in the header"),
            pytest.param(PACKED + PACKED[:20], "cut short", id="second cut short"),
            pytest.param(PACKED[:-8] + bytes(8), "damaged", id="check"),
            pytest.param(b"\x1f\x8b\x09" + bytes(20), "damaged", id="unknown method"),
            pytest.param(PACKED + b"x", "followed by 1 byte that", id="one byte behind"),
            pytest.param(PACKED + b"\0\0ga", "followed by 2 bytes that", id="two behind zeros"),
            pytest.param(PACKED + b"x" * 200_000, "followed by 200,000 bytes", id="many behind"),
        ],
    )
    def test_says_in_words_what_is_wrong(self, data: bytes, reason: str) -> None:
        with pytest.raises(packed.DamagedError, match=reason):
            unpacked(data)
