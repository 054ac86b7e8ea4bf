"""What an adaptation has to train and to judge, with the keys that tell what is done."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bench.adapt.batch_norm import METHOD as BATCH_NORM_METHOD
from bench.adapt.budgets import class_presence, labelling_order
from bench.adapt.inference import Inference
from bench.adapt.recipe import ARMS, UPDATES, schedule_for
from bench.adapt.start import Start
from bench.adapt.steps import Picture, step_versions
from bench.data.base import Dataset, Sample, fits_in_memory
from bench.settings.accuracy import TRAINING_METHOD, TRAINING_WAYS, TrainingWay
from bench.settings.adaptation import (
    ADAPTATION_METHOD,
    NO_STEP,
    AdaptationSetting,
    Arm,
    Choice,
    MeanTeacher,
    Unlabelled,
)
from bench.settings.schedule import Schedule
from bench.storage.records import make_key
from variants.fingerprint import code_fingerprint
from variants.spec import VariantSpec


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for, checked.

    name: folder below results/adapt/. starts: one a variant. budgets: ascending. source: images that the checkpoint was
    trained on, for steps that match them; empty: unknown. folder: unlabelled images beside the data set.
    """

    name: str
    specs: Sequence[VariantSpec]
    starts: Mapping[VariantSpec, Start]
    dataset: Dataset
    dataset_options: Mapping[str, Any]
    budgets: Sequence[int]
    seeds: Sequence[int]
    arms: Sequence[Arm]
    inferences: Sequence[Inference]
    way: TrainingWay
    updates: int = UPDATES
    changes: Mapping[str, Any] = field(default_factory=dict)
    choice: Choice = "balanced"
    teacher: MeanTeacher = field(default_factory=MeanTeacher)
    source: Sequence[Picture] = ()
    folder: Sequence[Picture] = ()
    weights_dir: Path | None = None
    workers: int = 1
    """Processes side by side."""
    any_way: bool = True
    """Whether trainings of other devices and precisions count as done."""

    @cached_property
    def train(self) -> Sequence[Sample]:
        """The training split."""
        samples = self.dataset.load("train")
        return list(samples) if fits_in_memory(samples) else samples

    def order(self, seed: int) -> list[int]:
        """In which the training images are labelled."""
        return labelling_order(self._presence, seed, self.choice)

    @cached_property
    def _presence(self) -> Any:
        return class_presence(self.train, len(self.dataset.classes))

    def without_labels(self, chosen: Sequence[int]) -> list[Picture]:
        """The training images but the chosen ones, and those of the folder."""
        rest = sorted(set(range(len(self.train))) - set(chosen))
        return [*(self.train[index].image for index in rest), *self.folder]

    @property
    def arms_with_steps(self) -> set[Arm]:
        """Whose networks are judged with steps: as they are, and of the first arm that trains."""
        return {"as_is", *[arm for arm in self.arms if arm != "as_is"][:1]}

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height that trainings crop to: the commonest of the training images."""
        sizes = [sample.image.shape[1::-1] for sample in self.train]
        width, height = max(sizes, key=sizes.count)
        return max(32, width), max(32, height)

    @cached_property
    def folder_fingerprint(self) -> str:
        """12 hex digits of the unlabelled images beside the data set."""
        return _fingerprint(self.folder)

    @cached_property
    def source_fingerprint(self) -> str:
        """12 hex digits of the images that steps match."""
        return _fingerprint(self.source)


def _fingerprint(images: Sequence[Picture]) -> str:
    """12 hex digits of shapes and pixels; "" of none."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()[:12] if len(images) else ""


@dataclass(frozen=True, kw_only=True)
class Training:
    """One network: a variant, an arm, a budget and a seed; and how it is then judged, with the key of each record."""

    spec: VariantSpec
    arm: Arm
    labels: int
    seed: int
    schedule: Schedule | None
    """None: as it is."""
    settings: Mapping[Inference, AdaptationSetting]
    keys: Mapping[Inference, str]

    def __str__(self) -> str:
        if self.arm == "as_is":
            return f"{self.spec.name}, as it is"
        return f"{self.spec.name}, {ARMS[self.arm]}, {self.labels} labels, seed {self.seed}"


