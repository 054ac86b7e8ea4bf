"""What a pre-processing step costs: alone, and inside a pass from an image in main memory to its class map.

The step, the network and both together run in lock-step in one process: in each cycle each once, in shuffled order, so
that a spell of noise hits all alike. What is paired is robust; the times themselves are those of one process, and
another one may differ by some per cent (`bench.latency.clock`).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import torch
from scipy.stats import binom
from torch import Tensor

from bench.accuracy.predict import predict
from bench.adapt.steps import Picture, Step
from bench.adapt.torch_threads import torch_threads
from bench.analysis.latency_quality import Doubt, doubts_of
from bench.errors import UserError
from bench.latency.conditions import Conditions, Watch
from bench.latency.runtimes import prepare_checked
from bench.latency.scope import CLASS_TYPE, Run, memory_format, wait_for
from bench.latency.warmup import WarmUp, warm_up
from bench.settings.evaluation import Evaluation
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import Scope
from bench.stats.interval import Interval
from variants.network import Network

PASSES = 64
"""Of each side, unless more are asked for."""
SCOPE: Scope = "transfer"
_FEWEST = 9
"""Cycles, however long they take: the least of which a median's interval is narrower than all of them."""


@dataclass(frozen=True, kw_only=True)
class StepLatency:
    """One step beside the network, in milliseconds; the three lists belong together cycle by cycle.

    step_ms: the step alone. network_ms: the image in main memory to the class map in main memory. with_step_ms: the
    same with the step before it. warm: of the three, in this order.
    """

    step: str
    setting: LatencySetting
    step_ms: tuple[float, ...]
    network_ms: tuple[float, ...]
    with_step_ms: tuple[float, ...]
    warm: tuple[WarmUp, WarmUp, WarmUp]
    conditions: Conditions

    @property
    def added_ms(self) -> tuple[float, ...]:
        """What the step adds to a pass, cycle by cycle."""
        return tuple(with_it - alone for with_it, alone in zip(self.with_step_ms, self.network_ms, strict=True))

    @property
    def added(self) -> Interval:
        """Median of `added_ms`, with its 95 % interval."""
        return median_interval(self.added_ms)

    @property
    def ratio(self) -> float:
        """Time with the step over time without: median of the ratios of each cycle."""
        return median(with_it / alone for with_it, alone in zip(self.with_step_ms, self.network_ms, strict=True))

    @property
    def doubts(self) -> list[Doubt]:
        """Why the times may be wrong: what other processes took meanwhile, a clock that fell, drift."""
        facts = {
            "samples_ms": self.network_ms,
            "conditions": self.conditions.to_json(),
            "warmup": {"settled": all(warm.settled for warm in self.warm)},
        }
        return doubts_of(facts)

    def to_json(self) -> dict[str, Any]:
        """Raw samples, with their medians and quartiles."""
        sides = {
            "step_ms": self.step_ms,
            "network_ms": self.network_ms,
            "with_step_ms": self.with_step_ms,
            "added_ms": self.added_ms,
        }
        return {
            "step": self.step,
            "setting": self.setting.to_json(),
            "label": str(self.setting),
            "ratio": self.ratio,
            "added": asdict(self.added),
            "warmup": [asdict(warm) for warm in self.warm],
            "conditions": self.conditions.to_json(),
            "doubts": [{"kind": one.kind, "size": one.size, "words": one.words} for one in self.doubts],
            **{side: spread(ms) | {"samples": [round(one, 4) for one in ms]} for side, ms in sides.items()},
        }


def spread(samples: tuple[float, ...]) -> dict[str, float]:
    """Median and quartiles."""
    low, middle, high = quantiles(samples, n=4, method="inclusive")
    return {"median": middle, "low": low, "high": high}


def median_interval(samples: Sequence[float]) -> Interval:
    """A median with its 95 % interval by order statistics, which holds for any distribution.

    The number of samples below the true median is binomial with 1/2 (Conover 1999, Practical Nonparametric Statistics).
    """
    ordered, count = sorted(samples), len(samples)
    low = max(0, int(binom.ppf(0.025, count, 0.5)) - 1)
    return Interval(median(ordered), ordered[low], ordered[count - 1 - low])


