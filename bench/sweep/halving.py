"""Train by successive halving: all variants to the first look, the best of them to the next, the last to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from bench.analysis.selection import settle
from bench.analysis.successive_halving import Decision, Rung, decide, plan_rungs
from bench.errors import UserError
from bench.settings.accuracy import AccuracySetting
from bench.stats.pareto import Point
from bench.storage.records import AccuracyRecord, Record
from bench.sweep.cells import Cell, Watch
from bench.sweep.pool import Finished, Progress

Run = Callable[[list[Cell]], Iterator[Progress | Finished]]


@dataclass(frozen=True)
class Stop:
    """A training that does not go on. record: where it stands, with the reason. is_new: not stopped so before."""

    cell: Cell
    record: Record
    is_new: bool


def plan_halving(cells: Sequence[Cell], done: int, spend: float) -> list[Rung]:
    """The rungs of a sweep.

    Args:
        cells: trainings that are to be done.
        done: variants whose trainings have ended before.
        spend: share of the epochs of the whole sweep.

    Raises:
        UserError: too little to spend, or trainings that are not looked at before their end.
    """
    settings = [cell.setting for cell in cells if isinstance(cell.setting, AccuracySetting)]
    if not settings:
        return []
    looks, epochs = cells[0].watch.validate_after if cells[0].watch else (), settings[0].schedule.epochs
    if not looks and epochs == 1:
        raise UserError(
            "halving needs a look before the end, and trainings of 1 epoch have none: make `accuracy.schedule.epochs` "
            "2 or more."
        )
    if not looks:
        raise UserError("halving needs a look before the end: give `accuracy.validations` a share, such as [0.25].")
    variants = len({cell.spec.name for cell in cells}) + done
    return plan_rungs(variants, looks, epochs, spend)


def halve(
    cells: Sequence[Cell], rungs: Sequence[Rung], read: Callable[[], list[Record]], run: Run
) -> Iterator[Progress | Finished | Stop]:
    """Run the trainings rung by rung; what has stopped keeps its checkpoint, so that a whole sweep goes on from it.

    Args:
        cells: trainings that have not ended, those too that failed before and are tried again.
        rungs: from `plan_halving`.
        read: all records of the sweep of today's keys; the decisions follow from them alone, so they are the same after
            a kill.
        run: runs cells until they end or pause.
    """
    alive = list(cells)
    out: set[str] = set()
    known = settle(read())
    again = {cell.key for cell in cells if cell.key in known and known[cell.key].status == "failed"}
    for rung in rungs:
        looks = _looks(read(), rung.epochs)
        yield from run([_until(cell, rung.epochs) for cell in alive if cell.key not in looks or cell.key in again])
        again.clear()
        records = read()
        known = settle(records)
        alive = [cell for cell in alive if known[cell.key].status != "failed"]
        looks = _looks(records, rung.epochs)
        scores = _scores(known, looks)
        standings = {name: at for name, at in _standings(known, scores).items() if name not in out}
        decision = decide(standings, rung.keep)
        out |= decision.stopped.keys()
        going_on = []
        for cell in alive:
            if against := _against(cell, decision, looks):
                yield _stop(cell, known[cell.key], look=looks[cell.key], scores=scores[cell.spec.name], against=against)
            else:
                going_on.append(cell)
        alive = going_on
    yield from run(alive)


def _until(cell: Cell, epochs: int) -> Cell:
    watch = cell.watch or Watch(())
    return replace(cell, watch=replace(watch, stop_after=epochs))


Look = tuple[int, float]
"""Epochs done, and the mIoU on the validation split, 0 to 1."""


def _looks(records: Sequence[Record], epochs: int) -> dict[str, Look]:
    """Of each training, by key, the first look after at least so many epochs.

    Of all its records: one that failed later stood here once, and what was decided then stays so. A later look counts
    where `accuracy.validations` was another when the training passed here.
    """
    looks: dict[str, Look] = {}
    for record in records:
        for at, miou in record.details.get("validations", []):
            if at >= epochs and at <= looks.get(record.key, (at, 0.0))[0]:
                looks[record.key] = at, miou
    return looks


def _scores(known: Mapping[str, Record], looks: Mapping[str, Look]) -> dict[str, list[float]]:
    """By variant, the mIoUs of its seeds that were looked at."""
    scores: dict[str, list[float]] = {}
    for key, (_, miou) in looks.items():
        scores.setdefault(known[key].variant, []).append(miou)
    return scores


def _standings(known: Mapping[str, Record], scores: Mapping[str, Sequence[float]]) -> dict[str, Point]:
    """Of the variants that were looked at and have a cost; the mean of their seeds."""
    macs = {record.variant: record.metrics["macs"] for record in known.values() if "macs" in record.metrics}
    return {variant: (macs[variant], mean(some)) for variant, some in scores.items() if variant in macs}


def _against(cell: Cell, decision: Decision, looks: Mapping[str, Look]) -> str:
    """What speaks against going on; "" where nothing does, or the training could not be looked at in time."""
    if cell.spec.name in decision.kept or cell.key not in looks:
        return ""
    return decision.stopped.get(cell.spec.name, "its MACs could not be counted")


def _stop(cell: Cell, record: Record, look: Look, scores: Sequence[float], against: str) -> Stop:
    """scores: of all seeds of the variant; their mean decided."""
    assert isinstance(record, AccuracyRecord)
    epochs, miou = look
    of_seeds = (
        f" from seed {record.setting.seed}, {100 * mean(scores):.1f} % in the mean of {len(scores)} seeds"
        if len(scores) > 1
        else ""
    )
    reason = (
        f"stopped after {epochs} of {record.setting.schedule.epochs} epochs with a val mIoU of "
        f"{100 * miou:.1f} %{of_seeds}: {against}"
    )
    return Stop(cell, record.model_copy(update={"reason": reason}), is_new=reason != record.reason)
