"""From a job to a warm network that runs one pass at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from bench.latency.job import Job
from bench.latency.runtimes import prepare_checked
from bench.latency.scope import make_pass, wait_for
from bench.latency.warmup import warm_up
from variants.names import parse_name
from variants.network import build


def prepare_pass(job: Job) -> Callable[[], None]:
    """Build the job's network from random weights, the same in every process, and warm it up.

    Returns:
        One sample, of all passes that the job wants.

    Raises:
        UserError: the runtime is not there, cannot take the network, or gives something else than eager.
        VariantError: the network cannot be built.
    """
    setting = job.setting
    torch.set_num_threads(setting.threads)
    torch.manual_seed(0)
    net = build(parse_name(job.variant), setting.classes).eval()
    ready, _ = prepare_checked(net, setting, Path(job.exported))
    with torch.inference_mode():
        one = make_pass(ready, setting)
    wait = wait_for(setting.device)

    def run(passes: int) -> None:
        with torch.inference_mode():
            for _ in range(passes):
                one()
        wait()

    warm_up(partial(run, 1), brief=True)
    return partial(run, job.passes)
