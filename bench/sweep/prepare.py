"""All that is checked and known before the first measurement: data, backbones, weights, devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bench.accuracy.precision import own_way
from bench.accuracy.start_weights import StartWeights
from bench.accuracy.trained_weights import TrainedWeights
from bench.analysis.accuracy_warnings import keys_without_matrices
from bench.analysis.latency_warnings import doubtful_keys, lacks_weights
from bench.analysis.selection import settle
from bench.cost.batch import CountSpecs, count_alone
from bench.cost.budget import NO_LIMIT, Budget
from bench.data import SPLITS, DataError, Dataset, open_dataset
from bench.errors import UserError
from bench.latency.runtimes import check_runtime
from bench.latency.runtimes.limits import check_compiler
from bench.settings.accuracy import RANDOM, TrainingWay
from bench.settings.latency import ProcessSetting
from bench.settings.runtimes import Device
from bench.storage.confusions import Confusions
from bench.storage.predictions import Predictions
from bench.storage.records import AccuracyRecord, Group, ProcessRecord, Record
from bench.storage.store import Store
from bench.sweep.cells import Cell, Sources, plan_cells, with_random_weights
from bench.sweep.forecast import Forecast, place_of
from bench.sweep.measure import EVALUATED
from bench.sweep.pool import code_that_measures
from bench.sweep.probe import probe_seconds
from bench.sweep.spacefile import SpaceFile
from bench.system.fork_server import announce
from bench.system.machine import commit
from variants.check import SpecError, check_variants
from variants.spec import VariantSpec


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A checked sweep."""

    space: SpaceFile
    specs: tuple[VariantSpec, ...]
    """Those within the budget."""
    budget: Budget
    dataset: Dataset
    sources: Sources
    cells: list[Cell]
    """All of them, done or not."""
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
    chosen_by: str = ""
    """How a search or a limit chose the variants, in words; empty: they are all of the space."""

    @property
    def keys(self) -> list[str]:
        """Of all cells."""
        return [cell.key for cell in self.cells]

    def of_groups(self, *groups: Group) -> Plan:
        """The same with the cells of some groups only."""
        cells, todo = ([cell for cell in some if cell.group in groups] for some in (self.cells, self.todo))
        return replace(self, cells=cells, todo=todo, reused=[r for r in self.reused if r.group in groups])

    def todo_by_group(self) -> Counter[str]:
        return Counter(cell.group for cell in self.todo)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A space that can be measured here: data, devices, runtimes, and variants as far as a look tells."""

    space: SpaceFile
    dataset: Dataset
    sources: Sources
    store: Store
    start_weights: StartWeights
    devices: tuple[Device, ...]
    missing_devices: tuple[Device, ...]
    way: TrainingWay
    """Device and precision of the trainings."""


@dataclass(frozen=True)
class Retry:
    """What is measured again. doubtful: latencies that cannot be trusted or lacked trained weights, and trainings whose
    confusion matrices are gone."""

    failed: bool = False
    doubtful: bool = False


def check(
    space: SpaceFile,
    specs: Sequence[VariantSpec],
    store: Store,
    data_root: Path | None,
    weights_dir: Path | None,
    way: TrainingWay | None = None,
) -> Checked:
    """Check everything that can be checked before anything is measured.

    Args:
        specs: whose backbones and blocks are tried: all of the space, or some that stand for all.
        way: device and precision of trainings; None is this machine's own.

    Raises:
        UserError: data or variants that would fail later, with the line of the space file.
        VariantError: weights that are missing or do not fit.
    """
    announce(*code_that_measures(specs))  # before counting starts the server that will measure too
    commit()  # remembered now: the code that is loaded, whatever is committed while the sweep runs
    way = way or own_way()
    dataset = _check(space, specs, data_root)
    _check_training_compiler(space, way)
    start_weights = StartWeights(space.accuracy.schedule.pretraining, weights_dir)
    start_weights.of(specs)
    devices, missing = _devices(space)
    kept = store.root, space.name
    sources = Sources(
        data_root=data_root,
        weights_dir=weights_dir,
        trained=TrainedWeights(*kept),
        confusions=Confusions(*kept),
        predictions=Predictions(*kept),
    )
    return Checked(
        space=space,
        dataset=dataset,
        sources=sources,
        store=store,
        start_weights=start_weights,
        devices=devices,
        missing_devices=missing,
        way=way,
    )


def prepare(
    space: SpaceFile,
    store: Store,
    data_root: Path | None,
    weights_dir: Path | None,
    retry: Retry = Retry(),
    limits: Budget = NO_LIMIT,
    count: CountSpecs = count_alone,
    way: TrainingWay | None = None,
) -> Plan:
    """Check a whole space and list what is to be measured.

    Args:
        limits: come before those of the space file.
        count: counts the variants, where there is a budget.
        way: as for `check`.

    Raises:
        UserError: as `check`; or no variant is within the budget.
        VariantError: as `check`.
    """
    checked = check(space, space.specs, store=store, data_root=data_root, weights_dir=weights_dir, way=way)
    budget = space.cost.budget.narrowed(limits)
    specs = _within(space, budget, len(checked.dataset.classes), count)
    beyond = len(space.specs) - len(specs)
    chosen_by = f"cost: of the space's {len(space.specs)} variants all but {beyond} beyond the budget of {budget}"
    return make_plan(checked, specs, retry=retry, budget=budget, chosen_by=chosen_by if beyond else "")


def make_plan(
    checked: Checked,
    specs: Sequence[VariantSpec],
    retry: Retry,
    budget: Budget = NO_LIMIT,
    chosen_by: str = "",
) -> Plan:
    """List the cells of some variants of a checked space: those to be measured, and what is there already.

    Args:
        budget: that `specs` keep to.
        chosen_by: see `Plan`.
    """
    space, store = checked.space, checked.store
    settled = settle(store.read(space.name))
    known: dict[str, Record] = {
        k: r for k, r in settle(store.read()).items() if r.status == "ok" and r.group != "latency"
    }
    cells = plan_cells(
        space,
        specs,
        dataset=checked.dataset,
        weights=checked.start_weights.of(specs),
        devices=checked.devices,
        way=checked.way,
        done=known.keys(),
    )
    before = [settled[cell.key] for cell in cells if cell.key in settled]
    ended = {"ok"} if retry.failed else {"ok", "failed"}
    again = _trained_after_all(before, checked.sources.trained, retry.failed)
    if retry.doubtful and checked.sources.confusions:
        planned = (known[cell.key] for cell in cells if cell.key in known)
        trainings = [record for record in planned if isinstance(record, AccuracyRecord)]
        again |= doubtful_keys(before) | keys_without_matrices(trainings, checked.sources.confusions)
    elsewhere = {key: record for key, record in known.items() if key not in again}
    own = {k: r for k, r in settled.items() if k not in again and r.status in ended}
    reused = [elsewhere[cell.key] for cell in cells if cell.key not in own and cell.key in elsewhere]
    done = own.keys() | elsewhere.keys()
    cells = [_with_weights_that_are_there(cell, done, checked.sources.trained) for cell in cells]
    return Plan(
        space=space,
        specs=tuple(specs),
        budget=budget,
        dataset=checked.dataset,
        sources=checked.sources,
        cells=cells,
        todo=[cell for cell in cells if cell.key not in own and cell.key not in elsewhere],
        done=sum(cell.key in own for cell in cells),
        reused=reused,
        failed_before=[own[c.key] for c in cells if c.key in own and own[c.key].status == "failed"],
        missing_devices=checked.missing_devices,
        untrained=len({cell.spec for cell in cells if _runs_random_weights(cell)}),
        chosen_by=chosen_by,
    )


def _runs_random_weights(cell: Cell) -> bool:
    return isinstance(cell.setting, ProcessSetting) and cell.setting.weights_of == RANDOM


def _trained_after_all(records: list[Record], trained: TrainedWeights | None, retry_failed: bool) -> set[str]:
    """Keys of latencies that ran random weights: their training had failed, and has ended now or is tried again."""
    tried_again = {record.key for record in records if record.status == "failed"} if retry_failed else set()
    lacking = {
        record.key: record.setting.weights_of
        for record in records
        if isinstance(record, ProcessRecord) and lacks_weights(record)
    }
    return {key for key, of in lacking.items() if of in tried_again or (trained and trained.find(of) is not None)}


def _with_weights_that_are_there(cell: Cell, done: Set[str], trained: TrainedWeights | None) -> Cell:
    """A latency of trained weights whose training is done, but left no file here, is one of random weights.

    One that was measured with them before stays what it is.
    """
    setting = cell.setting
    if not isinstance(setting, ProcessSetting) or cell.key in done:
        return cell
    key = setting.weights_of
    is_there = trained is not None and trained.find(key) is not None
    return with_random_weights(cell.spec, setting) if key in done and not is_there else cell


def _check(space: SpaceFile, specs: Sequence[VariantSpec], data_root: Path | None) -> Dataset:
    """Refuse data and variants that would fail later, with the line of the space file that asks for them."""
    data = space.accuracy.data
    try:
        dataset = open_dataset(data.name, data_root, data.options)
        check_variants(specs)
        dataset.check()
        _check_runtimes(space)
        _check_sizes(space, dataset)
        _check_windows(space, dataset)
        _check_batch(space, dataset)
    except DataError as error:
        option = ("options", error.option) if error.option else ("name",)
        raise UserError(f"{space.at(('accuracy', 'data', *option))}: {error}") from None
    except SpecError as error:
        raise UserError(f"{space.at(space.place_of(error.spec, error.axis))}: {error}") from None
    return dataset


def _check_sizes(space: SpaceFile, dataset: Dataset) -> None:
    """Refuse images of several sizes that no crop makes into a batch, and a crop that is larger than all of them."""
    sizes, schedule = sorted(dataset.sizes("train")), space.accuracy.schedule
    place = space.at(("accuracy", "schedule", "crop"))
    if schedule.crop is None and len(sizes) > 1:
        raise UserError(
            f"{place}: the training images have {len(sizes)} sizes, from {'x'.join(map(str, sizes[0]))} to "
            f"{'x'.join(map(str, sizes[-1]))}, which make no batch. Add a crop, such as `crop: [256, 256]`."
        )
    width, height = (max(side) * schedule.scale[1] for side in zip(*sizes, strict=True))
    if schedule.crop and schedule.crop[0] > width and schedule.crop[1] > height:
        raise UserError(
            f"{place}: crops of {schedule.crop[0]}x{schedule.crop[1]} are larger than every training image, "
            f"{width:.0f}x{height:.0f} at the largest scale: the rest would be void. Make the crop smaller, or raise "
            "`scale`."
        )


def _check_windows(space: SpaceFile, dataset: Dataset) -> None:
    """Refuse windows that no image reaches beyond: each would be taken whole."""
    how = space.accuracy.evaluation
    if how.window is None:
        return
    sizes = {size for split in EVALUATED for size in dataset.sizes(split)}
    width, height = (max(side) * max(how.scales) for side in zip(*sizes, strict=True))
    if how.window[0] >= width and how.window[1] >= height:
        raise UserError(
            f"{space.at(('accuracy', 'evaluation', 'window'))}: windows of {how.window[0]}x{how.window[1]} hold every "
            f"image whole, {width:.0f}x{height:.0f} at the largest scale: nothing would slide. Make the window "
            "smaller, or leave `mode: sliding` and `window` out."
        )


def _check_batch(space: SpaceFile, dataset: Dataset) -> None:
    """Refuse a batch that the training images do not fill."""
    wanted, there = space.accuracy.schedule.batch_size, dataset.count("train")
    if wanted > there:
        raise UserError(
            f"{space.at(('accuracy', 'schedule', 'batch_size'))}: a batch of {wanted} is more than the {there} "
            f"training images. Make it {there} or less."
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


def _check_training_compiler(space: SpaceFile, way: TrainingWay) -> None:
    """Refuse trainings that could not be compiled, with the line that asks for it."""
    if space.accuracy.schedule.compile and way[0] == "cpu":
        try:
            check_compiler()
        except UserError as error:
            raise UserError(f"{space.at(('accuracy', 'schedule', 'compile'))}: {error}") from None


def foresee(forecast: Forecast, cells: Sequence[Cell], dataset: Dataset) -> None:
    """Probe each kind of cell that the forecast does not know yet."""
    unknown = [cell for cell in cells if place_of(cell) not in forecast.probed]
    if unknown:
        samples = {split: dataset.count(split) for split in SPLITS}
        forecast.probed |= probe_seconds(unknown, samples, dataset.typical_size())


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


def _devices(space: SpaceFile) -> tuple[tuple[Device, ...], tuple[Device, ...]]:
    if space.latency is None:
        return (), ()
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    wanted = space.latency.devices
    return tuple(d for d in wanted if there[d]), tuple(d for d in wanted if not there[d])
