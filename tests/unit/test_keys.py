from __future__ import annotations

import unicodedata

import pytest

from warehouse import keys
from warehouse.queries import terms


# Marks of Unicode's category Cf that are seen: signs of numbers and abbreviations, and what joins
# hieroglyphs.
SEEN = {
    *map(chr, range(0x0600, 0x0606)),
    *map(chr, (0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD)),
    *map(chr, range(0x13430, 0x13440)),
}


class TestBlanks:
    def test_are_all_that_unicode_calls_a_space_a_control_or_a_format(self) -> None:
        unseen = {
            character
            for character in map(chr, range(1, 0x110000))
            if unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}
        }

        assert unseen - SEEN <= set(keys.BLANKS)

    @pytest.mark.parametrize(
        "character",
        [
            *"\t\r\n \x7f\x85\xa0\xad\u200b\u2028\u202e\u2060",
            *"\u2800\u3000\u3164\ufe0f\ufeff\U000e0041",
        ],
        ids=ascii,
    )
    def test_hold_what_nobody_sees(self, character: str) -> None:
        assert character in keys.BLANKS

    def test_hold_nothing_that_is_seen(self) -> None:
        # Of the last ones some are letters by name: fillers, which are drawn as nothing.
        seen = [
            character
            for character in keys.BLANKS
            if unicodedata.category(character)[0] in "NPS" or character.isalnum()
        ]

        assert [unicodedata.name(character, "") for character in seen] == [
            "HANGUL CHOSEONG FILLER",
            "HANGUL JUNGSEONG FILLER",
            "BRAILLE PATTERN BLANK",
            "HANGUL FILLER",
            "HALFWIDTH HANGUL FILLER",
        ]

    def test_are_each_told_once_and_without_nul(self) -> None:
        assert len(set(keys.BLANKS)) == len(keys.BLANKS)
        assert "\0" not in keys.BLANKS


class TestStripped:
    @pytest.mark.parametrize(
        ("text", "stripped"),
        [
            ("S", "S"),
            ("S ", "S"),
            (" S", "S"),
            ("\tS\xa0\u200b", "S"),
            ("A 1", "A 1"),
            ("", ""),
            ("  ", ""),
            ("\t", ""),
            ("\u200b\u200c\u200d", ""),
            ("\U000e0041", ""),
        ],
        ids=ascii,
    )
    def test_is_without_blanks_at_its_ends(self, text: str, stripped: str) -> None:
        assert keys.stripped(text) == stripped


class TestMpanCore:
    @pytest.mark.parametrize(
        ("text", "mpan_core"),
        [
            ("1200023305967", "1200023305967"),
            ("1200023305967 ", "1200023305967"),
            ("\t1200023305967\xa0", "1200023305967"),
            ("1200023305968", "1200023305968"),
            ("0000000000001", "0000000000001"),
        ],
        ids=["as it is", "padded", "among other blanks", "wrong check digit", "zeros first"],
    )
    def test_is_13_digits(self, text: str, mpan_core: str) -> None:
        assert keys.mpan_core(text) == mpan_core

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "120002330596",
            "12000233059670",
            "12 0002 3305 967",
            "120002330596A",
            "120002330596.",
            "+200023305967",
            "0000000000000",
            " 0000000000000 ",
            "\u0661\u0662\u0660\u0660\u0660\u0662\u0663\u0663\u0660\u0665\u0669\u0666\u0667",
            "\uff11\uff12\uff10\uff10\uff10\uff12\uff13\uff13\uff10\uff15\uff19\uff16\uff17",
            "120002330596\xb2",
        ],
        ids=ascii,
    )
    def test_is_nothing_else(self, text: str) -> None:
        assert keys.mpan_core(text) == ""


class TestCheckDigit:
    @pytest.mark.parametrize(
        "mpan_core",
        ["1200023305967", "1900001059816", "1200033197420", "2000055433806", "1099961728358"],
    )
    def test_agrees_with_the_twelve_digits_before_it(self, mpan_core: str) -> None:
        others = [f"{mpan_core[:-1]}{digit}" for digit in "0123456789" if digit != mpan_core[-1]]

        assert keys.has_right_check_digit(mpan_core)
        assert not any(map(keys.has_right_check_digit, others))

    def test_of_a_remainder_of_ten_is_nought(self) -> None:
        with_ten = next(
            number
            for number in range(10**11, 10**12)
            if sum(
                int(digit) * weight
                for digit, weight in zip(
                    str(number), (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43), strict=True
                )
            )
            % 11
            == 10
        )

        assert keys.has_right_check_digit(f"{with_ten}0")


# Serial numbers as files have sent them, and the key that each is known by.
SERIAL_NUMBERS = [
    # Padding: blanks at the ends of a field of ten characters.
    ("R75A0802", "R75A0802"),
    ("R75A0802  ", "R75A0802"),
    ("E12Z071001", "E12Z071001"),
    ("N75A0802\t", "N75A0802"),
    # Blanks inside: a no-break space, a tab, a carriage return.
    ("K75A\xa000802", "K75A00802"),
    ("L75A\t00802", "L75A00802"),
    ("T75A\r0802", "T75A0802"),
    # One meter, written in ten ways.
    ("F75A 00802", "F75A00802"),
    ("F75A00802", "F75A00802"),
    ("F75A  00802", "F75A00802"),
    ("f75a00802", "F75A00802"),
    ("F75A 00802 ", "F75A00802"),
    (" F75A 00802", "F75A00802"),
    (" F75A\t00802", "F75A00802"),
    ("F75A\xa000802", "F75A00802"),
    ("F75A\u200b00802", "F75A00802"),
    ("E12Z07\u200b001", "E12Z07001"),
    ("\ufeffF75A 00802", "F75A00802"),
    # Others, however alike they look.
    ("F75A-00802", "F75A-00802"),
    ("F75A\u201000802", "F75A\u201000802"),
    ("F75A\u201300802", "F75A\u201300802"),
    ("FO75", "FO75"),
    ("F075", "F075"),
    ("1E10", "1E10"),
    ("00012345", "00012345"),
    ("12345", "12345"),
    ("=1+1", "=1+1"),
    ("\xe91", "\xc91"),
    ("\xc91", "\xc91"),
    ("\xdf", "SS"),
    ("\u65e5\u672c\u8a9e", "\u65e5\u672c\u8a9e"),
    # Nothing at all.
    ("", ""),
    ("  ", ""),
    ("\t", ""),
    ("\u200b", ""),
    ("\u2060\ufeff\xad", ""),
]


class TestSerialKey:
    @pytest.mark.parametrize(("serial_number", "key"), SERIAL_NUMBERS, ids=ascii)
    def test_tells_meters_apart_by_what_is_seen(self, serial_number: str, key: str) -> None:
        assert keys.serial_key(serial_number) == key

    @pytest.mark.parametrize(("serial_number", "key"), SERIAL_NUMBERS, ids=ascii)
    def test_of_a_key_is_the_key(self, serial_number: str, key: str) -> None:
        assert keys.serial_key(keys.serial_key(serial_number)) == key

    @pytest.mark.parametrize(("serial_number", "key"), SERIAL_NUMBERS, ids=ascii)
    def test_is_what_a_search_looks_for(self, serial_number: str, key: str) -> None:
        assert key in terms.read(serial_number).exact_keys
        assert key in terms.read(f" {serial_number.lower()}\u200b").exact_keys
