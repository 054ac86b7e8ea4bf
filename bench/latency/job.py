"""What a child of a host has to run. Imports no torch."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.settings.latency import LatencySetting

GO, END = "go", "end"
"""Lines that a child of a host is told: to take a sample, and to end."""
OUTSIDE_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
"""By which a process is ended from outside; an error of its own ends it by others."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One network under one setting.

    exported: path without suffix, below which an exported graph is kept. passes: in one sample.
    """

    variant: str
    setting: LatencySetting
    exported: str
    passes: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back."""
        return asdict(self) | {"setting": self.setting.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Job:
        """What `to_json` gave."""
        return Job(
            variant=data["variant"],
            setting=LatencySetting.from_json(data["setting"]),
            exported=data["exported"],
            passes=data["passes"],
        )
