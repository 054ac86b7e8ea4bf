"""Memory of a training: kept by the process, in huge pages where the system has them, and never beyond a limit."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.accuracy.huge_pages import is_limited

MODES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ON_REQUEST = MODES.is_file() and "[madvise]" in MODES.read_text()
MIB = 64
ALLOCATE = f"""
import resource, torch
from bench.accuracy.huge_pages import use_huge_pages

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def huge():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))
before = huge()
SET_UP
torch.zeros({MIB} * 2**18)  # glibc's own way takes it from the system, page by page
held = torch.zeros({MIB} * 2**18)
more = faults()
del held
torch.zeros({MIB} * 2**18)
print(faults() - more, (huge() - before) // 1024)
"""


def allocated(set_up: str) -> tuple[int, int]:
    """Page faults of a block as large as one that was freed before, and MiB in huge pages."""
    code = ALLOCATE.replace("SET_UP", set_up)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    faults, huge = map(int, done.stdout.split())
    return faults, huge


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.libc_ver()[0] != "glibc" or is_limited()
    or psutil.virtual_memory().available < 3 * 2**30,
    reason="the heap is not glibc's, or limited",
)  # fmt: skip
def test_what_is_freed_is_used_again_without_asking_the_system() -> None:
    faults, huge = allocated("use_huge_pages()")
    assert faults < 100
    if ON_REQUEST:
        assert huge >= MIB
        as_usual, none = allocated("")
        assert as_usual > 10_000
        assert none < MIB


@pytest.mark.skipif(not ON_REQUEST, reason="the system gives huge pages to all or to none")
def test_under_a_limit_of_memory_nothing_is_set_aside() -> None:
    limit = "resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))"
    assert allocated(f"{limit}; use_huge_pages()")[1] < MIB
