"""What each step of an adaptation takes on this machine, inside a pass: its plan, and its measuring into records.

A step's time depends neither on the weights of the network nor on what the step was fitted on: a variant is timed once,
as it starts, with steps fitted on all training images.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import torch

from bench.adapt.inference import Inference
from bench.adapt.plan import Request
from bench.adapt.start import build_from
from bench.adapt.step_latency import PASSES, SCOPE, StepLatency, median_interval, spread, time_steps
from bench.adapt.steps import Picture, Step, step_versions
from bench.metrics import latency_metric
from bench.settings.latency import LatencySetting, StepSetting
from bench.settings.runtimes import SCOPES
from bench.storage.records import StepRecord, make_key
from bench.storage.store import Store
from bench.system.machine import Origin, commit, machine_id, versions
from variants.fingerprint import code_fingerprint
from variants.network import Network
from variants.spec import VariantSpec

METHOD = 1
"""Version of this timing: raised when it changes a number."""
MOST_SECONDS = 60.0
"""Of one step and variant, warm-up aside."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A step beside a variant on this machine, with the key of its record."""

    spec: VariantSpec
    inference: Inference
    clocked: LatencySetting
    setting: StepSetting
    key: str

    def __str__(self) -> str:
        return f"{self.spec.name}, {self.inference.name}"


OnTiming = Callable[[Timing, StepRecord], None]


def plan_timings(request: Request, passes: int = PASSES) -> list[Timing]:
    """Of every variant each step that takes time; other batch-norm statistics alone take none: the network is the same.

    Args:
        passes: of each side of a step.
    """
    timed = [inference for inference in request.inferences if inference.image or inference.scale != 1]
    return [_timing(request, spec, inference, passes) for spec in request.specs for inference in timed]


def _timing(request: Request, spec: VariantSpec, inference: Inference, passes: int) -> Timing:
    clocked = LatencySetting(size=request.size, classes=len(request.dataset.classes), scope=SCOPE)
    setting = StepSetting(
        **dict(clocked),
        step=inference.name,
        scale=inference.scale,
        passes=passes,
        step_versions=step_versions(inference.image) if inference.image else {},
        data_fingerprint=request.dataset.fingerprint(),
        method=METHOD,
    )
    key = make_key(
        group="latency",
        spec=spec.content_hash,
        code=code_fingerprint(spec),
        setting=setting.to_json(),
        machine=machine_id(),
        versions=versions(),
    )
    return Timing(spec=spec, inference=inference, clocked=clocked, setting=setting, key=key)


def run_timings(request: Request, timings: Sequence[Timing], store: Store, on_timing: OnTiming) -> list[StepRecord]:
    """Measure one by one, while nothing else of this adaptation runs; a failure is a record too.

    Args:
        timings: those to do, variant by variant.
        store: of adaptations; each record is on the disk as soon as it is there.

    Returns:
        The failures.

    Raises:
        DiskError: the disk is full; the records before it are kept.
        UserError: the network that adaptation starts with cannot be had.
    """
    steps: dict[Inference, Step] = {}
    failed = []
    for spec, of_spec in groupby(timings, key=lambda timing: timing.spec):
        torch.manual_seed(0)
        net = build_from(request.starts[spec], spec, request.dataset.classes, request.weights_dir)
        for timing, record in _measured(request, list(of_spec), net, steps):
            store.append(request.name, record)
            failed += [record] if record.status == "failed" else []
            on_timing(timing, record)
    return failed


def _measured(
    request: Request, timings: Sequence[Timing], net: Network, steps: dict[Inference, Step]
) -> Iterator[tuple[Timing, StepRecord]]:
    image = _timed_image(request)
    for timing in timings:
        started, start = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        latency, reason = None, None
        try:
            if timing.inference not in steps:
                steps[timing.inference] = _fit(request, timing.inference)
            latency = _time(timing, steps[timing.inference], net, image)
        except (MemoryError, RuntimeError) as error:  # RuntimeError: what torch raises when a CPU's memory is full
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no memory is left'}"
        yield (
            timing,
            _record(
                request, timing, latency=latency, reason=reason, started=started, seconds=time.perf_counter() - start
            ),
        )


def _time(timing: Timing, step: Step, net: Network, image: Picture) -> StepLatency:
    name, scale = timing.inference.name, timing.inference.scale
    (found,) = time_steps(
        {name: step},
        net,
        image=image,
        setting=timing.clocked,
        passes=timing.setting.passes,
        scales={name: scale} if scale != 1 else {},
        most_seconds=MOST_SECONDS,
    )
    return found


def _fit(request: Request, inference: Inference) -> Step:
    """As for a network that was trained with all labels."""
    source = [sample.image for sample in request.train]
    return inference.fit(source, request.without_labels(())) or _as_it_is


def _as_it_is(image: Picture) -> Picture:
    return image


def _timed_image(request: Request) -> Picture:
    """The first training image of the commonest size; one below 32 pixels a side gets an edge."""
    width, height = request.size
    for sample in request.train:
        rows, columns = sample.image.shape[:2]
        if (max(32, columns), max(32, rows)) == (width, height):
            return np.pad(sample.image, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")
    raise AssertionError("the size is that of an image")


def _record(
    request: Request, timing: Timing, latency: StepLatency | None, reason: str | None, started: str, seconds: float
) -> StepRecord:
    origin, spec = Origin.here(), timing.spec
    words = {
        "setting": str(timing.clocked),
        "scope": SCOPES[timing.clocked.scope],
        "step": timing.inference.describe(),
        "data": f"{request.dataset.name}: {request.dataset.describe()}",
    }
    return StepRecord(
        setting=timing.setting,
        key=timing.key,
        variant=spec.name,
        spec_hash=spec.content_hash,
        spec=spec.to_json(),
        words=words,
        status="ok" if latency else "failed",
        reason=reason,
        metrics=_metrics(timing, latency) if latency else {},
        details=latency.to_json() if latency else {},
        machine=origin.machine,
        machine_id=origin.machine_id,
        versions=origin.versions,
        commit=commit(),
        started=started,
        seconds=round(seconds, 2),
    )


def _metrics(timing: Timing, latency: StepLatency) -> dict[str, float]:
    """The pass with the step with its quartiles; of what the step adds, and of it alone, the 95 % interval.

    A resizing is no step of its own: it is done where the network runs.
    """
    name = latency_metric(timing.clocked.device, timing.clocked.runtime)
    quartiles = spread(latency.with_step_ms)
    numbers = {name: quartiles["median"], f"{name}_low": quartiles["low"], f"{name}_high": quartiles["high"]}
    intervals = {"added_ms": latency.added}
    if timing.inference.image:
        intervals["step_ms"] = median_interval(latency.step_ms)
    for of, interval in intervals.items():
        numbers |= {of: interval.value, f"{of}_low": interval.low, f"{of}_high": interval.high}
    return numbers
