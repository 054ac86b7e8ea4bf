"""What is kept of the steps: which are done, what their commands printed, and all of it as one archive."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gpu_records.steps import Step
from bench.storage.atomic_files import replacing

ARCHIVE, LOG = "gpu-records.tar.gz", "gpu-records.log"
"""Files in the folder of `--out`."""
_NOT_COMMITTED = {"weights", "predictions"}


@dataclass(frozen=True)
class Done:
    """The steps that are done on this machine, in a file.

    Attributes:
        path: of the file.
    """

    path: Path

    def find(self, step: Step) -> dict[str, Any] | None:
        """Return what is known of a step that is done; None where it is not, or its result is gone."""
        known: dict[str, Any] | None = self._read().get(step.name)
        return known if known is not None and step.result.is_file() else None

    def add(self, step: Step, **facts: Any) -> None:
        """Remember that a step is done."""
        self._write(self._read() | {step.name: facts})

    def forget(self, step: Step) -> None:
        """Take a step for not done."""
        steps = self._read()
        if steps.pop(step.name, None) is not None:
            self._write(steps)

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.path.is_file():
            return {}
        steps: dict[str, dict[str, Any]] = json.loads(self.path.read_text(encoding="utf-8"))["steps"]
        return steps

    def _write(self, steps: dict[str, dict[str, Any]]) -> None:
        with replacing(self.path) as new:
            new.write_text(json.dumps({"schema_version": 1, "steps": steps}, indent=1) + "\n", encoding="utf-8")


def pack(results: Path, sweeps: Sequence[str], archive: Path) -> None:
    """Put what is committed of some sweeps into one archive; its paths begin with `results/`.

    Raises:
        DiskError: it cannot be written; the archive before it is whole.
    """
    with replacing(archive) as new, tarfile.open(new, "w:gz") as tar:
        for sweep in sweeps:
            for path in _files(results / sweep):
                tar.add(path, str(Path("results") / path.relative_to(results)))


def _files(sweep: Path) -> Iterator[Path]:
    for path in sorted(sweep.rglob("*")):
        kind = path.relative_to(sweep).parts[0]
        if path.is_file() and kind not in _NOT_COMMITTED and path.suffix != ".new":
            yield path
