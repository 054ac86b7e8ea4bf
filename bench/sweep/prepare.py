"""All that is checked and known before the first measurement: data, backbones, weights, devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.accuracy.datasets import SPLITS, DataError, Dataset, open_dataset
from bench.accuracy.precision import TrainingWay, own_way
from bench.confusions import Confusions
from bench.cost.batch import CountSpecs, count_alone
from bench.cost.budget import NO_LIMIT, Budget
from bench.errors import UserError
from bench.judge.latency_doubts import doubtful_keys
from bench.judge.select import settle
from bench.latency.runtimes import check_runtime
from bench.latency.setting import Device
from bench.machine import commit
from bench.records import Record
from bench.store import Store
from bench.sweep.cells import Cell, Sources, plan_cells, with_random_weights
from bench.sweep.forecast import Forecast, Lanes, forecast
from bench.sweep.probe import probe_seconds
from bench.sweep.spacefile import SpaceFile
from bench.sweep.trained import RANDOM, TrainedWeights
from variants.backbones.weights import weights_fingerprint
from variants.check import SpecError, check_variants
from variants.network import build
from variants.spec import VariantSpec


@dataclass(frozen=True)
class Plan:
    """A checked sweep."""

    space: SpaceFile
    specs: tuple[VariantSpec, ...]
    """Those within the budget."""
    beyond: int
    """Variants that cost more."""
    budget: Budget
    dataset: Dataset
    sources: Sources
    keys: list[str]
    """Of all cells, done or not."""
    todo: list[Cell]
    done: int
    """Cells that this sweep's folder already holds."""
    reused: list[Record]
    """Costs and accuracies of other sweeps that are the very measurements this one needs. Never
    latencies: those are compared within one sweep only."""
    failed_before: list[Record]
    missing_devices: tuple[Device, ...]
    untrained: int
    """Variants whose latency is of random start weights: their mIoU was measured, its weights are not in results/."""

    def todo_by_group(self) -> Counter[str]:
        return Counter(cell.group for cell in self.todo)


def prepare(
    space: SpaceFile,
    store: Store,
    data_root: Path | None,
    weights_dir: Path | None,
    retry_failed: bool,
    limits: Budget = NO_LIMIT,
    count: CountSpecs = count_alone,
    retry_doubtful: bool = False,
    way: TrainingWay | None = None,
) -> Plan:
    """Check everything that can be checked and list what is to be measured.

    Args:
        limits: come before those of the space file.
        count: counts the variants, where there is a budget.
        retry_doubtful: whether latencies that cannot be trusted are measured again.
        way: device and precision of trainings; None is this machine's own.

    Raises:
        UserError: data or variants that would fail later, with the line of the space file.
        VariantError: weights that are missing or do not fit.
    """
    commit()  # remembered now: the code that is loaded, whatever is committed while the sweep runs
    dataset = _check(space, data_root)
    budget = space.cost.budget.narrowed(limits)
    specs = _within(space, budget, len(dataset.classes), count)
    weights = _start_weights(space, specs, weights_dir)
    devices, missing = _devices(space)
    settled = settle(store.read(space.name))
    elsewhere = {k: r for k, r in settle(store.read()).items() if r.status == "ok" and r.group != "latency"}
    cells = plan_cells(space, specs, dataset, weights, devices, way or own_way(), elsewhere.keys())
    before = [settled[cell.key] for cell in cells if cell.key in settled]
    doubtful = doubtful_keys(before) if retry_doubtful else set()
    ended = {"ok"} if retry_failed else {"ok", "failed"}
    own = {k: r for k, r in settled.items() if k not in doubtful and r.status in ended}
    reused = [elsewhere[cell.key] for cell in cells if cell.key not in own and cell.key in elsewhere]
    trained = TrainedWeights(store.root, space.name)
    done = own.keys() | elsewhere.keys()
    cells = [_with_weights_that_are_there(cell, done, trained) for cell in cells]
    todo = [cell for cell in cells if cell.key not in own and cell.key not in elsewhere]
    return Plan(
        space=space,
        specs=specs,
        beyond=len(space.specs) - len(specs),
        budget=budget,
        dataset=dataset,
        sources=Sources(data_root, weights_dir, trained, Confusions(store.root, space.name)),
        keys=[cell.key for cell in cells],
        todo=todo,
        done=sum(cell.key in own for cell in cells),
        reused=reused,
        failed_before=[own[c.key] for c in cells if c.key in own and own[c.key].status == "failed"],
        missing_devices=missing,
        untrained=len({c.spec for c in cells if c.setting.get("weights_of") == RANDOM}),
    )


