"""Where each line of a flow file stands: its parent, its group, its MPAN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import grammar


MPAN_DIGITS = 13

# A child belongs to the most recent open line of its parent group. A line opens itself and
# closes whatever stood open beneath its group, so nothing attaches to the wrong parent. Only
# groups that have children need to be remembered: most lines are of groups that have none.
_PARENTS = {group.parent for group in grammar.GROUPS.values() if group.parent}
_PLACES = {
    f"{code}|": (
        code,
        group.parent,
        code if code in _PARENTS else None,
        tuple(below for below in grammar.descendants(code) if below in _PARENTS),
    )
    for code, group in grammar.GROUPS.items()
}


class Positions:
    """Gives lines their places; remembers the open line of each group and nothing else."""

    def __init__(self) -> None:
        self._open: dict[str | None, int | None] = dict.fromkeys([*_PARENTS, None])
        self._mpan_core = ""

    def place(
        self, lines: Iterable[str], *, first_id: int
    ) -> Iterator[tuple[int, int | None, str, str, str]]:
        """
        Yield (id, parent id, group code, MPAN, line) for lines of consecutive ids, in order.

        The parent is None at the top and for orphans. The group code is the first field if that
        is three letters or digits, else empty. The MPAN is that of the 026 line in whose tree a
        line stands: 13 digits or empty.
        """
        # This runs once a line, and is all that Python does there.
        find_place = _PLACES.get
        open_ = self._open
        mpan_core = self._mpan_core
        for line_id, line in enumerate(lines, start=first_id):
            place = find_place(line[:4])
            if place is None:
                yield line_id, None, _group_code(line), "", line
                continue
            code, parent, opened, closed = place
            if code == "026":
                self._mpan_core = mpan_core = _mpan_core(line)
            yield line_id, open_[parent], code, mpan_core, line
            if opened:
                open_[opened] = line_id
                for below in closed:
                    open_[below] = None


def _group_code(line: str) -> str:
    code = line[:3]
    is_code = line[3:4] == "|" and code.isascii() and code.isalnum()
    return code if is_code else ""


def _mpan_core(line: str) -> str:
    text = line[4:].partition("|")[0]
    return text if len(text) == MPAN_DIGITS and text.isascii() and text.isdigit() else ""
