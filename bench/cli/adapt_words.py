"""What an adaptation says as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cli.say import say
from bench.metrics import METRICS

if TYPE_CHECKING:
    from bench.adapt.plan import Training
    from bench.adapt.run import Tally
    from bench.records import Record


def say_training(training: Training, records: Sequence[Record], tally: Tally) -> None:
    """A line a network, with what its steps gave."""
    from bench.sweep.forecast import duration_words

    left = f" · {duration_words(tally.seconds_left)} left" if tally.seconds_left else ""
    took = f"({records[0].seconds:.0f} s{left})"
    if records[0].status == "failed":
        say(f"[{tally.done}/{tally.trainings}] {training}: FAILED, {records[0].reason}  {took}")
        return
    say(f"[{tally.done}/{tally.trainings}] {training}: mIoU val {_miou(records[0])} %{_steps(records)}  {took}")


def _steps(records: Sequence[Record]) -> str:
    words = [f"{record.setting['step']} {_miou(record)}" for record in records[1:]]
    return f"; {', '.join(words)}" if words else ""


def _miou(record: Record) -> str:
    return METRICS["miou_val"].show(record.metrics["miou_val"])
