"""What an adaptation says as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.metrics import METRICS, SCORE

if TYPE_CHECKING:
    from bench.adapt.plan import Training
    from bench.adapt.run import Tally
    from bench.adapt.step_timing import Timing
    from bench.adapt.work import Work
    from bench.storage.records import AdaptationRecord, StepRecord


def say_training(training: Training, records: Sequence[AdaptationRecord], tally: Tally) -> None:
    """A line a network, with what its steps gave."""
    from bench.sweep.forecast import duration_words

    left = f" · {duration_words(tally.seconds_left)} left" if tally.seconds_left else ""
    took = f"({records[0].seconds:.0f} s{left})"
    if records[0].status == "failed":
        say(f"[{tally.done}/{tally.trainings}] {training}: FAILED, {records[0].reason}  {took}")
        return
    say(f"[{tally.done}/{tally.trainings}] {training}: mIoU val {_miou(records[0])} %{_steps(records)}  {took}")


def say_work(work: Work, updates: int, each: bool = False) -> None:
    """What is to be done; with `each`, every training and timing on stdout."""
    say(
        f"to train: {len(work.trainings)} of {work.trainings_in_all}, {updates} updates each; the others are done"
        f"{_timing_words(work.timings, work.timings_in_all)}"
    )
    for line in [*map(str, work.trainings), *(f"time of {timing}" for timing in work.timings)] if each else []:
        click.echo(line)


def _timing_words(to_time: Sequence[Timing], planned: int) -> str:
    """ "; to time: 14 of 14 (7 steps of 2 variants)"; nothing where no step is to be timed."""
    if not to_time:
        return ""
    steps, variants = len({timing.inference for timing in to_time}), len({timing.spec for timing in to_time})
    of = f"{steps} step{'s' * (steps > 1)} of {variants} variant{'s' * (variants > 1)}"
    return f"; to time: {len(to_time)} of {planned} ({of})"


def say_timing(timing: Timing, record: StepRecord) -> None:
    """A line a step and variant."""
    from bench.adapt.analysis.step_times import step_time
    from bench.adapt.render.step_times import added_words

    words = f"FAILED, {record.reason}" if record.status == "failed" else added_words([step_time(record)])
    say(f"timed {timing}: {words}  ({record.seconds:.0f} s)")


def _steps(records: Sequence[AdaptationRecord]) -> str:
    words = [f"{record.setting.step} {_miou(record)}" for record in records[1:]]
    return f"; {', '.join(words)}" if words else ""


def _miou(record: AdaptationRecord) -> str:
    return METRICS[SCORE].show(record.metrics[SCORE])
