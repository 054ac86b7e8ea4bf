"""A table by name that other packages can add to, through entry points of their installed metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import entry_points
from typing import TypeVar

from variants.errors import VariantError
from variants.suggest import did_you_mean

Entry = TypeVar("Entry")


class Registry(Mapping[str, Entry]):
    """Our own entries, and those that installed packages offer under `group`.

    An entry point names an object of the entry's type. It is loaded when the table is first read; a
    package that cannot be loaded is set aside with its reason, and said when its name is asked for.
    """

    def __init__(self, what: str, plural: str, group: str, entry_type: type[Entry], own: dict[str, Entry]) -> None:
        self.what = what
        self.plural = plural
        self.group = group
        self.entry_type = entry_type
        self.own = own
        self.broken: dict[str, str] = {}
        self.fault_of: Callable[[str, Entry], str] = lambda name, entry: ""
        """Says why an entry from elsewhere cannot be taken; "" where it can."""

    def names(self) -> tuple[str, ...]:
        """All names, ours first."""
        return tuple(self._all)

    def __contains__(self, name: object) -> bool:
        return name in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            VariantError: unknown, or its package cannot be loaded.
        """
        if name in self._all:
            return self._all[name]
        if name in self.broken:
            raise VariantError(f"{self.what} {name!r} comes from a package that fails: {self.broken[name]}")
        known = ", ".join(self._all)
        hint = did_you_mean(name, self._all)
        raise VariantError(f"{self.what} {name!r} is not one of {known}.{hint} `bench list {self.plural}` shows them.")

    @cached_property
    def _all(self) -> dict[str, Entry]:
        found = dict(self.own)
        for point in entry_points(group=self.group):
            reason = f"there is one of that name in {self.group} already" if point.name in found else ""
            try:
                entry = point.load()
                if not isinstance(entry, self.entry_type):
                    reason = f"{point.value} is not a {self.entry_type.__name__}"
                reason = reason or self.fault_of(point.name, entry)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever a package from outside raises while it loads, sys.exit() too
                reason = f"{point.value}: {type(error).__name__}: {error}"
            if reason:
                self.broken[point.name] = reason
            else:
                found[point.name] = entry
        return found
