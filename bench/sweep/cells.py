"""Cells: what a sweep has to measure, each with the key that tells whether it is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy import train
from bench.accuracy.datasets import Dataset
from bench.cost import macs
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
    key: str


@dataclass(frozen=True)
class Sources:
    """Where a worker finds data and weights: paths, which decide no result."""

    data_root: Path | None = None
    weights_dir: Path | None = None


def plan_cells(space: SpaceFile, dataset: Dataset, weights: dict[str, str], devices: tuple[str, ...]) -> list[Cell]:
    """List the cells of a space: all costs, then all latencies, then all trainings.

    Args:
        space: what to measure.
        dataset: the checked data set.
        weights: fingerprint of the start weights by backbone; empty for random weights.
        devices: the devices of the protocol that this machine has.
    """
    classes = len(dataset.classes)
    cost = [_cost_cell(space, spec, classes) for spec in space.specs]
    latency = [_latency_cell(space, spec, classes, device) for device in devices for spec in space.specs]
    accuracy = [
        _accuracy_cell(space, spec, dataset, weights, seed) for seed in space.accuracy.seeds for spec in space.specs
    ]
    return cost + latency + accuracy


def _cost_cell(space: SpaceFile, spec: VariantSpec, classes: int) -> Cell:
    setting = {"size": list(space.cost.size), "classes": classes, "method": macs.METHOD}
    return _cell("cost", spec, setting)


def _latency_cell(space: SpaceFile, spec: VariantSpec, classes: int, device: str) -> Cell:
    protocol = space.latency
    assert protocol is not None  # no devices are planned without a protocol
    setting = {
        "size": list(protocol.size), "classes": classes, "device": device, "threads": protocol.threads,
        "runtime": "eager", "precision": "float32", "batch": 1, "warmup": protocol.warmup,
        "iterations": protocol.iterations, "scope": clock.SCOPE, "method": clock.METHOD,
    }  # fmt: skip
    return _cell("latency", spec, setting, machine=machine_id(), versions=versions())


def _accuracy_cell(space: SpaceFile, spec: VariantSpec, dataset: Dataset, weights: dict[str, str], seed: int) -> Cell:
    data = space.accuracy.data
    setting = {
        "dataset": data.name, "dataset_options": data.options, "data": dataset.describe(),
        "data_fingerprint": dataset.fingerprint(), "classes": list(dataset.classes),
        "schedule": space.accuracy.schedule.model_dump(mode="json"),
        "schedule_words": space.accuracy.schedule.describe(),
        "evaluation": "whole images at their own size, weights of the last epoch",
        "weights": weights.get(spec.backbone, "random"), "seed": seed, "method": train.METHOD,
    }  # fmt: skip
    return _cell("accuracy", spec, setting)


def _cell(group: Group, spec: VariantSpec, setting: dict[str, Any], **also: Any) -> Cell:
    key = make_key(group=group, spec=spec.content_hash, code=code_fingerprint(spec), setting=setting, **also)
    return Cell(group, spec, setting, key)
