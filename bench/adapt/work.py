"""What of an adaptation is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.adapt.plan import Request, Training, plan_trainings
from bench.adapt.step_timing import Timing, plan_timings
from bench.errors import UserError
from bench.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class Work:
    """trainings, timings: to do. keys: of all records that the adaptation consists of."""

    trainings: Sequence[Training]
    timings: Sequence[Timing]
    keys: list[str]
    trainings_in_all: int
    timings_in_all: int


def plan_work(request: Request, store: Store) -> Work:
    """All that was asked for, less what has its records.

    Args:
        store: of adaptations.

    Raises:
        UserError: there is nothing to train or to judge.
    """
    done = {record.key for record in store.read(request.name) if record.status == "ok"}
    trainings, timings = plan_trainings(request, done), plan_timings(request)
    if not trainings:
        raise UserError(
            "nothing is left to train or to judge: see what is left out above, and pass other --labels or --arms."
        )
    keys = [*(key for training in trainings for key in training.keys.values()), *(timing.key for timing in timings)]
    return Work(
        trainings=[training for training in trainings if not set(training.keys.values()) <= done],
        timings=[timing for timing in timings if timing.key not in done],
        keys=keys,
        trainings_in_all=len(trainings),
        timings_in_all=len(timings),
    )
