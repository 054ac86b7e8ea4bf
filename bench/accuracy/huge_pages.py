"""Memory of a training in huge pages, which the processor finds faster and the system hands out at once.

A step allocates its activations and frees them again. By default glibc takes each large block anew from the system,
4 KiB by 4 KiB; kept in one heap of huge pages, the steps of a light network on a CPU are a tenth shorter.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from pathlib import Path

import psutil

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Numbers of glibc's `mallopt`: from which size on the heap's free end goes back; how many blocks may lie elsewhere."""
_NEVER, _NONE = -1, 0
_OVERCOMMIT, _STRICT = Path("/proc/sys/vm/overcommit_memory"), "2"
_HUGE_PAGE, _BLOCK = 2**21, 2**30
_SHARE = 0.5
"""Of the memory that is free now, which the heap may take in huge pages; beyond, it goes on in small ones."""


def use_huge_pages() -> None:
    """Let this process keep the memory that it frees, in huge pages where the system has them.

    For a process that trains on the CPU and then ends: until then its heap never shrinks. It takes Linux with glibc,
    and gains most where transparent huge pages are set to `madvise`, as most distributions have them.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc" or is_limited():
        return
    libc = _glibc()
    libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    libc.mallopt(_MMAP_MAX, _NONE)
    blocks = [libc.malloc(_BLOCK) for _ in range(int(_SHARE * psutil.virtual_memory().available) // _BLOCK)]
    for block in filter(None, blocks):  # untouched, they take no memory
        libc.madvise(*_inside(block), mmap.MADV_HUGEPAGE)
    for block in filter(None, blocks):
        libc.free(block)  # it stays the end of the heap


def is_limited() -> bool:
    """Whether memory that is set aside counts as if it were used: for this process, or by the system's accounts."""
    import resource  # which Windows lacks

    if _OVERCOMMIT.is_file() and _OVERCOMMIT.read_text().strip() == _STRICT:
        return True
    limits = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return any(limit != resource.RLIM_INFINITY for limit in limits)


def _inside(block: int) -> tuple[int, int]:
    """Address and bytes of the whole huge pages in a block."""
    first = -(-block // _HUGE_PAGE) * _HUGE_PAGE
    return first, (block + _BLOCK - first) // _HUGE_PAGE * _HUGE_PAGE


def _glibc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return libc
