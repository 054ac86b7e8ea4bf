"""Cells: what a sweep has to measure, each with the key that tells whether it is done, and what measuring it gives."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.accuracy.trained_weights import TrainedWeights
from bench.data import Dataset
from bench.settings.accuracy import (
    RANDOM,
    TRAINING_METHOD,
    TRAINING_WAYS,
    AccuracySetting,
    TrainingWay,
    TrainPrecision,
)
from bench.settings.cost import COUNTER, COUNTING_METHOD, CostSetting
from bench.settings.evaluation import Evaluation
from bench.settings.latency import CLOCK_METHOD, ProcessSetting
from bench.settings.runtimes import RUNTIME_PACKAGES, SCOPES, Device
from bench.storage.confusions import Confusions
from bench.storage.predictions import Predictions
from bench.storage.records import Group, make_key
from bench.sweep.spacefile import LatencyProtocol, SpaceFile
from bench.system.machine import installed_version, machine_id, versions
from variants.fingerprint import code_fingerprint
from variants.spec import VariantSpec


@dataclass(frozen=True)
class Watch:
    """When a training is looked at, which changes none of its numbers: no key depends on it.

    validate_after: epochs. stop_after: the epochs after which it pauses; None goes to the end.
    """

    validate_after: tuple[int, ...]
    stop_after: int | None = None


CellSetting = CostSetting | AccuracySetting | ProcessSetting


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One measurement to make: a variant under a setting. Travels to a worker process."""

    group: Group
    spec: VariantSpec
    setting: CellSetting
    """All that decides the result, beside the spec and its code."""
    words: dict[str, str]
    """The setting for readers; decides nothing, so better words measure nothing again."""
    key: str
    watch: Watch | None = None
    """Of an accuracy."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a worker finds data and weights: paths, which decide no result.

    trained: where trainings leave their weights, and latencies find them. confusions: where they leave their matrices;
    predictions: those of a few images.
    exports: of graphs, kept for a run. side_by_side: cells that run at once, and share the memory.
    """

    data_root: Path | None = None
    weights_dir: Path | None = None
    trained: TrainedWeights | None = None
    confusions: Confusions | None = None
    predictions: Predictions | None = None
    exports: Path | None = None
    side_by_side: int = 1


@dataclass(frozen=True)
class Measurement:
    """Numbers of one cell. `metrics` follow `bench.metrics`; `details` are what they came from."""

    metrics: dict[str, float]
    details: dict[str, Any] = field(default_factory=dict)
    paused: bool = False
    """A training that stands at an epoch before its last, and has no metrics yet."""


def plan_cells(
    space: SpaceFile,
    specs: Sequence[VariantSpec],
    dataset: Dataset,
    weights: dict[VariantSpec, str],
    devices: tuple[Device, ...],
    way: TrainingWay,
    done: Set[str] = frozenset(),
) -> list[Cell]:
    """List the cells of a space: all costs, then all trainings, then all latencies, each of the first seed's weights.

    Args:
        space: how to measure.
        specs: what to measure.
        dataset: the checked data set.
        weights: fingerprint of the start weights by spec; one that is not there starts at random.
        devices: those of the latency protocol that this machine has.
        way: device and precision of the trainings.
        done: keys of trainings that need not be done: one by another device or in another precision stands too.
    """
    classes = len(dataset.classes)
    cost = [_cost_cell(space, spec, classes) for spec in specs]
    accuracy = [
        _training(space, spec, dataset=dataset, weights=weights, seed=seed, here=way, done=done)
        for seed in space.accuracy.seeds
        for spec in specs
    ]
    first_seed = {cell.spec: cell.key for cell in reversed(accuracy)}
    latency = (
        _latency_cells(space.latency, specs, classes=classes, devices=devices, trained=first_seed)
        if space.latency
        else []
    )
    return list({cell.key: cell for cell in cost + accuracy + latency}.values())


def with_random_weights(spec: VariantSpec, setting: ProcessSetting) -> Cell:
    """The latency of a network from a random start: where the weights of its training are not there."""
    return _latency_cell(spec, setting.replace(weights_of=RANDOM))


def trains_on_gpu(cell: Cell) -> bool:
    """Whether it is a training that takes a GPU."""
    return isinstance(cell.setting, AccuracySetting) and cell.setting.device == "cuda"


def _cost_cell(space: SpaceFile, spec: VariantSpec, classes: int) -> Cell:
    setting = CostSetting(size=space.cost.size, classes=classes, method=COUNTING_METHOD)
    return _cell("cost", spec, setting, {"counter": COUNTER})


def _latency_cells(
    protocol: LatencyProtocol,
    specs: Sequence[VariantSpec],
    classes: int,
    devices: tuple[Device, ...],
    trained: dict[VariantSpec, str],
) -> list[Cell]:
    """The processes of a variant in turns with those of the others.

    Args:
        trained: by spec, the key of the accuracy whose weights are timed.
    """
    cells = []
    for restart in range(protocol.restarts):
        for clocked in protocol.settings(classes, devices):
            packages = RUNTIME_PACKAGES[clocked.runtime]
            setting = ProcessSetting(
                **dict(clocked),
                runtime_versions={package: installed_version(package) for package in packages},
                samples=protocol.samples_a_process,
                restart=restart,
                weights_of=RANDOM,
                method=CLOCK_METHOD,
            )
            cells += [_latency_cell(spec, setting.replace(weights_of=trained[spec])) for spec in specs]
    return cells


def _latency_cell(spec: VariantSpec, setting: ProcessSetting) -> Cell:
    words = {"setting": str(setting), "scope": SCOPES[setting.scope]}
    return _cell("latency", spec, setting, words, machine=machine_id(), versions=versions())


def _training(
    space: SpaceFile,
    spec: VariantSpec,
    dataset: Dataset,
    weights: dict[VariantSpec, str],
    seed: int,
    here: TrainingWay,
    done: Set[str],
) -> Cell:
    """As it is done `here`, unless another kind of machine has done it already."""
    ways = [here, *(way for way in TRAINING_WAYS if way != here)]
    cells = (
        _accuracy_cell(space, spec, dataset, weights=weights, seed=seed, device=device, precision=precision)
        for device, precision in ways
    )
    first = next(cells)
    return first if first.key in done else next((cell for cell in cells if cell.key in done), first)


def _accuracy_cell(
    space: SpaceFile,
    spec: VariantSpec,
    dataset: Dataset,
    weights: dict[VariantSpec, str],
    seed: int,
    device: str,
    precision: TrainPrecision,
) -> Cell:
    data, schedule, evaluation = space.accuracy.data, space.accuracy.schedule, space.accuracy.evaluation
    setting = AccuracySetting(
        dataset=data.name,
        dataset_options=data.options,
        data_fingerprint=dataset.fingerprint(),
        classes=dataset.classes,
        schedule=schedule,
        weights=weights.get(spec, RANDOM),
        seed=seed,
        device=device,
        precision=precision,
        method=TRAINING_METHOD,
        evaluation=evaluation if evaluation != Evaluation() else None,
    )
    trained = f"{schedule.describe()}, in {precision}"
    words = {"data": dataset.describe(), "schedule": trained, "evaluation": evaluation.describe()}
    return replace(_cell("accuracy", spec, setting, words), watch=Watch(space.accuracy.validate_after))


def _cell(group: Group, spec: VariantSpec, setting: CellSetting, words: dict[str, str], **also: Any) -> Cell:
    key = make_key(group=group, spec=spec.to_json(), code=code_fingerprint(spec), setting=setting.to_json(), **also)
    return Cell(group=group, spec=spec, setting=setting, words=words, key=key)
