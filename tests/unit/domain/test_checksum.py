from __future__ import annotations

import pytest

from etl.domain import checksum


# Submissions in the pool transfer format whose checksums are published: two senders, three times.
BODY = [b"SUB|H|X|%b|20110731|M", *(b"SP4|_%c||||" % letter for letter in b"ABCDEFGHJKLMNP")]


class TestOfLines:
    @pytest.mark.parametrize(
        ("sender", "made_at", "expected"),
        [
            (b"EBES", b"20110804141806", 995_520_093),
            (b"EBES", b"20110804095850", 810_708_569),
            (b"VOLT", b"20110803162013", 575_762_248),
        ],
    )
    def test_is_what_the_pool_published(
        self, sender: bytes, made_at: bytes, expected: int
    ) -> None:
        header = b"ZHD|P0142001|X|%b|Z|POOL|%b" % (sender, made_at)

        assert checksum.of_lines([header, BODY[0] % sender, *BODY[1:]]) == expected

    def test_starts_each_line_with_a_new_word(self) -> None:
        assert checksum.of_lines([b"ABCD", b"AB", b""]) == 0x41424344 ^ 0x41420000
