"""Train one network of a plan and judge it with each choice of steps: training -> records."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import torch

from bench.accuracy.course import TrainingLog
from bench.accuracy.evaluate import Result, evaluate
from bench.accuracy.numbers import miou_numbers, score_tables
from bench.accuracy.train import train
from bench.accuracy.trained_weights import TrainedWeights
from bench.adapt.frozen import FrozenTrainer
from bench.adapt.inference import Inference, stepped
from bench.adapt.mean_teacher import train_mean_teacher
from bench.adapt.plan import Request, Training
from bench.adapt.recipe import ARMS
from bench.adapt.start import build_from
from bench.cost.count import count_variant
from bench.data.splits import Split
from bench.errors import DiskError, UserError, describe_failure
from bench.storage.confusions import Confusions
from bench.storage.records import AdaptationRecord
from bench.storage.store import Store
from bench.system.machine import Origin, commit
from variants.network import Network
from variants.spec import VariantSpec

JUDGED: tuple[Split, ...] = ("val", "test")
"""The test split of the plain network alone: nobody shall choose a step by it."""


class Adapter:
    """Does the trainings of a request, one at a time; features of a frozen backbone are kept between them."""

    def __init__(self, request: Request, store: Store) -> None:
        """`store`: of adaptations, below results/adapt; confusion matrices and last weights are left there."""
        self.request = request
        self.confusions = Confusions(store.root, request.name)
        self.weights = TrainedWeights(store.root, request.name)
        self._frozen: dict[VariantSpec, FrozenTrainer] = {}
        self._costs: dict[tuple[VariantSpec, float], dict[str, float]] = {}

    def records(self, training: Training) -> list[AdaptationRecord]:
        """One a choice of steps; a failure is a record too.

        Raises:
            DiskError: the disk is full.
        """
        started, start = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        try:
            return self._done(training, started)
        except DiskError:
            raise
        except (MemoryError, RuntimeError, UserError) as error:  # RuntimeError: a full memory too
            reason, seconds = describe_failure(error), time.perf_counter() - start
            return [self._record(training, i, started, seconds, reason=reason) for i in training.keys]

    def _done(self, training: Training, started: str) -> list[AdaptationRecord]:
        start = time.perf_counter()
        net, log = self._train(training)
        seconds = time.perf_counter() - start
        if training.labels == len(self.request.train) and training.seed == self.request.seeds[0]:
            self.weights.save(training.keys[self.request.inferences[0]], net)
        trained = {
            "training_s": round(seconds, 2),
            "epoch_losses": [round(loss, 4) for loss in log.losses],
            "updates": self._updates(training),
            "labelled": self._labelled(training),
        }
        return [
            self._judge(training, inference, net=net, started=started, trained=trained) for inference in training.keys
        ]

    def _train(self, training: Training) -> tuple[Network, TrainingLog]:
        request, schedule = self.request, training.schedule
        device, precision = request.way
        torch.manual_seed(training.seed)
        net = build_from(request.starts[training.spec], training.spec, request.dataset.classes, request.weights_dir)
        if schedule is None:
            return net, TrainingLog()
        classes, chosen = len(request.dataset.classes), self._labelled(training)
        if training.arm == "frozen":
            trainer = self._frozen_trainer(training.spec, net)
            return net, trainer.train(
                net, chosen, request.train, classes=classes, schedule=schedule, seed=training.seed
            )
        samples = [request.train[index] for index in chosen]
        if training.arm == "semi":
            return net, train_mean_teacher(
                net,
                samples,
                unlabelled=request.without_labels(chosen),
                classes=classes,
                schedule=schedule,
                how=request.teacher,
                seed=training.seed,
                device=device,
                precision=precision,
            )
        return net, train(
            net, samples, classes=classes, schedule=schedule, seed=training.seed, device=device, precision=precision
        )

    def _frozen_trainer(self, spec: VariantSpec, net: Network) -> FrozenTrainer:
        """One a variant: the start's backbone is the same for all budgets and seeds."""
        if spec not in self._frozen:
            self._frozen.clear()  # the features of the variant before it are done with
            request = self.request
            like = build_from(request.starts[spec], spec, request.dataset.classes, request.weights_dir)
            self._frozen[spec] = FrozenTrainer(like, request.size, *request.way, request.workers)
        return self._frozen[spec]

    def _labelled(self, training: Training) -> list[int]:
        return self.request.order(training.seed)[: training.labels]

    def _judge(
        self, training: Training, inference: Inference, net: Network, started: str, trained: dict[str, Any]
    ) -> AdaptationRecord:
        start = time.perf_counter()
        request, device = self.request, self.request.way[0]
        target = request.without_labels(()) if inference.looks_at_new_images else []
        source = request.source
        if inference.looks_at_training_images and training.labels:
            source = [request.train[index].image for index in self._labelled(training)]
        step = inference.fit(source or target, target)
        judged = inference.network(net, target, step, device)
        results: dict[Split, Result] = {
            split: evaluate(
                judged,
                stepped(request.dataset.load(split), step),
                classes=len(request.dataset.classes),
                device=device,
                how=inference.evaluation(),
            )
            for split in (JUDGED if inference.is_nothing else JUDGED[:1])
        }
        self.confusions.save(training.keys[inference], {split: r.per_image for split, r in results.items()})
        metrics: dict[str, float] = {}
        details = trained | {"cost": self._cost(training.spec, inference.scale)}
        for split, result in results.items():
            metrics |= miou_numbers(split, result)
            details |= score_tables(split, result)
        seconds = trained["training_s"] + time.perf_counter() - start
        return self._record(training, inference, started=started, seconds=seconds, metrics=metrics, details=details)

    def _updates(self, training: Training) -> int:
        if training.schedule is None:
            return 0
        return training.schedule.epochs * max(1, training.labels // min(training.schedule.batch_size, training.labels))

    def _cost(self, spec: VariantSpec, scale: float) -> dict[str, float]:
        """Of one image of the training images' size, as the network gets it."""
        if (spec, scale) not in self._costs:
            width, height = (max(1, round(side * scale)) for side in self.request.size)
            counted = count_variant(spec, len(self.request.dataset.classes), width, height)
            self._costs[spec, scale] = dict(counted.metrics())
        return self._costs[spec, scale]

    def _record(
        self,
        training: Training,
        inference: Inference,
        started: str,
        seconds: float,
        metrics: dict[str, float] | None = None,
        details: dict[str, Any] | None = None,
        reason: str | None = None,
    ) -> AdaptationRecord:
        origin, request = Origin.here(), self.request
        words = {
            "data": f"{request.dataset.name}: {request.dataset.describe()}",
            "start": request.starts[training.spec].describe(request.dataset.classes),
            "arm": ARMS[training.arm] + (f": {request.teacher.describe()}" if training.arm == "semi" else ""),
            "step": inference.describe(),
            "updates": f"{self._updates(training)} updates",
            **({"schedule": training.schedule.describe_steps()} if training.schedule else {}),
        }
        return AdaptationRecord(
            setting=training.settings[inference],
            key=training.keys[inference],
            variant=training.spec.name,
            spec_hash=training.spec.content_hash,
            spec=training.spec.to_json(),
            words=words,
            status="failed" if reason else "ok",
            reason=reason,
            metrics=metrics or {},
            details=details or {},
            machine=origin.machine,
            machine_id=origin.machine_id,
            versions=origin.versions,
            commit=commit(),
            started=started,
            seconds=round(seconds, 2),
        )
