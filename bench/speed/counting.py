"""Our counter against fvcore and ptflops, in turns, and how long a space of ten thousand variants takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from statistics import median

from bench.cost.batch import count_specs
from bench.errors import UserError
from bench.speed.counting_worker import COUNTERS, SpeedRequest, SpeedRun
from variants.backbones import BACKBONES
from variants.backbones.families import FAMILIES
from variants.space import expand
from variants.spec import VariantSpec

AXES = {
    "backbone": [*FAMILIES, *list(BACKBONES)[:1]],
    "fused_stages": [[1, 2, 3, 4], [2, 3, 4], [3, 4], [4]],
    "context": ["none", "nonlocal", "dnl", "channel", "cbam", "ppm", "aspp", "linear"],
    "target_stride": [16, 32],
    "unify": ["avg", "max"],
    "fuse": ["concat", "gated"],
    "module_width": [64, 128],
    "reenter": ["top", "every"],
    "decoder_width": [64],
    "head": ["sum", "plain"],
    "head_width": [32],
}
"""A space of over ten thousand variants, on every family of backbones."""


@dataclass(frozen=True)
class Race:
    """Runs by counter, one a round; a round's runs were made one after the other."""

    runs: dict[str, list[SpeedRun]]

    def ratios(self, peer: str) -> list[float]:
        """How many times as long the peer took, round by round."""
        return [theirs.seconds / ours.seconds for theirs, ours in zip(self.runs[peer], self.runs["bench"], strict=True)]

    def median_seconds(self, counter: str) -> float:
        return median(run.seconds for run in self.runs[counter])


def race(
    variant: str, size: tuple[int, int], classes: int, threads: int, rounds: int, on_round: Callable[[int], None]
) -> Race:
    """Let the counters count one variant in turns, each in a process of its own that has warmed up.

    Raises:
        UserError: a counter ended before it counted.
    """
    runs: dict[str, list[SpeedRun]] = {counter: [] for counter in COUNTERS}
    with ExitStack() as stack:
        width, height = size
        counters = {}
        for counter in COUNTERS:
            request = SpeedRequest(
                counter=counter, variant=variant, width=width, height=height, classes=classes, threads=threads
            )
            counters[counter] = stack.enter_context(_counting(request))
        for number in range(rounds):
            for counter, count in counters.items():
                runs[counter].append(count())
            on_round(number + 1)
    return Race(runs)


@contextmanager
def _counting(request: SpeedRequest) -> Iterator[Callable[[], SpeedRun]]:
    command = [sys.executable, "-m", "bench.speed.counting_worker", json.dumps(asdict(request))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers, orders = process.stdout, process.stdin

        def answer() -> str:
            line = answers.readline()
            if not line:
                raise UserError(f"{request.counter} ended without counting {request.variant} (exit {process.wait()}).")
            return line

        def count() -> SpeedRun:
            orders.write("\n")
            orders.flush()
            return SpeedRun(**json.loads(answer()))

        try:
            answer()
            yield count
        finally:
            process.kill()


@dataclass(frozen=True, kw_only=True)
class SpaceTime:
    """Seconds to expand a space and to count it on some processes."""

    variants: int
    expand_seconds: float
    count_seconds: float
    workers: int


def time_space(
    variants: int, size: tuple[int, int], classes: int, workers: int, on_variant: Callable[[], None]
) -> SpaceTime:
    """Expand the large space, take so many variants of it, spread over all of it, and count them.

    Raises:
        UserError: one cannot be counted.
    """
    start = time.perf_counter()
    specs = _spread(expand(AXES).specs, variants)
    expanded = time.perf_counter()
    for one in count_specs(specs, classes, size, workers):
        if one.cost is None:
            raise UserError(f"{one.spec.name} cannot be counted: {one.reason}")
        on_variant()
    return SpaceTime(
        variants=len(specs),
        expand_seconds=expanded - start,
        count_seconds=time.perf_counter() - expanded,
        workers=workers,
    )


def _spread(specs: tuple[VariantSpec, ...], count: int) -> list[VariantSpec]:
    """`count` of them at even distances, so that every backbone is among them."""
    taken = min(count, len(specs))
    return [specs[i * len(specs) // taken] for i in range(taken)]