def _with_weights_that_are_there(cell: Cell, done: Set[str], trained: TrainedWeights) -> Cell:
    """A latency of trained weights whose training is done, but left no file here, is one of random weights.

    One that was measured with them before stays what it is.
    """
    if cell.group != "latency" or cell.key in done:
        return cell
    key = cell.setting["weights_of"]
    return with_random_weights(cell) if key in done and trained.find(key) is None else cell


def _check(space: SpaceFile, data_root: Path | None) -> Dataset:
    """Refuse data and variants that would fail later, with the line of the space file that asks for them."""
    data = space.accuracy.data
    try:
        dataset = open_dataset(data.name, data_root, data.options)
        check_variants(space.specs)
        dataset.check()
        _check_runtimes(space)
        _check_sizes(space, dataset)
    except DataError as error:
        option = ("options", error.option) if error.option else ("name",)
        raise UserError(f"{space.at(('accuracy', 'data', *option))}: {error}") from None
    except SpecError as error:
        raise UserError(f"{space.at(space.place_of(error.spec, error.axis))}: {error}") from None
    return dataset


def _check_sizes(space: SpaceFile, dataset: Dataset) -> None:
    """Refuse images of several sizes that no crop makes into a batch."""
    sizes = sorted(dataset.sizes("train"))
    if space.accuracy.schedule.crop is None and len(sizes) > 1:
        raise UserError(
            f"{space.at(('accuracy', 'schedule', 'crop'))}: the training images have {len(sizes)} sizes, from "
            f"{'x'.join(map(str, sizes[0]))} to {'x'.join(map(str, sizes[-1]))}, which make no batch. Add a crop, such "
            "as `crop: [256, 256]`."
        )


def _check_runtimes(space: SpaceFile) -> None:
    """Refuse a runtime that is not installed here, with its line."""
    if space.latency is None:
        return
    there, _ = _devices(space)
    for setting in space.latency.settings(classes=2, devices=there):
        try:
            check_runtime(setting)
        except UserError as error:
            place = ("latency", "runtimes", space.latency.runtimes.index(setting.runtime))
            raise UserError(f"{space.at(place)}: {error}") from None


def forecast_plan(plan: Plan, lanes: Lanes) -> Forecast:
    """Probe each backbone and say how long the plan will take."""
    if not plan.todo:
        return Forecast({}, lanes)
    samples = {split: plan.dataset.count(split) for split in SPLITS}
    probed = probe_seconds(plan.todo, samples, plan.dataset.typical_size())
    return forecast(plan.todo, probed, lanes)


def _within(space: SpaceFile, budget: Budget, classes: int, count: CountSpecs) -> tuple[VariantSpec, ...]:
    """The specs that cost no more than the budget. One that cannot be counted fails in its own cell, with its reason.

    Raises:
        UserError: there is none.
    """
    if not budget:
        return space.specs
    counted = count(space.specs, classes, space.cost.size)
    beyond = {one.spec for one in counted if one.cost is not None and not budget.holds(one.cost)}
    specs = tuple(spec for spec in space.specs if spec not in beyond)
    if not specs:
        raise budget.refuse_all(len(space.specs))
    return specs


def _start_weights(
    space: SpaceFile, specs: tuple[VariantSpec, ...], weights_dir: Path | None
) -> dict[VariantSpec, str]:
    """Fingerprints of ImageNet weights, where the space wants them and the network has some."""
    if space.accuracy.schedule.pretraining == "none":
        return {}
    by_source: dict[tuple[str, str | None], str | None] = {}
    for spec in specs:
        source = (spec.network, spec.backbone)
        if source not in by_source:
            backbone = build(spec, num_classes=2, pretrained=True, weights_dir=weights_dir).backbone
            by_source[source] = None if backbone is None else weights_fingerprint(backbone)
    found = {spec: by_source[spec.network, spec.backbone] for spec in specs}
    return {spec: fingerprint for spec, fingerprint in found.items() if fingerprint is not None}


def _devices(space: SpaceFile) -> tuple[tuple[Device, ...], tuple[Device, ...]]:
    if space.latency is None:
        return (), ()
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    wanted = space.latency.devices
    return tuple(d for d in wanted if there[d]), tuple(d for d in wanted if not there[d])
