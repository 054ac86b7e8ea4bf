"""torch.compile: kernels that are generated for the graph. Torch keeps them in its own cache, by content."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from bench.latency.runtimes.exporting import refused_in_words
from bench.latency.scope import Run, Scoped, make_images
from bench.settings.latency import LatencySetting

_MANY = 1000
"""Graphs that one process may compile; beyond its own limit of eight torch would refuse the next one."""


def prepare(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """Compiled at once, for the setting's one shape of image, and as a whole: torch would run in eager, without a
    word, what it cannot compile."""
    from torch._dynamo import config as dynamo
    from torch._inductor import config as inductor

    if setting.device == "cpu":
        inductor.compile_threads = 1  # in this process: none beside it that a timed pass would meet
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # warns that a CPU machine has no GPU
    torch.compiler.assume_constant_result(torch.amp.is_autocast_available)  # type: ignore[no-untyped-call]  # torch 2.11 cannot trace it
    compiled: Run = torch.compile(graph, dynamic=False, fullgraph=True)
    with refused_in_words(setting), torch.inference_mode(), dynamo.patch(recompile_limit=_MANY):
        compiled(make_images(setting).to(setting.device))
    return compiled


def prepare_logits(graph: Scoped, setting: LatencySetting, exported: Path) -> Run:
    """The graph without the arg-max, compiled likewise: for the check alone."""
    return prepare(Scoped(graph.net, "resize").eval(), setting, exported)
