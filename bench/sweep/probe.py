"""Seconds that a cell will take, from one training step and one forward pass a backbone, in a worker process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from bench.accuracy.contrastive import contrastive_term
from bench.accuracy.precision import autocast, fast_gradients
from bench.cost.count import count_variant
from bench.data import Split
from bench.errors import UserError
from bench.settings.accuracy import AccuracySetting, TrainPrecision
from bench.settings.cost import CostSetting
from bench.settings.latency import ProcessSetting
from bench.settings.runtimes import RuntimeName
from bench.settings.schedule import Schedule
from bench.sweep.cells import Cell
from bench.sweep.forecast import Place, place_of
from bench.sweep.pool import code_that_measures, interrupts_held_back
from bench.sweep.worker import become_worker
from bench.system.fork_server import worker_context
from variants.network import Network, build
from variants.spec import VariantSpec

_PROBE_BATCH = 2
_UNKNOWN_S = 60.0
_WARM_UP_PASSES = 12
_PREPARING_S: dict[RuntimeName, float] = {
    "eager": 0.5,
    "compile": 30.0,
    "onnxruntime": 5.0,
    "openvino": 5.0,
    "cudagraph": 2.0,
}
"""Of a network in a new process, before its first pass: exporting, compiling."""


def probe_seconds(cells: list[Cell], samples: dict[Split, int], image_size: tuple[int, int]) -> dict[Place, float]:
    """Measure one cell of each (group, network, backbone): the last, which is the costliest in most spaces.

    In a process of its own: a probe for which memory runs out takes only that with it, and its cell gets a guess.

    Args:
        cells: the cells to forecast.
        samples: images by split.
        image_size: width and height of the data set's images.
    """
    left = {place_of(cell): cell for cell in cells}
    probed: dict[Place, float] = {}
    while left:
        for place, seconds in zip(left, _ask_worker([*left.values()], samples, image_size), strict=False):
            probed[place] = seconds
        left = {place: cell for place, cell in left.items() if place not in probed}
        if left:  # the worker was ended at the first of these
            probed[next(iter(left))] = _UNKNOWN_S
            left.pop(next(iter(left)))
    return probed


def _ask_worker(cells: list[Cell], samples: dict[Split, int], image_size: tuple[int, int]) -> Iterator[float]:
    """The seconds of each cell in order, of fewer where the worker was ended."""
    context = worker_context(*code_that_measures(cell.spec for cell in cells))
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(cells, samples, image_size, sender))
    with interrupts_held_back():
        process.start()
    sender.close()
    try:
        for _ in cells:
            yield receiver.recv()
    except EOFError:
        return
    finally:
        process.kill()
        process.join()
        receiver.close()


def _work(cells: list[Cell], samples: dict[Split, int], image_size: tuple[int, int], pipe: Connection) -> None:
    """Send the seconds of each cell. The body of the worker."""
    become_worker(Path(os.devnull))
    torch.set_num_threads(1)
    for cell in cells:
        pipe.send(_probe_or_guess(cell, samples, image_size))


def _probe_or_guess(cell: Cell, samples: dict[Split, int], image_size: tuple[int, int]) -> float:
    """A variant that cannot run fails in its own cell and gets its record there, not here."""
    try:
        return _probe(cell, samples, image_size)
    except (RuntimeError, ValueError, TypeError, AssertionError, MemoryError, UserError):
        return _UNKNOWN_S


def _probe(cell: Cell, samples: dict[Split, int], image_size: tuple[int, int]) -> float:
    match cell.setting:
        case CostSetting() as setting:
            return _cost_seconds(cell.spec, setting.classes, setting.size)
        case ProcessSetting() as setting:
            passes = (_WARM_UP_PASSES + setting.samples) * setting.batch
            net = _build(cell.spec, setting.classes)
            return passes * _forward_seconds(net, setting.size) + _PREPARING_S[setting.runtime]
        case AccuracySetting() as setting:
            looks = len(cell.watch.validate_after) if cell.watch else 0
            return _accuracy_seconds(cell.spec, setting, looks=looks, samples=samples, image_size=image_size)


def _build(spec: VariantSpec, classes: int) -> Network:
    return build(spec, classes).to(memory_format=torch.channels_last)


def _accuracy_seconds(
    spec: VariantSpec, setting: AccuracySetting, looks: int, samples: dict[Split, int], image_size: tuple[int, int]
) -> float:
    schedule, net = setting.schedule, _build(spec, len(setting.classes))
    step = _step_seconds(net, schedule, schedule.crop or image_size, setting.precision)
    images = samples["val"] * (1 + looks) + samples["test"]
    evaluation = images * setting.evaluated.passes * _forward_seconds(net, image_size)
    return schedule.epochs * samples["train"] * step + evaluation


def _cost_seconds(spec: VariantSpec, classes: int, size: tuple[int, int]) -> float:
    start = time.perf_counter()
    count_variant(spec, classes, *size)
    return time.perf_counter() - start


def _forward_seconds(net: nn.Module, size: tuple[int, int]) -> float:
    image = torch.rand(1, 3, size[1], size[0])
    net.eval()
    with torch.inference_mode():
        net(image[..., :64, :64])
        start = time.perf_counter()
        net(image)
    return time.perf_counter() - start


def _step_seconds(net: nn.Module, schedule: Schedule, size: tuple[int, int], precision: TrainPrecision) -> float:
    """Seconds an image of one training step, with the contrastive term where the schedule has it."""
    images = torch.rand(_PROBE_BATCH, 3, size[1], size[0])
    net.train()
    with contrastive_term(net, schedule, size, steps=1) as contrast, fast_gradients("cpu", net):
        for _ in range(2):  # the first pass also allocates
            start = time.perf_counter()
            with autocast("cpu", precision):
                logits = net(images)
            logits = logits.float()
            targets = logits.detach().argmax(dim=1)
            loss = F.cross_entropy(logits, targets)
            if contrast is not None:
                loss = loss + contrast.weighted(contrast.steps_without, logits, targets)
            torch.autograd.backward(loss)
    return (time.perf_counter() - start) / _PROBE_BATCH
