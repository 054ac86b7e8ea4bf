"""What a container lets its processes take."""

from pathlib import Path

import psutil
import pytest

from bench.system.machine import free_memory

MIB = 2**20


@pytest.mark.parametrize(("most", "free_mib"), [(64, 64 - 40 + 10), (32, 2), (16, 0)])
def test_a_container_counts_what_it_uses_but_for_idle_pages_of_files(tmp_path: Path, most: int, free_mib: int) -> None:
    (tmp_path / "memory.max").write_text(f"{most * MIB}\n")
    (tmp_path / "memory.current").write_text(f"{40 * MIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {30 * MIB}\ninactive_file {10 * MIB}\nactive_file 0\n")
    assert free_memory(tmp_path) == free_mib * MIB


@pytest.mark.parametrize("most", ["max", None])
def test_without_a_limit_the_machine_decides(tmp_path: Path, most: str | None) -> None:
    if most:
        (tmp_path / "memory.max").write_text(most)
        (tmp_path / "memory.current").write_text("0")
        (tmp_path / "memory.stat").write_text("inactive_file 0")
    assert free_memory(tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.2)
