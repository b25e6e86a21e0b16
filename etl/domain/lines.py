"""Where each line of a flow file stands, and what it takes from the lines above it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from warehouse import keys

from . import flows, grammar


_NULL = r"\N"
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_Said = tuple[str, str, str, str]  # MPAN, serial key, reading type, validation status
_NOTHING: _Said = ("", "", "", "")


class _Group(NamedTuple):
    kind: str
    above: tuple[str, ...]  # the groups that it stands under, the parent first
    closes: tuple[str, ...]  # those below it that have children themselves
    is_parent: bool
    is_shared: bool  # whether its lines have one place, until one above them is opened


def _start(code: str) -> str:
    return f"{code}|"


def _above(flow: grammar.Flow, code: str) -> tuple[str, ...]:
    parent = flow.by_code[code].parent
    return (_start(parent), *_above(flow, parent)) if parent else ()


def _closes(flow: grammar.Flow, code: str) -> tuple[str, ...]:
    below = flow.descendants(code)
    return tuple(_start(other) for other in below if flow.descendants(other))


def _group(flow: grammar.Flow, group: grammar.Group) -> _Group:
    closes = _closes(flow, group.code)
    return _Group(
        kind=group.kind,
        above=_above(flow, group.code),
        closes=closes,
        is_parent=bool(flow.descendants(group.code)),
        # A line that closes nothing leaves the places below it as they are.
        is_shared=not closes and group.parent is not None and bool(_closes(flow, group.parent)),
    )


# By the first four characters of a line, as all that follows.
_GROUPS = {
    flow.name: {_start(group.code): _group(flow, group) for group in flow.groups}
    for flow in flows.KNOWN.values()
}
_PARENTS = {
    name: tuple(start for start, group in groups.items() if group.is_parent)
    for name, groups in _GROUPS.items()
}
_ENVELOPE = {_start(code): kind for code, kind in grammar.ENVELOPE_KINDS.items()}


class Positions:
    r"""
    Gives lines their places; remembers the open line of each group and what it says.

    A child belongs to the most recent open line of its parent group. A line opens itself and
    closes whatever stood open beneath its group, so nothing attaches to the wrong parent. Lines
    come as COPY takes them, and places are given as it takes them: columns between tabs, a
    backslash before what would be read as something else, `\N` for null. The columns are the
    parent's id (null at the top and for orphans), the kind, and what the open lines above say or
    the line itself: MPAN (13 digits or nothing), serial key, reading type, validation status.
    """

    def __init__(self, flow: grammar.Flow) -> None:
        self._groups = _GROUPS.get(flow.name, {})
        self._parents = _PARENTS.get(flow.name, ())
        self._open: dict[str, int] = {}
        self._said: dict[str, _Said] = {}
        self._places: dict[str, str] = {}  # those that are shared

    def place(self, lines: Iterable[str], *, first_id: int) -> Iterator[tuple[int, str, str]]:
        """Yield (id, place, line) for lines of consecutive ids, in order."""
        # This runs once a line, and is all that Python does there.
        places, open_, parents = self._places, self._open, self._parents
        for line_id, line in enumerate(lines, start=first_id):
            start = line[:4]
            yield line_id, places.get(start) or self._find_place(start, line), line
            if start in parents:
                open_[start] = line_id

    def _find_place(self, start: str, line: str) -> str:
        group = self._groups.get(start)
        if group is None:
            self._close_behind_unknown(line)
            kind = _ENVELOPE.get(start, grammar.UNKNOWN_KIND)
            return "\t".join((_NULL, kind, *_NOTHING))
        kind, above, closes, is_parent, is_shared = group
        parent_id = None
        said = _NOTHING
        for open_start in above:
            if open_start in self._open:
                said = self._said[open_start]
                if open_start is above[0]:
                    parent_id = self._open[open_start]
                break
        if kind == "meter_point":
            mpan_core, status = _first_two_fields(line)
            said = (keys.mpan_core(sent(mpan_core)), "", "", status)
        elif kind == "meter":
            serial_number, reading_type = _first_two_fields(line)
            serial_key = _escaped(keys.serial_key(sent(serial_number)))
            said = (said[0], serial_key, reading_type, said[3])
        place = f"{parent_id or _NULL}\t{kind}\t{said[0]}\t{said[1]}\t{said[2]}\t{said[3]}"
        if is_parent:
            self._said[start] = said
        if closes:
            self._close(closes)
        if is_shared:
            self._places[start] = place
        return place

    def _close(self, starts: Iterable[str]) -> None:
        for start in starts:
            self._open.pop(start, None)
        self._places.clear()

    def _close_behind_unknown(self, line: str) -> None:
        """
        Close what a line of no known group, which may be damaged, could have closed.

        Without a code it may have been any line. With one it may have been a line of each group
        that is one character away, and does what the topmost of these would have done: what
        follows is better an orphan than under a wrong meter point. Any other code leaves its
        siblings alone.
        """
        code = _group_code(line)
        for start in self._parents:
            if not code or _differ_by_one(code, start[:3]):
                self._close((start, *self._groups[start].closes))
                return


def _first_two_fields(line: str) -> tuple[str, str]:
    fields = line.split("|", 3)
    if len(fields) > 2:  # noqa: PLR2004 - the code, and two
        return fields[1], fields[2]
    return fields[1], ""


def _group_code(line: str) -> str:
    code = line[:3]
    is_code = line[3:4] == "|" and code.isascii() and code.isalnum()
    return code if is_code else ""


def _differ_by_one(one: str, other: str) -> bool:
    return sum(left != right for left, right in zip(one, other, strict=True)) == 1


def sent(escaped: str) -> str:
    """Return a text that COPY has given, or is to take, as it was sent."""
    if "\\" not in escaped:
        return escaped
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), escaped)


def _escaped(key: str) -> str:
    """Return a key, which holds no blanks, as COPY takes it."""
    return key if key.isalnum() else key.replace("\\", r"\\")
