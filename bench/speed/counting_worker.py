"""One counter in a process of its own, which counts once for each line that it is sent.

Run as `python -m bench.speed.counting_worker REQUEST`, a JSON object of `SpeedRequest`'s fields. Prints a JSON object
of `SpeedRun`'s fields for each line read, after an empty one when it is ready.
"""

from __future__ import annotations

import io
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import torch
from torch import nn

from variants.names import parse_name
from variants.network import build

COUNTERS = ("bench", "fvcore", "ptflops")
_WARM_UP_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class SpeedRequest:
    """Which counter counts which variant; sizes in pixels."""

    counter: str
    variant: str
    width: int
    height: int
    classes: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class SpeedRun:
    """One count: seconds, what it counted, and the process's memory in bytes.

    resident: the most that the process held so far, libraries and network included. added: above what it held before
    the first count.
    """

    seconds: float
    counted: int
    resident: int
    added: int


def make_counter(request: SpeedRequest) -> Callable[[int, int], int]:
    """Build the network, as shapes for our counter and for real for the others; returns (width, height) -> MACs."""
    spec = parse_name(request.variant)
    if request.counter == "bench":
        from bench.cost.count import count_cost

        with torch.device("meta"):
            shapes = build(spec, request.classes).eval()
        return lambda width, height: count_cost(shapes, width, height).total.macs
    net = build(spec, request.classes).eval()
    if request.counter == "fvcore":
        return lambda width, height: _fvcore(net, width, height)
    return lambda width, height: _ptflops(net, width, height)


def _fvcore(net: nn.Module, width: int, height: int) -> int:
    from fvcore.nn import FlopCountAnalysis

    with torch.no_grad():
        return int(FlopCountAnalysis(net, torch.zeros(1, 3, height, width)).unsupported_ops_warnings(False).total())


def _ptflops(net: nn.Module, width: int, height: int) -> int:
    from ptflops import get_model_complexity_info

    with torch.no_grad():
        counted, _ = get_model_complexity_info(
            net, (3, height, width), as_strings=False, print_per_layer_stat=False, ost=io.StringIO(), backend="aten"
        )
    return int(counted)


def _serve(request: SpeedRequest) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(request.threads)
    count = make_counter(request)
    count(_WARM_UP_SIDE, _WARM_UP_SIDE)
    before = psutil.Process().memory_info().rss
    _say("")
    for _ in sys.stdin:
        start = time.perf_counter()
        counted = count(request.width, request.height)
        seconds = time.perf_counter() - start
        resident = _highest_resident()
        run = SpeedRun(seconds=seconds, counted=counted, resident=resident, added=max(0, resident - before))
        _say(json.dumps(asdict(run)))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _highest_resident() -> int:
    """Linux' own figure where there is one, else what is resident now."""
    status = Path("/proc/self/status")
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines()) if status.is_file() else {}
    return int(lines["VmHWM"].split()[0]) * 1024 if "VmHWM" in lines else psutil.Process().memory_info().rss


if __name__ == "__main__":
    _serve(SpeedRequest(**json.loads(sys.argv[1])))
