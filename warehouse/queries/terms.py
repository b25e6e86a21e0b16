"""What somebody typed or pasted, read as MPANs and serial numbers."""

from __future__ import annotations

import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Sequence

from warehouse import keys


MOST_ITEMS = 100  # of a list

_SUPPLY_NUMBER_DIGITS = 21
_SUPPLY_NUMBER = re.compile(r"S?(?:[0-9]{8})?([0-9]{13})")
_DIGITS_IN_TEXT = re.compile(r"[0-9](?:[ \-./|]*[0-9])*")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")  # noqa: RUF001 - those are meant
_QUOTES = " \"'`´‘’“”«»,;.:#()[]<>"  # noqa: RUF001 - those are meant
_LABEL = re.compile(
    r"(?:(?:MPAN|MSN|MSID|METER|SERIAL|SUPPLY|CORE|NUMBER|NUM|NO|ID|S/N)(?![A-Z0-9])[\s.:#=\-]*)+",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"[,;\r\n]+")
_LOOK_ALIKES = {"O": "0", "0": "O", "I": "1", "1": "I", "S": "5", "5": "S"}
_AS_DIGITS = str.maketrans("OILS", "0115")
_MOST_TOLD_APART = 8  # characters, which makes 256 keys at most


@dataclasses.dataclass(frozen=True, kw_only=True)
class Term:
    """
    What was typed, read in each way.

    `mpan_core` is empty unless 13 digits stand there, or the 21 of a supply number, alone or
    within text; `digits` unless nothing but digits does. `serial_key` is as meters are known by
    it, without labels and quotes; `exact_keys` has it as typed as well.
    """

    typed: str
    mpan_core: str
    digits: str
    serial_key: str

    @property
    def exact_keys(self) -> Sequence[str]:
        return [*dict.fromkeys([self.serial_key, keys.serial_key(self.typed)])]


def read(typed: str) -> Term:
    text = unicodedata.normalize("NFKC", typed).translate(_DASHES)
    text = re.sub(f"[{re.escape(keys.BLANKS)}]+", " ", text)
    bare = _LABEL.sub("", text.strip(_QUOTES), count=1).strip(_QUOTES) or text
    serial_key = keys.serial_key(bare) or keys.serial_key(typed)
    plain = re.sub(r"[-/.|]", "", serial_key)
    return Term(
        typed=typed,
        mpan_core=_mpan_core(plain, text),
        digits=plain if plain.isascii() and plain.isdigit() else "",
        serial_key=serial_key,
    )


def whole_mpan_core(typed: str) -> str:
    """Return the MPAN that is typed and nothing with it, as a command or a program means it."""
    plain = re.sub(r"[-/.|]", "", keys.serial_key(typed))
    supply_number = _SUPPLY_NUMBER.fullmatch(plain)
    return keys.mpan_core(supply_number[1]) if supply_number else ""


def _mpan_core(plain: str, text: str) -> str:
    supply_number = _SUPPLY_NUMBER.fullmatch(plain)
    if supply_number:
        return keys.mpan_core(supply_number[1])
    runs = [re.sub(r"[^0-9]", "", run) for run in _DIGITS_IN_TEXT.findall(text)]
    within = [
        keys.mpan_core(run[-keys.MPAN_DIGITS :])
        for run in runs
        if len(run) in {keys.MPAN_DIGITS, _SUPPLY_NUMBER_DIGITS}
    ]
    return next(filter(None, within), "")


def items(typed: str) -> Sequence[str]:
    """
    Return the items of a list: what commas or lines separate, or MPANs one after the other.

    What is no list is one item, such as text with a comma: each item of a list has a digit. A box
    of one line has pasted lines run together.
    """
    digits = re.sub(r"[\s\-]", "", typed)
    count, rest = divmod(len(digits), keys.MPAN_DIGITS)
    if digits.isascii() and digits.isdigit() and count > 1 and not rest:
        parts = [
            digits[place : place + keys.MPAN_DIGITS]
            for place in range(0, len(digits), keys.MPAN_DIGITS)
        ]
        if all(map(keys.has_right_check_digit, parts)):
            return [*dict.fromkeys(parts)]
    parts = [*dict.fromkeys(filter(None, map(str.strip, _SEPARATORS.split(typed))))]
    return parts if all(re.search("[0-9]", part) for part in parts) else [typed]


def look_alikes(serial_key: str) -> Sequence[str]:
    """Return the keys that differ in O and 0, I and 1, S and 5 only."""
    places = [place for place, letter in enumerate(serial_key) if letter in _LOOK_ALIKES]
    told_apart = places[:_MOST_TOLD_APART]
    ways = [
        letter + _LOOK_ALIKES[letter] if place in told_apart else letter
        for place, letter in enumerate(serial_key)
    ]
    return sorted({"".join(way) for way in itertools.product(*ways)} - {serial_key})


def mpan_core_meant(serial_key: str) -> str:
    """Return the MPAN that was typed with letters for digits; else nothing."""
    digits = re.sub(r"[-/.|]", "", serial_key).translate(_AS_DIGITS)
    mpan_core = keys.mpan_core(digits)
    return mpan_core if mpan_core and keys.has_right_check_digit(mpan_core) else ""
