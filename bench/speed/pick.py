"""Time and memory of a pick among synthetic records, record by record and by a pack, each in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.pack.manifest import PACK
from bench.speed.synthetic_records import MACHINE, Likeness, make_results
from bench.storage.atomic_files import scratch_folder

QUERIES: Mapping[str, Sequence[str]] = {
    "least MACs, of all machines": ("--miou", ">=0.65", "--minimise", "gmacs"),
    "best mIoU within a latency, of one machine": ("--latency", "<=30ms", "--machine", MACHINE.format(0)),
}


@dataclass(frozen=True)
class Cost:
    """Of one command in its own process: seconds and the most bytes that were resident. answer: what it printed."""

    seconds: float
    memory: int
    answer: bytes


@dataclass(frozen=True)
class PickTime:
    """One query. plain: by whole records; None: that was left out."""

    query: str
    packed: Cost
    plain: Cost | None

    @property
    def is_equal(self) -> bool | None:
        """Whether both gave the same answer, to the byte; None where there is one alone."""
        return None if self.plain is None else self.plain.answer == self.packed.answer


@dataclass(frozen=True, kw_only=True)
class ScaleTime:
    """Of results of a size: packing them, and each query. sizes in bytes, parquet with the draws over images."""

    records: int
    pack: Cost
    jsonl: int
    parquet: int
    picks: Sequence[PickTime]


def time_scale(like: Likeness, records: int, with_plain: bool, say: Callable[[str], None]) -> ScaleTime:
    """Make results of so many records in a temporary folder, pack them, and pick.

    Raises:
        UserError: a command failed, with its words.
        DiskError: there is no room for temporary files.
    """
    with scratch_folder() as folder:
        results = folder / "results"
        say(f"making {records} synthetic records")
        made = make_results(results, like, records)
        say(f"packing {made} records")
        pack = _run("pack", "--results", str(results))
        picks = []
        for query, arguments in QUERIES.items():
            asked = ["pick", *arguments, "--json", "--results", str(results)]
            say(f"{query}: from the pack")
            packed = _run(*asked, "--packed")
            if with_plain:
                say(f"{query}: from {made} records")
            picks.append(PickTime(query, packed, _run(*asked) if with_plain else None))
        sizes = [
            sum(path.stat().st_size for path in results.glob(of) if path.is_file())
            for of in ("*/*.jsonl", f"{PACK}/*/**/*")
        ]
    return ScaleTime(records=made, pack=pack, jsonl=sizes[0], parquet=sizes[1], picks=picks)


def _run(*arguments: str) -> Cost:
    start = time.perf_counter()
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]  # this bench, from anywhere
    with subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        answer, words = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"`bench {' '.join(arguments)}` ended with {process.returncode}: {words.decode()[-300:]}")
    return Cost(time.perf_counter() - start, usage.ru_maxrss * 1024, answer)
