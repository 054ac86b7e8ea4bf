"""Measure one cell: cell -> metrics and details. Runs in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from bench.accuracy.datasets import open_dataset
from bench.accuracy.evaluate import Evaluation, evaluate
from bench.accuracy.schedule import Schedule
from bench.accuracy.train import train
from bench.cost.count import count_variant
from bench.latency.clock import measure_latency
from bench.sweep.cells import Cell, Sources
from variants.network import build

OnProgress = Callable[[float], None]
_EVALUATION_SHARE = 0.1


@dataclass(frozen=True)
class Measurement:
    """Numbers of one cell. `metrics` follow `bench.metrics`; `details` are what they came from."""

    metrics: dict[str, float]
    details: dict[str, Any] = field(default_factory=dict)


def measure(cell: Cell, sources: Sources, on_progress: OnProgress) -> Measurement:
    """Measure one cell with one CPU thread (a latency: with the threads of its setting)."""
    torch.set_num_threads(1)
    if cell.group == "cost":
        return _measure_cost(cell)
    if cell.group == "latency":
        return _measure_latency(cell)
    return _measure_accuracy(cell, sources, on_progress)


def _measure_cost(cell: Cell) -> Measurement:
    cost = count_variant(cell.spec, cell.setting["classes"], *cell.setting["size"])
    return Measurement(dict(cost.metrics()), cost.to_json())


def _measure_latency(cell: Cell) -> Measurement:
    setting = cell.setting
    width, height = setting["size"]
    samples = measure_latency(
        build(cell.spec, setting["classes"]), width, height, setting["device"],
        setting["threads"], setting["warmup"], setting["iterations"],
    )  # fmt: skip
    low, median, high = (float(v) for v in np.percentile(samples, [25, 50, 75]))
    name = f"latency_{setting['device']}_ms"
    details = {"samples_ms": [round(sample, 3) for sample in samples]}
    return Measurement({name: median, f"{name}_low": low, f"{name}_high": high}, details)


def _measure_accuracy(cell: Cell, sources: Sources, on_progress: OnProgress) -> Measurement:
    setting = cell.setting
    schedule = Schedule.model_validate(setting["schedule"])
    data = open_dataset(setting["dataset"], sources.data_root, setting["dataset_options"])
    torch.manual_seed(setting["seed"])
    net = build(cell.spec, len(data.classes), schedule.pretraining == "imagenet", sources.weights_dir)
    device = setting["device"]
    losses = train(
        net, data.load("train"), schedule, setting["seed"], device,
        lambda fraction: on_progress(fraction * (1 - _EVALUATION_SHARE)),
    )  # fmt: skip
    val = evaluate(net, data.load("val"), len(data.classes), device)
    test = evaluate(net, data.load("test"), len(data.classes), device)
    return Measurement(
        _scores("val", val) | _scores("test", test),
        {"epoch_losses": [round(loss, 4) for loss in losses]}
        | _tables("val", val) | _tables("test", test),
    )  # fmt: skip


def _scores(split: str, result: Evaluation) -> dict[str, float]:
    name = f"miou_{split}"
    return {name: result.miou, f"{name}_low": result.low, f"{name}_high": result.high}


def _tables(split: str, result: Evaluation) -> dict[str, Any]:
    return {f"class_iou_{split}": result.class_iou, f"confusion_{split}": result.confusion}
