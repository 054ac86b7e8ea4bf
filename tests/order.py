"""The order of the tests on several processes: files with slow tests first, so that no long test is left for the end.

`--dist worksteal` gives every process a run of the list, as many tests each, and who is done takes from the end of
another's. So the slow files are dealt to the starts of those runs; of a file the tests stay together, for what they
share.
"""

from __future__ import annotations

import os
from collections import defaultdict

import pytest

_LONG = ("slow", "browser", "cluster")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On one process the order stays."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        items[:] = dealt(items, processes)


def dealt(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """The same tests, in as many runs of one length, each with its share of the slow files first."""
    files: dict[object, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    slow = sorted((file for file in files.values() if _long_tests(file)), key=_long_tests, reverse=True)
    runs = [[item for file in slow[i::processes] for item in file] for i in range(processes)]
    others = iter([item for file in files.values() if not _long_tests(file) for item in file])
    for done, run in enumerate(runs, start=1):
        end = done * len(items) // processes - (done - 1) * len(items) // processes
        run.extend(item for _, item in zip(range(end - len(run)), others, strict=False))
    runs[-1].extend(others)
    return [item for run in runs for item in run]


def _long_tests(file: list[pytest.Item]) -> int:
    return sum(any(item.get_closest_marker(mark) for mark in _LONG) for item in file)
