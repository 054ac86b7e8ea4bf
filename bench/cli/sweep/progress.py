"""What a sweep says on stderr: a bar on a terminal, a line a record elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from bench.analysis.latency_quality import doubts_of
from bench.analysis.latency_records import metric_of
from bench.metrics import LOWER_BOUND, METRICS, SCORE, in_both_conventions
from bench.settings.accuracy import AccuracySetting
from bench.settings.base import Setting
from bench.storage.records import CostRecord, ProcessRecord, Record
from bench.sweep.forecast import duration_words
from bench.sweep.pool import Progress
from bench.sweep.run import Tally, Watcher

_LINE_EVERY_S = 60.0
"""Without a terminal to move a bar on."""


class SweepProgress(Watcher):
    """Shows how far the sweep is, with the time left. has_seeds: a variant is trained from several, which are named."""

    def __init__(self, total: int, has_seeds: bool) -> None:
        self.has_seeds = has_seeds
        self.console = Console(stderr=True)
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.1f}/{task.total:.0f} cells · {task.fields[left]}"),
            console=self.console,
            disable=not self.console.is_terminal or total == 0,
            transient=True,
        )
        self.task = self.bar.add_task("", total=total, left="")
        self._said: dict[str, str] = {}
        """What the cells that run said last, by key."""
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar away."""
        self.bar.stop()

    def on_progress(self, progress: Progress, tally: Tally, seconds_left: float) -> None:
        """Move the bar, and say how the trainings stand."""
        self._said[progress.cell.key] = progress.words
        self._move(tally, seconds_left)
        if not self.console.is_terminal and time.monotonic() - self._last_line >= _LINE_EVERY_S:
            self._last_line = time.monotonic()
            cell = progress.cell
            head = self._head(tally, cell.group, cell.spec.name, cell.setting)
            words = f"{100 * progress.share:.0f} %, {progress.words}  ({_left(seconds_left)})"
            self.console.print(head + words, highlight=False, markup=False, soft_wrap=True)

    def _move(self, tally: Tally, seconds_left: float) -> None:
        shares = sum(share for _, share in tally.running.values())
        running = " · ".join(self._said[key] for key in tally.running if self._said.get(key))
        self.bar.update(
            self.task, description=running, completed=tally.ended + shares, total=tally.total, left=_left(seconds_left)
        )

    def _head(self, tally: Tally, group: str, variant: str, setting: Setting) -> str:
        seed = f", seed {setting.seed}" if self.has_seeds and isinstance(setting, AccuracySetting) else ""
        return f"[{tally.ended}/{tally.total}] {group:8} {variant}{seed}: "

    def on_record(self, record: Record, tally: Tally, seconds_left: float) -> None:
        """Print the record's line and move the bar."""
        self._move(tally, seconds_left)
        head = self._head(tally, record.group, record.variant, record.setting)
        tail = f"  ({record.seconds:.0f} s · {_left(seconds_left)})"
        self.console.print(head + _result_words(record) + tail, highlight=False, markup=False, soft_wrap=True)


def _left(seconds: float) -> str:
    return f"{duration_words(seconds)} left"


def _result_words(record: Record) -> str:
    if record.status == "failed":
        return f"FAILED, {record.reason}"
    if record.status == "paused":
        looks = record.details["validations"]
        look = f"mIoU val {100 * looks[-1][1]:.1f} % after epoch {looks[-1][0]}" if looks else "not looked at yet"
        return record.reason or look
    values = record.metrics
    if isinstance(record, CostRecord):
        parameters = METRICS["parameters"]
        mark = LOWER_BOUND if record.details["unknown_operators"] else ""
        return f"{mark}{in_both_conventions(values['macs'])}, {parameters.show(values['parameters'])} M parameters"
    if isinstance(record, ProcessRecord):
        return _latency_words(record)
    miou = METRICS[SCORE]
    value, least, most = (miou.show(values[f"miou_val{end}"]) for end in ("", "_low", "_high"))
    return f"mIoU val {value} % (95 % interval {least} to {most})"


def _latency_words(record: ProcessRecord) -> str:
    name = metric_of(record)
    value, low, high = (METRICS[name].show(record.metrics[f"{name}{end}"]) for end in ("", "_low", "_high"))
    where = f"{record.setting.device} by {record.setting.runtime}, process {record.setting.restart + 1}"
    doubts = "; ".join(doubt.words for doubt in doubts_of(record.details))
    return f"{value} ms on {where} (quartiles {low} to {high}){f', DOUBTFUL: {doubts}' if doubts else ''}"
