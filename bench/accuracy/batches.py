"""Training batches, step by step. Which images and which crops depend on the seed and the step alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.accuracy.augment import Augment
from bench.data.base import Sample
from bench.settings.schedule import Schedule

Batch = tuple[Tensor, Tensor]
_ORDER, _CROPS = 0, 1
"""What random numbers are for: no two purposes share a stream."""


class Batches:
    """The batches of a training.

    threads: that make batches ahead of the steps, for a device that trains while the processor resizes; 0 makes each
    when it is asked for.
    """

    def __init__(self, samples: Sequence[Sample], schedule: Schedule, seed: int, threads: int = 0) -> None:
        self.samples, self.seed, self.threads = samples, seed % 2**64, threads
        self.size = min(schedule.batch_size, len(samples))
        self.steps_per_epoch = len(samples) // self.size
        self._augment = Augment(schedule)
        self._order = lru_cache(maxsize=4)(self._order_of)

    def between(self, start: int, end: int) -> Iterator[Batch]:
        """Those of the steps from `start` to before `end`."""
        if not self.threads:
            yield from map(self._make, range(start, end))
            return
        with ThreadPoolExecutor(self.threads) as pool:
            ahead: deque[Future[Batch]] = deque()
            try:
                for step in range(start, end):
                    ahead.append(pool.submit(self._make, step))
                    if len(ahead) > 2 * self.threads:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _make(self, step: int) -> Batch:
        epoch, at = divmod(step, self.steps_per_epoch)
        chosen = self._order(epoch)[at * self.size : (at + 1) * self.size]
        return self._augment.batch([self.samples[i] for i in chosen], self._random(_CROPS, step))

    def _order_of(self, epoch: int) -> NDArray[np.int64]:
        return self._random(_ORDER, epoch).permutation(len(self.samples))

    def _random(self, purpose: int, index: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, purpose, index))