def time_steps(
    steps: Mapping[str, Step],
    net: Network,
    image: Picture,
    setting: LatencySetting,
    passes: int = PASSES,
    seed: int = 0,
    on_step: Callable[[int], None] = lambda done: None,
    scales: Mapping[str, float] | None = None,
    most_seconds: float = math.inf,
) -> list[StepLatency]:
    """Time steps and the network on one image.

    Args:
        steps: by name, as `fit_step` gives them.
        net: in float32 on the CPU; it is moved as the setting says.
        image: (H, W, 3), of the setting's size.
        setting: of scope `transfer` with one image a pass; its threads hold for the steps too.
        passes: of each side that are timed.
        on_step: called with the number of steps done.
        scales: by name of a step, of the image for the network after it, where that is not 1; the pass with the step
            then holds both resizings, as `predict` has them.
        most_seconds: after which a step's cycles end, but no fewer than nine.

    Raises:
        UserError: another scope, batch or size; a runtime that is not there or cannot take the network, or gives no
            logits to resize.
    """
    scales = scales or {}
    _check(image, setting, scales)
    with TemporaryDirectory(prefix="bench-") as folder, torch_threads(setting.threads):
        run, _ = prepare_checked(net.eval(), setting, Path(folder) / "graph")
        chance = random.Random(seed)  # noqa: S311 - no secret
        found = []
        for name, step in steps.items():
            scaled = _at_scale(net, scales[name]) if name in scales else run
            sides = _sides(step, run, scaled=scaled, image=image, setting=setting)
            found.append(
                _time_step(name, sides, setting=setting, passes=passes, chance=chance, most_seconds=most_seconds)
            )
            on_step(len(found))
    return found


def _time_step(
    name: str,
    sides: Sequence[Callable[[], object]],
    setting: LatencySetting,
    passes: int,
    chance: random.Random,
    most_seconds: float,
) -> StepLatency:
    warm = (warm_up(sides[0]), warm_up(sides[1]), warm_up(sides[2]))
    watch = Watch(setting.device)
    times: tuple[list[float], ...] = ([], [], [])
    end = time.perf_counter() + most_seconds
    for cycle in range(passes):
        if cycle >= _FEWEST and time.perf_counter() > end:
            break
        for side in chance.sample(range(3), 3):
            times[side].append(_milliseconds(sides[side]))
    alone, network, both = map(tuple, times)
    return StepLatency(
        step=name,
        setting=setting,
        step_ms=alone,
        network_ms=network,
        with_step_ms=both,
        warm=warm,
        conditions=watch.stop(),
    )


def _check(image: Picture, setting: LatencySetting, scales: Mapping[str, float]) -> None:
    height, width = image.shape[:2]
    if setting.scope != SCOPE or setting.batch != 1:
        raise UserError(
            f"steps are timed with scope {SCOPE} and one image a pass, not {setting.scope} and {setting.batch}: they "
            "work on an image in main memory."
        )
    if (width, height) != setting.size:
        raise UserError(f"the image is {width}x{height}, the setting says {setting.size[0]}x{setting.size[1]}.")
    if scales and setting.runtime != "eager":
        raise UserError(
            f"{', '.join(scales)}: passes at another size are timed by eager PyTorch, not {setting.runtime}."
        )


def _sides(
    step: Step, run: Run, scaled: Run, image: Picture, setting: LatencySetting
) -> tuple[Callable[[], object], ...]:
    """What is timed: the step, the network, the step and the network; each returns when all is done.

    scaled: what runs after the step.
    """
    wait = wait_for(setting.device)

    def network(picture: Picture, run: Run) -> Tensor:
        with torch.inference_mode():
            classes = run(_to_tensor(picture, setting)).cpu()
        wait()
        return classes

    return lambda: step(image), lambda: network(image, run), lambda: network(step(image), scaled)


def _at_scale(net: Network, scale: float) -> Run:
    """(1, 3, H, W) in [0, 1] -> class map (1, H, W): resized, through the network, its logits resized back."""
    how = Evaluation(scales=(scale,))
    return lambda images: predict(net, images, how)[None].to(CLASS_TYPE)


def _to_tensor(picture: Picture, setting: LatencySetting) -> Tensor:
    """(1, 3, H, W) in [0, 1] on the device, as the network wants it; the clock covers this with and without a step."""
    levels = torch.tensor(picture).to(setting.device, non_blocking=True).permute(2, 0, 1)[None]
    return levels.to(getattr(torch, setting.precision), memory_format=memory_format(setting)).div_(255)


def _milliseconds(one: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    one()
    return (time.perf_counter_ns() - start) / 1e6
