"""How much memory a process may still take: of the machine, and of the container that it runs in."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
"""Of version 2 (the Linux kernel's `cgroup-v2.rst`, "Memory Interface Files"); inside a container its root is the
container's own."""


def free_memory(cgroup: Path = _CGROUP) -> int:
    """Bytes. Pages of files that were not used lately count as free, as the machine's own figure has them."""
    free = int(psutil.virtual_memory().available)
    try:
        most, used = ((cgroup / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        return min(free, max(0, int(most) - int(used) + int(stat["inactive_file"])))
    except (OSError, ValueError, KeyError):  # no such accounts, or "max": no limit
        return free
