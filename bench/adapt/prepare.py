"""Check everything that an adaptation needs, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.accuracy.precision import fastest_precision, own_way
from bench.accuracy.recipes import load_recipe
from bench.adapt.budgets import read_budgets
from bench.adapt.images import dataset_label, domain_images
from bench.adapt.inference import read_steps
from bench.adapt.plan import Request
from bench.adapt.recipe import ARMS, UPDATES
from bench.adapt.start import IMAGENET, Start, build_from, find_start
from bench.adapt.unlabelled import read_unlabelled
from bench.data import open_dataset
from bench.data.base import Dataset
from bench.errors import UserError, did_you_mean
from bench.latency.runtimes.limits import check_compiler
from bench.settings.adaptation import Arm, Choice
from bench.system.machine import machine_facts
from variants.names import parse_name
from variants.network import check_variant
from variants.spec import VariantSpec

_OURS = "frm"
_MOST_SOURCE_IMAGES = 64
"""That steps are matched to."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of the command, as they were typed. source: name and root of the data that --from was trained on."""

    specs: Sequence[str]
    data: str
    root: Path | None
    options: Mapping[str, Any]
    start: Sequence[str] = (IMAGENET,)
    labels: str | None = None
    seeds: int = 3
    arms: str = "as_is,full"
    steps: str | None = None
    updates: int = UPDATES
    recipe: str | None = None
    choice: Choice = "balanced"
    source: tuple[str, Path | None] | None = None
    weights_dir: Path | None = None
    device: str | None = None
    workers: int | None = None
    name: str | None = None


@dataclass(frozen=True)
class Prepared:
    """left_out: what was asked for and cannot be, in words."""

    request: Request
    left_out: Sequence[str]


def prepare(asked: Asked, results: Path) -> Prepared:
    """Open and check.

    Args:
        results: folder of all sweeps, where checkpoints and their classes stand.

    Raises:
        UserError: with what to pass instead.
        VariantError: a variant that cannot be built.
    """
    specs = [parse_name(name) for name in asked.specs]
    twice = next((spec.name for spec in specs if specs.count(spec) > 1), None)
    if twice is not None:
        raise UserError(f"{twice} is named twice")
    for spec in specs:
        check_variant(spec)
    arms = _read_arms(asked.arms)
    inferences = read_steps(asked.steps)
    changes = load_recipe(asked.recipe, Path()) if asked.recipe else {}
    dataset = open_dataset(asked.data, asked.root, dict(asked.options))
    dataset.check()
    starts = _starts(asked, specs, results)
    budgets, too_large = read_budgets(asked.labels, dataset.count("train"))
    source = domain_images(*asked.source, {}, False).at_most(_MOST_SOURCE_IMAGES) if asked.source else ()
    device = _device(asked.device)
    if changes.get("compile") and device == "cpu":
        check_compiler()
    for spec in specs:
        if "frozen" in arms and spec.network != _OURS:
            raise UserError(
                f"{spec.name} is not built as ours are, backbone, module and FPN: its backbone cannot be taken out. "
                "Leave the arm `frozen` out."
            )
        build_from(starts[spec], spec, dataset.classes, asked.weights_dir)  # refused now, not after the first training
    request = Request(
        name=_name(asked),
        specs=specs,
        starts=starts,
        dataset=dataset,
        dataset_options=asked.options,
        budgets=budgets,
        seeds=range(asked.seeds),
        arms=arms,
        inferences=inferences,
        way=(device, fastest_precision(device)),
        updates=asked.updates,
        changes=changes,
        choice=asked.choice,
        source=list(source),
        folder=read_unlabelled(asked.root, dataset),
        weights_dir=asked.weights_dir,
        workers=asked.workers or (machine_facts()["cores"] if device == "cpu" else 1),
        any_way=asked.device is None,
    )
    return Prepared(request, [*_beyond(too_large, dataset), *_impossible(request)])


def _device(asked: str | None) -> str:
    device = asked or own_way()[0]
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device cuda: torch {torch.__version__} sees no CUDA device here. Leave it out.")
    return device


def _name(asked: Asked) -> str:
    """The folder below results/adapt/: one name, which leads nowhere else."""
    name = asked.name or dataset_label(asked.data, asked.root)
    if name in (".", "..") or not name.strip() or set(name) & set("/\\\0"):
        raise UserError(f"--name {name!r} is no name of a folder. Pass one without slashes.")
    return name


def _read_arms(text: str) -> list[Arm]:
    names = [word.strip() for word in text.split(",")]
    for name in names:
        if name not in ARMS:
            raise UserError(f"--arms: {name!r} is not one of {', '.join(ARMS)}.{did_you_mean(name, ARMS)}")
    return [arm for arm in ARMS if arm in names]


def _starts(asked: Asked, specs: Sequence[VariantSpec], results: Path) -> dict[VariantSpec, Start]:
    """One for all variants, or one for each in their order."""
    sources = list(asked.start) * len(specs) if len(asked.start) == 1 else list(asked.start)
    if len(sources) != len(specs):
        raise UserError(
            f"--from is given {len(sources)} times for {len(specs)} variants: once for all (a sweep that trained them, "
            "or imagenet), or once for each, in their order."
        )
    return {
        spec: find_start(source, spec, results, asked.weights_dir) for spec, source in zip(specs, sources, strict=True)
    }


def _beyond(budgets: Sequence[int], dataset: Dataset) -> list[str]:
    if not budgets:
        return []
    return [f"{', '.join(map(str, budgets))} labels: the training split holds {dataset.count('train')} images"]


def _impossible(request: Request) -> list[str]:
    words = []
    unknown = [spec.name for spec in request.specs if not request.starts[spec].knows(request.dataset.classes)]
    if "as_is" in request.arms and unknown:
        words.append(f"{', '.join(unknown)} as it is: its head does not know all classes of these data")
    matching = [inference.name for inference in request.inferences if inference.looks_at_training_images]
    if "as_is" in request.arms and matching and not len(request.source):
        words.append(
            f"{', '.join(matching)} on the network as it is: pass --source NAME --source-root DIR, the data that "
            "--from was trained on"
        )
    if "semi" in request.arms and not len(request.folder) and len(request.train) in request.budgets:
        words.append("the mean teacher with all labels: no image is left without one (unlabelled/ may hold more)")
    return words
