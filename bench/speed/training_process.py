"""A training that is raced, in a process of its own as it has in a sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from bench.accuracy.huge_pages import use_huge_pages
from bench.data import open_dataset
from bench.data.base import Dataset, Sample
from bench.data.files import FileDataset
from bench.errors import UserError, describe_failure
from bench.settings.accuracy import TrainPrecision
from bench.settings.schedule import Schedule
from bench.system.fork_server import end_with_parent, worker_context
from variants.network import build
from variants.spec import VariantSpec

Loop = Literal["plain", "plain from memory", "bench"]
"""The plain loop reads each image when it is asked for it; from memory: without the time that this takes."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A variant, its data and its schedule, as another process can be told them."""

    spec: VariantSpec
    data_name: str
    data_root: Path | None
    data_options: dict[str, Any]
    schedule: Schedule
    weights_dir: Path | None
    precision: TrainPrecision

    def check(self) -> None:
        """Refuse here what would fail in every process.

        Raises:
            UserError: the data or the weights are not there.
            VariantError: the variant cannot be built.
        """
        self.dataset().check()
        self.net()

    def dataset(self) -> Dataset:
        """The data set, not read yet."""
        return open_dataset(self.data_name, self.data_root, self.data_options)

    @property
    def has_files(self) -> bool:
        """Whether images are read, and not drawn."""
        return isinstance(self.dataset(), FileDataset)

    def train_split(self, from_memory: bool) -> Sequence[Sample]:
        """Read when asked, or before. What is drawn is drawn before, for no loop draws its images."""
        samples = self.dataset().load("train")
        return list(samples) if from_memory or not self.has_files else samples

    def net(self, seed: int = 0) -> nn.Module:
        """Before training."""
        torch.manual_seed(seed)
        classes = len(self.dataset().classes)
        return build(self.spec, classes, self.schedule.pretraining == "imagenet", self.weights_dir)


@dataclass(frozen=True)
class _Failed:
    """What a process says in place of an answer."""

    reason: str


def hear(pipes: Sequence[Connection]) -> list[Any]:
    """What all say, once they are done.

    Raises:
        UserError: a training failed, or was ended from outside.
    """
    try:
        answers = [pipe.recv() for pipe in pipes]
    except EOFError:
        raise UserError(
            "a training was ended from outside, perhaps for lack of memory. Run it again with fewer --threads."
        ) from None
    for answer in answers:
        if isinstance(answer, _Failed):
            raise UserError(f"a training failed: {answer.reason}")
    return answers


@contextmanager
def process(do: Callable[..., None], subject: Subject, loop: Loop, threads: int, *rest: Any) -> Iterator[Connection]:
    """A process of a training, set up as a loop has it, and what it is heard by."""
    context = worker_context(__name__)
    ours, theirs = context.Pipe()
    training = context.Process(target=_begin, args=(do, theirs, subject, loop, threads, *rest), daemon=True)
    training.start()
    theirs.close()
    try:
        yield ours
    finally:
        training.terminate()
        training.join()
        ours.close()


def _begin(do: Callable[..., None], pipe: Connection, subject: Subject, loop: Loop, threads: int, *rest: Any) -> None:
    end_with_parent()
    torch.set_num_threads(threads)
    if loop == "bench":
        use_huge_pages()
    try:
        do(pipe, subject, loop, *rest)
    except Exception as error:
        pipe.send(_Failed(describe_failure(error)))
