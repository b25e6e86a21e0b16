"""Where each line of a flow file stands, and what it takes from the lines above it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from warehouse import keys

from . import flows, grammar


_NULL = r"\N"
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_Said = tuple[str, str, str, str]  # MPAN, serial key, reading type, validation status
_NOTHING: _Said = ("", "", "", "")
_Usual = tuple[int, int, _Said]  # the ids of its meter and its last reading, and what these say

# The kind of a row that holds a usual meter point: its line, one meter's, and those of readings,
# of which any more have rows of their own: what is longer than 2 kB the server would compress.
# Both stand in sql/views/staged_line.sql as well, where the first two readings are told apart.
_USUAL = "usual"
_MOST_READINGS = 32
_USUAL_PLACE = f"{_NULL}\t{_USUAL}\t"  # without the id that it begins with, and what it says


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


class _Plan(NamedTuple):
    """What is worked out once for a flow; starts are the first four characters of a line."""

    groups: Mapping[str, _Group]
    parents: Sequence[str]
    # What finds a usual meter point, and the codes of a meter point, a meter and a reading.
    usual: re.Pattern[str]
    usual_codes: tuple[str, str, str]


def _plan(flow: grammar.Flow) -> _Plan:
    groups = {_start(group.code): _group(flow, group) for group in flow.groups}
    by_kind = {group.kind: group.code for group in flow.groups}
    meter_point, meter, reading = (by_kind.get(kind, _NO_CODE) for kind in _USUAL_KINDS)
    return _Plan(
        groups=groups,
        parents=tuple(start for start, group in groups.items() if group.is_parent),
        usual=_usual(meter_point, meter, reading),
        usual_codes=(meter_point, meter, reading),
    )


def _usual(meter_point: str, meter: str, reading: str) -> re.Pattern[str]:
    """
    Return what finds a usual meter point: its line, one meter's, and those of its readings.

    Or else a single line. Of the first two lines it gives two fields each and what is behind
    them; then the lines of readings; the single line. A field ends at a pipe or an LF and nowhere
    else, so that no text takes longer than its length is worth; one that COPY would read as
    something else is for single lines.
    """
    with_two_fields = r"%s\|([^|\n\\]*)\|([^|\n\\]*)((?:\|[^\n]*)?)\n"
    return re.compile(
        f"{with_two_fields % meter_point}{with_two_fields % meter}"
        rf"((?:{reading}\|[^\n]*\n){{1,{_MOST_READINGS}}})|([^\n]*)\n"
    )


_USUAL_KINDS = ("meter_point", "meter", "reading")
_NO_CODE = "(?!)"  # where a flow has no such group: a pattern that fits nothing
_PLANS = {flow.name: _plan(flow) for flow in flows.KNOWN.values()}


def _place_on_top(kind: str) -> str:
    return "\t".join((_NULL, kind, *_NOTHING))


# No code of a group is one character away from those of the envelope, which close nothing.
_ENVELOPE = {_start(code): _place_on_top(kind) for code, kind in grammar.ENVELOPE_KINDS.items()}
_PLACE_OF_UNKNOWN = _place_on_top(grammar.UNKNOWN_KIND)


class Positions:
    r"""
    Makes rows of `staged_text` of lines; remembers the open line of each group and what it says.

    A child belongs to the most recent open line of its parent group. A line opens itself and
    closes whatever stood open beneath its group, so nothing attaches to the wrong parent. Lines
    come as COPY takes them, and so are the rows: columns between tabs, a backslash before what
    would be read as something else, `\N` for null. The columns are the line's id, its parent's
    (null at the top and for orphans), the kind, what the open lines above say or the line itself:
    MPAN (13 digits or nothing), serial key, reading type, validation status; and the line.

    The lines of a usual meter point, nearly all, have one row, with the id of the first and what
    its readings take from above. A line that says just this and nothing else is shortened to its
    code, so that a third as much is sent and kept. `text` and `places` give the lines back.
    """

    def __init__(self, flow: grammar.Flow) -> None:
        self._plan = _PLANS.get(flow.name) or _plan(flow)
        self._open: dict[str, int] = {}
        self._said: dict[str, _Said] = {}
        self._places: dict[str, str] = {}  # those that are shared

    def rows(self, text: str, *, first_id: int) -> str:
        """Return the rows of consecutive lines; LF ends each, and each row."""
        # This runs for each line, and is all that Python does there. Nearly all are of usual
        # meter points, which are read at once; the others one by one.
        rows: list[str] = []
        line_id = first_id
        last: _Usual | None = None  # if it is the last that was read
        point_code, meter_code, _ = self._plan.usual_codes
        found = self._plan.usual.findall(text)
        for mpan, status, more, serial, reading_type, more_of_meter, readings, line in found:
            line_count = readings.count("\n") + 2
            # What ends a stretch might go on behind it, and each stretch is read by itself.
            if readings and keys.stretch(line_id) == keys.stretch(line_id + line_count):
                mpan_core, serial_key = keys.mpan_core(mpan), keys.serial_key(serial)
                point, meter = point_code, meter_code
                if more != "|" or mpan_core != mpan:
                    point = f"{point}|{mpan}|{status}{more}"
                if more_of_meter != "|" or serial_key != serial:
                    meter = f"{meter}|{serial}|{reading_type}{more_of_meter}"
                place = f"{mpan_core}\t{serial_key}\t{reading_type}\t{status}"
                below = readings[:-1].replace("\n", r"\n")
                rows.append(f"{line_id}\t{_USUAL_PLACE}{place}\t{point}\\n{meter}\\n{below}\n")
                said = mpan_core, serial_key, reading_type, status
                last = line_id + 1, line_id + line_count - 1, said
                line_id += line_count
                continue
            if last:
                self._leave_open(*last)
                last = None
            singles = [line]
            if readings:
                singles = [
                    f"{point_code}|{mpan}|{status}{more}",
                    f"{meter_code}|{serial}|{reading_type}{more_of_meter}",
                    *readings[:-1].split("\n"),
                ]
            for single in singles:
                rows.append(f"{line_id}\t{self._place(line_id, single)}\t{single}\n")
                line_id += 1
        if last:
            self._leave_open(*last)
        return "".join(rows)

    def _leave_open(self, meter_id: int, reading_id: int, said: _Said) -> None:
        """Remember the lines of a usual meter point, as if they had come one by one."""
        mpan_core, *_, status = said
        ids = (meter_id - 1, meter_id, reading_id)
        starts = [*map(_start, self._plan.usual_codes)]
        self._open = dict(zip(starts, ids, strict=True))
        by_line = ((mpan_core, "", "", status), said, said)
        self._said = dict(zip(starts, by_line, strict=True))
        self._places.clear()

    def _place(self, line_id: int, line: str) -> str:
        start = line[:4]
        place = self._places.get(start) or _ENVELOPE.get(start) or self._find_place(start, line)
        if start in self._plan.parents:
            self._open[start] = line_id
        return place

    def _find_place(self, start: str, line: str) -> str:
        group = self._plan.groups.get(start)
        if group is None:
            self._close_behind_unknown(line)
            return _PLACE_OF_UNKNOWN
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
        for start in self._plan.parents:
            if not code or _differ_by_one(code, start[:3]):
                self._close((start, *self._plan.groups[start].closes))
                return


def is_usual(place: str) -> bool:
    """Tell whether a row holds a usual meter point, by its place."""
    return place.partition("\t")[2].startswith(_USUAL_PLACE)


def text(place: str, payload: str) -> str:
    """Return the lines of a row, by its place and what it holds, as they were sent, LF between."""
    if not is_usual(place):
        return payload
    # By a maximum and partition, since reconcile also asks of what somebody has changed.
    *_, mpan_core, serial_key, reading_type, status = place.split("\t", 6)
    meter_point, _, below = payload.partition("\n")
    meter, _, readings = below.partition("\n")
    if "|" not in meter_point:
        meter_point = f"{meter_point}|{mpan_core}|{status}|"
    if "|" not in meter:
        meter = f"{meter}|{serial_key}|{reading_type}|"
    return f"{meter_point}\n{meter}\n{readings}"


def places(place: str, text: str) -> Sequence[str]:
    """Return the place of each line of a row, by that of the row and the lines, LF between."""
    if not is_usual(place):
        return [place]
    first_id, _, _, said = place.split("\t", 3)
    mpan_core, status = said.partition("\t")[0], said.rpartition("\t")[2]
    point_id = int(first_id)
    meter_id = point_id + 1
    return [
        f"{point_id}\t{_NULL}\tmeter_point\t{mpan_core}\t\t\t{status}",
        f"{meter_id}\t{point_id}\tmeter\t{said}",
        *(
            f"{meter_id + number}\t{meter_id}\treading\t{said}"
            for number in range(1, text.count("\n"))
        ),
    ]


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