def plan_trainings(request: Request, done: Set[str] = frozenset()) -> list[Training]:
    """All trainings, variant by variant and seed by seed, small budgets first.

    Left out: the mean teacher where no image is without a label; a variant as it is where its head has other classes.

    Args:
        done: keys of records. A training that was done in another way, as on a GPU, is not done again.
    """
    return [
        _known_training(request, spec, arm=arm, labels=labels, seed=seed, done=done)
        for spec in request.specs
        for seed in request.seeds
        for labels, arm in _points(request, spec, seed)
    ]


def _points(request: Request, spec: VariantSpec, seed: int) -> Iterator[tuple[int, Arm]]:
    if "as_is" in request.arms and seed == request.seeds[0] and request.starts[spec].knows(request.dataset.classes):
        yield 0, "as_is"
    for labels in request.budgets:
        for arm in request.arms:
            has_unlabelled = labels < len(request.train) or len(request.folder)
            if arm != "as_is" and (arm != "semi" or has_unlabelled):
                yield labels, arm


def _known_training(request: Request, spec: VariantSpec, arm: Arm, labels: int, seed: int, done: Set[str]) -> Training:
    """By the machine's own way, unless it was done by another one."""
    own = _training(request, spec, arm=arm, labels=labels, seed=seed, way=request.way)
    ways = [way for way in TRAINING_WAYS if way != request.way] if request.any_way else []
    others = (_training(request, spec, arm=arm, labels=labels, seed=seed, way=way) for way in ways)
    return next((t for t in (own, *others) if done and set(t.keys.values()) <= done), own)


def _training(request: Request, spec: VariantSpec, arm: Arm, labels: int, seed: int, way: TrainingWay) -> Training:
    schedule = (
        None
        if arm == "as_is"
        else schedule_for(arm, labels, size=request.size, updates=request.updates, changes=request.changes)
    )
    common = _setting(request, spec, arm=arm, labels=labels, seed=seed, schedule=schedule, way=way)
    settings = {}
    for inference in request.inferences if arm in request.arms_with_steps else request.inferences[:1]:
        if inference.looks_at_training_images and arm == "as_is" and not len(request.source):
            continue  # nothing to match
        settings[inference] = common.replace(**_inference_fields(request, arm, inference))
    code = code_fingerprint(spec)
    keys = {
        inference: make_key(
            method=ADAPTATION_METHOD,
            train_method=TRAINING_METHOD,
            spec=spec.content_hash,
            code=code,
            setting=setting.to_json(),
        )
        for inference, setting in settings.items()
    }
    return Training(spec=spec, arm=arm, labels=labels, seed=seed, schedule=schedule, settings=settings, keys=keys)


def _setting(
    request: Request, spec: VariantSpec, arm: Arm, labels: int, seed: int, schedule: Schedule | None, way: TrainingWay
) -> AdaptationSetting:
    """Of a network without a step."""
    device, precision = way
    is_semi = arm == "semi"
    images = len(request.train) - labels + len(request.folder)
    return AdaptationSetting(
        dataset=request.dataset.name,
        dataset_options=dict(request.dataset_options),
        data_fingerprint=request.dataset.fingerprint(),
        classes=request.dataset.classes,
        start=request.starts[spec].weights,
        start_classes=request.starts[spec].classes or (),
        arm=arm,
        labels=labels,
        of=len(request.train),
        choice=request.choice,
        seed=seed,
        size=request.size,
        device=device,
        precision=precision,
        step=NO_STEP,
        method=ADAPTATION_METHOD,
        schedule=schedule,
        teacher=request.teacher if is_semi else None,
        unlabelled=Unlabelled(images=images, folder=request.folder_fingerprint) if is_semi else None,
    )


def _inference_fields(request: Request, arm: Arm, inference: Inference) -> dict[str, Any]:
    """The step, and what it was fitted on, where that is not the labelled images."""
    fields: dict[str, Any] = {"step": inference.name}
    if inference.image or inference.batch_norm:
        fields["folder"] = request.folder_fingerprint
    if inference.image:
        fields["step_versions"] = step_versions(inference.image)
    if inference.batch_norm:
        fields["batch_norm_method"] = BATCH_NORM_METHOD
    if inference.looks_at_training_images and arm == "as_is":
        fields["source"] = request.source_fingerprint
    return fields
