"""Cells: what a sweep has to measure, each with the key that tells whether it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy import evaluate, train
from bench.accuracy.datasets import Dataset
from bench.cost import trace
from bench.latency import clock
from bench.machine import machine_id, versions
from bench.records import Group, make_key
from bench.sweep.spacefile import SpaceFile
from variants.fingerprint import code_fingerprint
from variants.spec import VariantSpec


@dataclass(frozen=True)
class Cell:
    """One measurement to make: a variant under a setting. Travels to a worker process."""

    group: Group
    spec: VariantSpec
    setting: dict[str, Any]
    """All that decides the result, beside the spec and its code."""
    words: dict[str, str]
    """The setting for readers; decides nothing, so better words measure nothing again."""
    key: str


@dataclass(frozen=True)
class Sources:
    """Where a worker finds data and weights: paths, which decide no result."""

    data_root: Path | None = None
    weights_dir: Path | None = None


def plan_cells(
    space: SpaceFile,
    specs: Sequence[VariantSpec],
    dataset: Dataset,
    weights: dict[VariantSpec, str],
    devices: tuple[str, ...],
    train_device: str,
) -> list[Cell]:
    """List the cells of a space: all costs, then all latencies, then all trainings.

    Args:
        space: how to measure.
        specs: what to measure.
        dataset: the checked data set.
        weights: fingerprint of the start weights by spec; one that is not there starts at random.
        devices: those of the latency protocol that this machine has.
        train_device: "cpu" or "cuda".
    """
    classes = len(dataset.classes)
    cost = [_cost_cell(space, spec, classes) for spec in specs]
    latency = [
        _latency_cell(space, spec, classes, device, restart)
        for device in devices
        for restart in range(space.latency.restarts if space.latency else 0)
        for spec in specs
    ]
    accuracy = [
        _accuracy_cell(space, spec, dataset, weights, seed, train_device)
        for seed in space.accuracy.seeds
        for spec in specs
    ]
    return list({cell.key: cell for cell in cost + latency + accuracy}.values())


def _cost_cell(space: SpaceFile, spec: VariantSpec, classes: int) -> Cell:
    setting = {"size": list(space.cost.size), "classes": classes, "method": trace.METHOD}
    return _cell("cost", spec, setting, {"counter": trace.COUNTER})


def _latency_cell(space: SpaceFile, spec: VariantSpec, classes: int, device: str, restart: int) -> Cell:
    protocol = space.latency
    assert protocol is not None  # no devices are planned without a protocol
    setting = {
        "size": list(protocol.size), "classes": classes, "device": device, "threads": protocol.threads,
        "runtime": "eager", "precision": "float32", "batch": 1, "warmup": protocol.warmup,
        "iterations": protocol.iterations, "restart": restart, "method": clock.METHOD,
    }  # fmt: skip
    return _cell("latency", spec, setting, {"scope": clock.SCOPE}, machine=machine_id(), versions=versions())


def _accuracy_cell(
    space: SpaceFile, spec: VariantSpec, dataset: Dataset, weights: dict[VariantSpec, str], seed: int, device: str
) -> Cell:
    data, schedule = space.accuracy.data, space.accuracy.schedule
    setting = {
        "dataset": data.name, "dataset_options": data.options, "data_fingerprint": dataset.fingerprint(),
        "classes": list(dataset.classes), "schedule": schedule.model_dump(mode="json"),
        "weights": weights.get(spec, "random"), "seed": seed, "device": device,
        "method": train.METHOD,
    }  # fmt: skip
    words = {"data": dataset.describe(), "schedule": schedule.describe(), "evaluation": evaluate.SCOPE}
    return _cell("accuracy", spec, setting, words)


def _cell(group: Group, spec: VariantSpec, setting: dict[str, Any], words: dict[str, str], **also: Any) -> Cell:
    key = make_key(group=group, spec=spec.to_json(), code=code_fingerprint(spec), setting=setting, **also)
    return Cell(group, spec, setting, words, key)
