"""What identifies a meter point, a meter, a register or a line: for storing and for looking up.

Plain Python, so that whatever stores or searches can ask here.
"""

from __future__ import annotations


MPAN_DIGITS = 13
_NO_MPAN = "0" * MPAN_DIGITS
_WEIGHTS = (3, 5, 7, 13, 17, 19, 23, 29, 31, 37, 41, 43)

# What nobody sees, first and last of each range: controls, spaces, marks of direction, joiners
# and fillers (Unicode 15: Cc, Cf, Z, Default_Ignorable_Code_Point, the blank of Braille). A list,
# since what Python knows of Unicode changes with its version, and a stored key must not. NUL is
# none of them: PostgreSQL takes none.
_RANGES = (
    (0x0001, 0x0020), (0x007F, 0x00A0), (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C),
    (0x115F, 0x1160), (0x1680, 0x1680), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F),
    (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0001, 0xE0001), (0xE0020, 0xE007F), (0xE0100, 0xE01EF),
)  # fmt: skip
BLANKS = "".join(chr(code) for first, last in _RANGES for code in range(first, last + 1))
_NO_BLANKS = dict.fromkeys(map(ord, BLANKS))


LENGTH_OF_ENDING = 7  # of a serial key: so much of its ending the index knows

# A stretch is 1,024 lines of one file that follow one another: what the indexes tell apart.
BITS_OF_A_STRETCH = 10


def stretch(line_id: int) -> int:
    """Return the stretch that a line is in, or what came from it."""
    return line_id >> BITS_OF_A_STRETCH


def stripped(text: str) -> str:
    """Return a text without what nobody sees at its ends; empty where nothing else is there."""
    return text.strip(BLANKS)


def mpan_core(text: str) -> str:
    """Return an MPAN core (J0003) as it is stored: 13 digits, not all zeros; else nothing."""
    digits = text if text.isdecimal() else stripped(text)
    if len(digits) == MPAN_DIGITS and digits.isdecimal() and digits.isascii():
        return digits if digits != _NO_MPAN else ""
    return ""


def has_right_check_digit(mpan_core: str) -> bool:
    """Tell whether the last of 13 digits agrees with the other twelve."""
    total = sum(
        int(digit) * weight for digit, weight in zip(mpan_core[:-1], _WEIGHTS, strict=True)
    )
    return total % 11 % 10 == int(mpan_core[-1])


def serial_key(text: str) -> str:
    """
    Return what tells one meter of a meter point from another, from its serial number (J0004).

    Serial numbers that differ in capitals, or in what nobody sees, name one meter.
    """
    if text.isascii() and text.isprintable():
        return text.upper().replace(" ", "")
    return text.upper().translate(_NO_BLANKS)
