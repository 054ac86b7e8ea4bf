"""Run steps one after the other within a budget: each once, whatever became of those before it."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from bench.errors import describe_failure, is_for_users
from bench.gpu_records.keeping import Done
from bench.gpu_records.process import OnLine, run_limited
from bench.gpu_records.steps import Step
from bench.storage.atomic_files import replacing
from bench.system.machine import commit

State = Literal["ok", "done before", "failed", "not started"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a step: in a word and in words, and the seconds that it took."""

    step: Step
    state: State
    words: str
    seconds: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether its result is there."""
        return self.state in ("ok", "done before")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Seconds for all steps.

    Attributes:
        seconds: from `since` on.
        since: when it began, by the clock.
        stretch: by which each step's own limit is lengthened.
    """

    seconds: float
    since: float
    stretch: float = 1.0
    clock: Callable[[], float] = time.monotonic

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (self.clock() - self.since)


def run_steps(
    steps: Sequence[Step],
    done: Done,
    budget: Budget,
    again: Collection[str],
    on_step: Callable[[Step], None],
    on_line: OnLine,
) -> Iterator[Outcome]:
    """Run what is not done, in order.

    Args:
        steps: to run.
        done: what was done before; a step that ends well is added.
        budget: a step does not start where it would not fit, and ends where it is used up.
        again: names of steps that are run though they are done.
        on_step: is told of a step before it starts.
        on_line: is given each line that a command says on stderr.

    Yields:
        What became of each step, when it has.
    """
    for step in steps:
        known = None if step.name in again else done.find(step)
        if known is not None:
            yield Outcome(step=step, state="done before", words=f"{known['words']} (at commit {known['commit']})")
        elif budget.left < step.least_s:
            words = f"it needs {step.least_s:.0f} s, and {max(0.0, budget.left):.0f} s of the budget are left"
            yield Outcome(step=step, state="not started", words=words)
        else:
            on_step(step)
            yield _run(step, done, budget, on_line)


def _run(step: Step, done: Done, budget: Budget, on_line: OnLine) -> Outcome:
    """Whatever goes wrong with a step, those behind it are to run: a GPU may be there for these minutes only."""
    start, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    try:
        done.forget(step)
        words = _call(step, budget, on_line)
        seconds = time.monotonic() - start
        done.add(step, words=words, seconds=round(seconds, 1), started=started, commit=commit())
    except Exception as error:
        if not is_for_users(error):
            on_line(traceback.format_exc())
        return Outcome(step=step, state="failed", words=describe_failure(error), seconds=time.monotonic() - start)
    return Outcome(step=step, state="ok", words=words, seconds=seconds)


def _call(step: Step, budget: Budget, on_line: OnLine) -> str:
    """What came out; the output is kept whatever that is, so long as it is whole."""
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        call = step.make_call(Path(folder))
        limit_s = min(step.seconds.limit * budget.stretch, budget.left)
        ended = run_limited(call.command, call.folder, limit_s, on_line)
    if step.keeps_output and _is_json(ended.output):
        with replacing(step.result) as new:
            new.write_text(ended.output, encoding="utf-8")
    return step.judge(ended)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
