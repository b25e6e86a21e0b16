"""Where each line of a flow file stands: its parent, its group, its MPAN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import grammar


_MPAN_DIGITS = 13

# A child belongs to the most recent open line of its parent group. A line opens itself and
# closes whatever stood open beneath its group, so nothing attaches to the wrong parent. Only
# groups that have children need to be remembered, from the top: most lines are of groups that
# have none.
_PARENTS = tuple(code for code in grammar.GROUPS if grammar.descendants(code))
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
                group_code = _group_code(line)
                for closed_group in _closed_by_unknown(group_code):
                    open_[closed_group] = None
                    if closed_group == "026":
                        self._mpan_core = mpan_core = ""
                yield line_id, None, group_code, "", line
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


def _closed_by_unknown(group_code: str) -> tuple[str, ...]:
    """
    Return the groups to close behind a line of no known group, which may be damaged.

    Without a code it may have been any line. With one it may have been a line of each group that
    is one character away, and does what the topmost of these would have done: what follows is
    better an orphan than under a wrong meter point. Any other code leaves its siblings alone.
    """
    if not group_code:
        return _PARENTS
    for code in _PARENTS:
        if sum(one != other for one, other in zip(code, group_code, strict=True)) == 1:
            return code, *(below for below in grammar.descendants(code) if below in _PARENTS)
    return ()


def _mpan_core(line: str) -> str:
    text = line[4:].partition("|")[0]
    return text if len(text) == _MPAN_DIGITS and text.isascii() and text.isdigit() else ""
