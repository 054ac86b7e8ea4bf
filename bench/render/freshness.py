"""Do the pages in reports/ follow from the records in results/? Rendered again and compared."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

_BINARY = (".png", ".parquet")
"""Bytes differ with the versions of libraries; their twins, SVG and CSV, are compared instead."""
_LOCAL = (".parquet",)
"""Need not be there: what git ignores."""
_DRAWING = re.compile(r'\s*(<path d="|[MLQC] |<use |<text |<g transform=")')
"""A line of an SVG that says where ink goes; its numbers stand in the tables too, compared to the byte."""
_COORDINATE = re.compile(r"-?\d+\.\d{3,}(?![^<>]*<)")
"""Not of the text that is shown, which ends in a tag."""
_EXAMPLES = '<script type="application/json" id="examples">'
"""A line of a page: pictures of predictions are not committed, so the page may hold them or not."""
_HAIR = 0.05
"""Points. Labels find their places in many small steps, and processors round the last digit of each differently:
measured, 0.004 points between two of them."""


Write = Callable[[Path], Path]
"""Renders a report below a folder of reports; returns its page."""


def stale_files(write: Write, reports_dir: Path) -> list[str]:
    """What is wrong with a report, a line a file; empty: it follows from the records.

    Args:
        write: renders it anew.

    Raises:
        UserError: the temporary folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        fresh = write(Path(scratch)).parent
        committed = reports_dir / fresh.relative_to(scratch)
        found = [_fault(path, committed / path.name) for path in sorted(fresh.iterdir())]
    return [fault for fault in found if fault]


def _fault(fresh: Path, committed: Path) -> str:
    if not committed.is_file():
        return "" if fresh.suffix in _LOCAL else f"{committed} is missing"
    if fresh.suffix in _BINARY:
        return ""
    lines = zip_longest(*(path.read_text(encoding="utf-8").splitlines() for path in (fresh, committed)))
    first = next((number for number, (ours, theirs) in enumerate(lines, start=1) if not _same(ours, theirs)), None)
    return f"{committed}:{first} is not what the records give" if first else ""


def _same(ours: str | None, theirs: str | None) -> bool:
    """Equal; of a drawing, as good as equal to the eye."""
    if ours == theirs or (ours and theirs and ours.startswith(_EXAMPLES) and theirs.startswith(_EXAMPLES)):
        return True
    if ours is None or theirs is None or not (_DRAWING.match(ours) and _DRAWING.match(theirs)):
        return False
    if _COORDINATE.sub("", ours) != _COORDINATE.sub("", theirs):
        return False
    pairs = zip(*(map(float, _COORDINATE.findall(line)) for line in (ours, theirs)), strict=True)
    return all(abs(a - b) <= _HAIR for a, b in pairs)
