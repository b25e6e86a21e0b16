"""
What a flow is: groups of lines, which stand under one another, and the items in them.

What is true of one flow alone stands in a file of its own in `flows/`. Positions count from 1
behind the group code, as `split_part(payload, '|', 1 + position)` does.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence


_LENGTHS = {"BOOLEAN": 1, "DATETIME": len("ccyymmddhhmmss")}

# What a line is that belongs to no group: of the envelope, or of none that is known.
ENVELOPE_KINDS: Mapping[str, str] = {"ZHV": "header", "ZPT": "trailer"}
UNKNOWN_KIND = "unknown"


@dataclasses.dataclass(frozen=True)
class Item:
    """A data item of a group: its J-number, its format as the catalogue writes it."""

    number: str
    name: str
    format: str
    _: dataclasses.KW_ONLY
    is_mandatory: bool = False
    valid_set: frozenset[str] = frozenset()
    since: str = ""  # the first version that has it, if not all do

    @property
    def longest(self) -> int:
        """Return how many characters a value has at most."""
        if self.format in _LENGTHS:
            return _LENGTHS[self.format]
        digits, _, decimals = self.format.partition("(")[2].removesuffix(")").partition(",")
        return int(digits) + bool(decimals)  # its point


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """
    A line type: its code, the group it stands under, and its items in order.

    `kind` is what a line of it is, whatever a flow's code for that: a word of `staged_line`.
    """

    code: str
    kind: str
    name: str
    parent: str | None
    items: tuple[Item, ...]
    is_single: bool = False  # whether there is one at most under its parent


@dataclasses.dataclass(frozen=True, kw_only=True)
class Flow:
    """A flow of the catalogue: its name, the versions that are known, and its groups."""

    name: str
    title: str
    versions: tuple[str, ...]
    groups: tuple[Group, ...]

    @functools.cached_property
    def by_code(self) -> Mapping[str, Group]:
        return {group.code: group for group in self.groups}

    def descendants(self, code: str) -> Sequence[str]:
        """Return the codes of all groups that stand under this one."""
        children = [group.code for group in self.groups if group.parent == code]
        return [*children, *(below for child in children for below in self.descendants(child))]

    def mirrored(
        self, *, name: str, title: str, versions: tuple[str, ...], codes: Mapping[str, str]
    ) -> Flow:
        """Return the flow that is this one item for item, with these codes for those of this."""
        groups = tuple(
            dataclasses.replace(
                group, code=codes[group.code], parent=group.parent and codes[group.parent]
            )
            for group in self.groups
        )
        return Flow(name=name, title=title, versions=versions, groups=groups)
