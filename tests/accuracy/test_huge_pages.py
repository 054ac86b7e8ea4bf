"""Memory of a training: kept by the process, in huge pages where the system has them, and never beyond a limit."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bench.accuracy.huge_pages import is_limited

MODES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ON_REQUEST = MODES.is_file() and "[madvise]" in MODES.read_text()
MIB = 64
ALLOCATE = f"""
import psutil, resource, torch
from pathlib import Path
from bench.accuracy.huge_pages import use_huge_pages

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def huge():
    path = Path("/proc/self/smaps_rollup")
    lines = path.read_text().splitlines() if path.exists() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))
def reserved():
    return psutil.Process().memory_info().vms
before, address_space = huge(), reserved()
SET_UP
set_aside = reserved() - address_space
torch.zeros({MIB} * 2**18)  # glibc's own way takes it from the system, page by page
held = torch.zeros({MIB} * 2**18)
more = faults()
del held
torch.zeros({MIB} * 2**18)
print(faults() - more, (huge() - before) // 1024, set_aside // 2**20)
"""


def allocated(set_up: str) -> tuple[int, int, int]:
    """Page faults of a block as large as one freed before, MiB in huge pages, and MiB that the set-up set aside."""
    code = ALLOCATE.replace("SET_UP", set_up)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    faults, huge, set_aside = map(int, done.stdout.split())
    return faults, huge, set_aside


@pytest.mark.slow
def test_what_is_freed_is_used_again_without_asking_the_system() -> None:
    """With glibc, and where nothing limits the heap; elsewhere nothing changes."""
    faults, huge, set_aside = allocated("use_huge_pages()")
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc" or is_limited():
        assert set_aside < MIB
        return
    assert faults < 100
    as_usual, none, _ = allocated("")
    assert faults <= as_usual
    if ON_REQUEST and set_aside > 1000:
        assert huge >= MIB
        assert as_usual > 10_000
        assert none < MIB


@pytest.mark.slow
def test_under_a_limit_of_memory_nothing_is_set_aside() -> None:
    limit = "resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))"
    _, huge, set_aside = allocated(f"{limit}; use_huge_pages()")
    assert set_aside < MIB
    if ON_REQUEST:
        assert huge < MIB
