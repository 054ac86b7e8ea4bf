"""From a job to a warm network that runs one pass at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench.latency.job import Job
from bench.latency.parity import Parity
from bench.latency.runtimes import prepare_checked
from bench.latency.scope import make_pass, wait_for
from bench.latency.warmup import WarmUp, warm_up
from variants.names import parse_name
from variants.network import build


@dataclass(frozen=True)
class PreparedPass:
    """A network that was run until it got no faster. sample: one sample, of all passes that the job wants.

    parity: with eager, of any other runtime.
    """

    sample: Callable[[], None]
    warm: WarmUp
    passes: int
    parity: Parity | None

    def facts(self) -> dict[str, Any]:
        """For the record, as JSON values."""
        return {
            "warmup": self.warm.passes, "settled": self.warm.settled, "sample_s": self.warm.seconds * self.passes,
            "parity": asdict(self.parity) if self.parity else None,
        }  # fmt: skip


def prepare_pass(job: Job) -> PreparedPass:
    """Build the job's network from random weights, the same in every process, and warm it up.

    Raises:
        UserError: the runtime is not there, cannot take the network, or gives something else than eager.
        VariantError: the network cannot be built.
    """
    setting = job.setting
    torch.set_num_threads(setting.threads)
    torch.manual_seed(0)
    net = build(parse_name(job.variant), setting.classes).eval()
    ready, parity = prepare_checked(net, setting, Path(job.exported))
    with torch.inference_mode():
        one = make_pass(ready, setting)
    wait = wait_for(setting.device)

    def run(passes: int) -> None:
        with torch.inference_mode():
            for _ in range(passes):
                one()
        wait()

    return PreparedPass(partial(run, job.passes), warm_up(partial(run, 1)), job.passes, parity)
