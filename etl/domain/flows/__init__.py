"""
The flows that are known, one file each: to add one is to add its file.

Lines of one kind have the same items in all of them, so files of several flows are judged and
stored together, by the same statements.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any

from etl.domain import grammar


KNOWN: Mapping[str, grammar.Flow] = {
    flow.name: flow
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__))
    for flow in [importlib.import_module(f"{__name__}.{module}").FLOW]
}
GROUPS: Mapping[str, grammar.Group] = {
    group.kind: group for flow in KNOWN.values() for group in flow.groups
}

_UNKNOWN = grammar.Flow(name="", title="", versions=(), groups=())
_BY_HEADER = {
    f"{flow.name}{version}": flow for flow in KNOWN.values() for version in flow.versions
}


def of(flow_and_version: str) -> grammar.Flow:
    """Return the flow that a header names (J0937); one without groups if it is not known."""
    return _BY_HEADER.get(flow_and_version, _UNKNOWN)


def in_words() -> str:
    """Tell which flows of which versions are known."""
    return ", ".join(
        f"{flow.name} of version {' or '.join(flow.versions)}" for flow in KNOWN.values()
    )


def parameters(named: Mapping[int, str]) -> Mapping[str, Any]:
    """
    Return what the SQL is told of groups and items, for files by their ids.

    Given is what the header of each names. For each item its J-number follows its field in a
    line, its length, its valid set, and the files whose version does not have it.
    """
    without = {
        f"ids_without_{item.number}": [
            flow_file_id for flow_file_id, flow in named.items() if flow[-3:] < item.since
        ]
        for item in _items().values()
        if item.since
    }
    return {**_constants(), **without}


@functools.cache
def _constants() -> Mapping[str, Any]:
    positions = [
        (kind, item, position)
        for kind, group in GROUPS.items()
        for position, item in enumerate(group.items, start=1)
    ]
    return {
        "item_kinds": [kind for kind, _, _ in positions],
        "item_numbers": [item.number for _, item, _ in positions],
        "item_names": [item.name for _, item, _ in positions],
        "item_positions": [position for _, _, position in positions],
        **{f"items_of_{kind}": len(group.items) for kind, group in GROUPS.items()},
        **{f"field_{item.number}": 1 + position for _, item, position in positions},
        **{f"longest_{item.number}": item.longest for _, item, _ in positions},
        **{f"codes_{item.number}": sorted(item.valid_set) for _, item, _ in positions},
    }


def _items() -> Mapping[str, grammar.Item]:
    groups: Sequence[grammar.Group] = [*GROUPS.values()]
    return {item.number: item for group in groups for item in group.items}
