"""Do the pages in reports/ follow from the records in results/? Rendered again and compared."""

from __future__ import annotations

import tempfile
from itertools import zip_longest
from pathlib import Path

from bench.judge.study import Study
from bench.render.report import write_report

_BINARY = (".png", ".parquet")
"""Bytes differ with the versions of libraries; their twins, SVG and CSV, are compared instead."""
_LOCAL = (".parquet",)
"""Need not be there: what git ignores."""


def stale_files(study: Study, reports_dir: Path) -> list[str]:
    """What is wrong with the report of a study, a line a file; empty: it follows from the records.

    Raises:
        UserError: the temporary folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        fresh = write_report(study, Path(folder)).parent
        found = [_fault(path, reports_dir / study.name / path.name) for path in sorted(fresh.iterdir())]
    return [fault for fault in found if fault]


def _fault(fresh: Path, committed: Path) -> str:
    if not committed.is_file():
        return "" if fresh.suffix in _LOCAL else f"{committed} is missing"
    if fresh.suffix in _BINARY:
        return ""
    lines = zip_longest(*(path.read_text(encoding="utf-8").splitlines() for path in (fresh, committed)))
    first = next((number for number, (ours, theirs) in enumerate(lines, start=1) if ours != theirs), None)
    return f"{committed}:{first} is not what the records give" if first else ""
