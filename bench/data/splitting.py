"""Split images that come without a split: by seed, frames of one sequence kept together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence

from bench.data.splits import Split

GroupOf = Callable[[str], str]


def held_out(names: Iterable[str], share: float, seed: int, group_of: GroupOf = str, leave: int = 1) -> set[str]:
    """About `share` of the names (below 1), at least one group where there are two, chosen by a hash of seed and group.

    A group that would overshoot the share by more than it now lacks is passed over, and so many groups as `leave` says
    stay.

    The choice depends on nothing but the names: not on their order, the machine or a library's random numbers.
    """
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(group_of(name), []).append(name)
    wanted = share * sum(map(len, members.values()))
    chosen: set[str] = set()
    ranked = sorted(members, key=lambda group: _rank(seed, group))
    taken = 0
    for group in ranked:
        if len(chosen) + len(members[group]) / 2 <= wanted and len(members) - taken > leave:
            chosen.update(members[group])
            taken += 1
    if not chosen and share and len(members) > leave:  # all are larger than the share: the smallest
        chosen.update(members[min(ranked, key=lambda group: len(members[group]))])
    return chosen


def seeded_split(names: Sequence[str], val: float, test: float, seed: int, group_of: GroupOf = str) -> dict[str, Split]:
    """A split for each name: test first, so that another share of val leaves the test images what they are."""
    in_test = held_out(names, test, seed, group_of, leave=2)
    rest = [name for name in names if name not in in_test]
    in_val = held_out(rest, val / (1 - test), seed + 1, group_of)
    return {name: "test" if name in in_test else "val" if name in in_val else "train" for name in names}


def grouped_by(pattern: str) -> GroupOf:
    """The group of a name is what the pattern finds in it, its first bracket where it has one; else the name."""
    expression = re.compile(pattern)

    def group_of(name: str) -> str:
        found = expression.search(name)
        return (found.group(1) if found.groups() else found.group()) if found else name

    return group_of


def _rank(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed} {group}".encode()).digest()
