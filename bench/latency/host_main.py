"""The script of a host process: loads torch and the code of one checkout once, then forks a process a measurement.

Run as `python host_main.py ROOT`, by path: the clock is that of the bench which runs it, the networks are those of the
project at ROOT, whatever both are called; its packages lie in ROOT or in ROOT/src. Speaks lines of JSON on stdin and
stdout.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_OUR_BENCH = Path(__file__).resolve().parents[1]


def main(root: Path) -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    _import_from(root)
    from bench.latency.host import serve

    serve(answers, root)


def _import_from(root: Path) -> None:
    """Our own bench, and everything else from the checkout first."""
    ours = str(Path(__file__).resolve().parent)  # Python puts a script's folder first, unless PYTHONSAFEPATH is set
    sys.path[:] = [str(folder) for folder in (root, root / "src") if folder.is_dir()] + [
        entry for entry in sys.path if entry != ours
    ]
    spec = importlib.util.spec_from_file_location(
        "bench", _OUR_BENCH / "__init__.py", submodule_search_locations=[str(_OUR_BENCH)]
    )
    assert spec is not None
    sys.modules["bench"] = importlib.util.module_from_spec(spec)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
