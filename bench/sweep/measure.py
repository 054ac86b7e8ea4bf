"""Measure one cell: cell -> metrics and details. Runs in a worker process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.accuracy.evaluate import Result, evaluate
from bench.accuracy.examples import example_places, predicted_examples, small_image, small_mask
from bench.accuracy.numbers import miou_numbers, score_tables
from bench.accuracy.train import Aids, train
from bench.cost.count import count_variant
from bench.cost.graph_hash import graph_hash
from bench.data import Dataset, Split, open_dataset
from bench.data.decoded import readable_fast
from bench.latency.clock import measure_latency
from bench.metrics import latency_metric
from bench.settings.accuracy import RANDOM, AccuracySetting
from bench.settings.cost import CostSetting
from bench.settings.latency import ProcessSetting
from bench.storage.predictions import Predictions
from bench.storage.records import make_key
from bench.sweep.cells import Cell, Measurement, Sources, Watch
from variants.backbones.weights import weights_fingerprint
from variants.network import Network, build

OnProgress = Callable[[float, str], None]
"""Share of the work that is done, and what there is to say."""
_EVALUATION_SHARE = 0.1
EVALUATED: tuple[Split, ...] = ("val", "test")


def measure(cell: Cell, sources: Sources, on_progress: OnProgress) -> Measurement:
    """Measure one cell with one CPU thread (a latency: with the threads of its setting)."""
    torch.set_num_threads(1)
    match cell.setting:
        case CostSetting() as setting:
            return _measure_cost(cell, setting)
        case ProcessSetting() as setting:
            return _measure_latency(cell, setting, sources)
        case AccuracySetting() as setting:
            return _measure_accuracy(cell, setting, sources=sources, on_progress=on_progress)


def _measure_cost(cell: Cell, setting: CostSetting) -> Measurement:
    cost = count_variant(cell.spec, setting.classes, *setting.size)
    return Measurement(dict(cost.metrics()), cost.to_json())


def _measure_latency(cell: Cell, setting: ProcessSetting, sources: Sources) -> Measurement:
    """Time the network whose mIoU is beside it: of the same weights, where its training left them."""
    about: dict[str, str] = {}

    def make_net() -> Network:
        net = build(cell.spec, setting.classes)
        key = setting.weights_of
        trained = key != RANDOM and sources.trained is not None and sources.trained.load(key, net)
        about.update(weights=key if trained else RANDOM, **_identity(net))
        return net

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        exported = (sources.exports or Path(folder)) / _exported_name(cell, setting)
        timing = measure_latency(make_net, setting, setting.samples, exported)
    low, median, high = (float(v) for v in np.percentile(timing.samples_ms, [25, 50, 75]))
    name = latency_metric(setting.device, setting.runtime)
    return Measurement({name: median, f"{name}_low": low, f"{name}_high": high}, timing.to_json() | about)


def _exported_name(cell: Cell, setting: ProcessSetting) -> str:
    """The same for all processes of a variant and setting, which run the same exported graph."""
    return make_key(variant=cell.spec.name, setting=setting.replace(restart=0).to_json())


def _measure_accuracy(cell: Cell, setting: AccuracySetting, sources: Sources, on_progress: OnProgress) -> Measurement:
    schedule, how = setting.schedule, setting.evaluated
    data = open_dataset(setting.dataset, sources.data_root, setting.dataset_options)
    torch.manual_seed(setting.seed)
    net = build(cell.spec, len(data.classes), schedule.pretraining == "imagenet", sources.weights_dir)

    def score(net: nn.Module, split: Split) -> Result:
        return evaluate(net, data.load(split), classes=len(data.classes), device=setting.device, how=how)

    samples = readable_fast(data.load("train"), setting.data_fingerprint, sources.side_by_side)
    log = train(
        net,
        samples,
        classes=len(data.classes),
        schedule=schedule,
        seed=setting.seed,
        device=setting.device,
        precision=setting.precision,
        aids=_aids(cell, sources, on_progress, lambda net: score(net, "val").miou.value),
    )
    course = {
        "epoch_losses": [round(loss, 4) for loss in log.losses],
        "validations": log.validations,
        "training_s": round(log.seconds, 2),
    }
    if len(log.losses) < schedule.epochs:
        return Measurement({}, course, paused=True)
    results = {split: score(net, split) for split in EVALUATED}
    if sources.trained is not None:
        sources.trained.save(cell.key, net)
    if sources.confusions is not None:
        sources.confusions.save(cell.key, {split: result.per_image for split, result in results.items()})
    if sources.predictions is not None:
        _keep_examples(cell.key, setting, net=net, data=data, predictions=sources.predictions)
    metrics: dict[str, float] = {}
    details: dict[str, Any] = course | _identity(net)
    for split, result in results.items():
        metrics |= miou_numbers(split, result)
        details |= score_tables(split, result)
    return Measurement(metrics, details)


def _keep_examples(key: str, setting: AccuracySetting, net: Network, data: Dataset, predictions: Predictions) -> None:
    """What the network sees in a few images of the validation split, for its card."""
    samples = data.load("val")
    chosen = [samples[place] for place in example_places(len(samples))]
    predictions.save_images(
        setting.data_fingerprint, [small_image(s.image) for s in chosen], [small_mask(s.mask) for s in chosen]
    )
    predictions.save(key, predicted_examples(net, samples, setting.device, setting.evaluated))


def _aids(cell: Cell, sources: Sources, on_progress: OnProgress, validate: Callable[[nn.Module], float]) -> Aids:
    watch = cell.watch or Watch(())
    return Aids(
        on_progress=lambda done: on_progress(done.share * (1 - _EVALUATION_SHARE), str(done)),
        checkpoint=sources.trained.checkpoint(cell.key) if sources.trained else None,
        validate=validate,
        validate_after=watch.validate_after,
        stop_after=watch.stop_after,
    )


def _identity(net: Network) -> dict[str, str]:
    """What must be equal for two measurements to be of the same network."""
    return {"weights_hash": weights_fingerprint(net), "graph_hash": graph_hash(net)}
