"""Train by successive halving: all variants to the first look, the best of them to the next, the last to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from bench.errors import UserError
from bench.judge.halving import Rung, decide, plan_rungs
from bench.judge.hypervolume import Point
from bench.records import Record
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
    if not cells:
        return []
    looks = cells[0].watch.validate_after if cells[0].watch else ()
    if not looks:
        raise UserError("halving needs a look before the end: give `accuracy.validations` a share, such as [0.25].")
    variants = len({cell.spec.name for cell in cells}) + done
    return plan_rungs(variants, looks, cells[0].setting["schedule"]["epochs"], spend)


def halve(
    cells: Sequence[Cell], rungs: Sequence[Rung], read: Callable[[], dict[str, Record]], run: Run
) -> Iterator[Progress | Finished | Stop]:
    """Run the trainings rung by rung; what has stopped keeps its checkpoint, so that a whole sweep goes on from it.

    Args:
        cells: trainings that have not ended.
        rungs: from `plan_halving`.
        read: the sweep's records of today by key; the decisions follow from them alone, so they are the same after a
            kill.
        run: runs cells until they end or pause.
    """
    alive = list(cells)
    out: set[str] = set()
    for rung in rungs:
        known = read()
        yield from run([_until(cell, rung.epochs) for cell in alive if _miou(known.get(cell.key), rung.epochs) is None])
        known = read()
        alive = [cell for cell in alive if known[cell.key].status != "failed"]
        standings = {name: at for name, at in _standings(known, rung.epochs).items() if name not in out}
        decision = decide(standings, rung.keep)
        out |= decision.stopped.keys()
        for cell in alive:
            if cell.spec.name not in decision.kept:
                against = decision.stopped.get(cell.spec.name, "its MACs could not be counted")
                yield _stop(cell, known[cell.key], rung.epochs, against)
        alive = [cell for cell in alive if cell.spec.name in decision.kept]
    yield from run(alive)


def _until(cell: Cell, epochs: int) -> Cell:
    watch = cell.watch or Watch(())
    return replace(cell, watch=replace(watch, stop_after=epochs))


def _miou(record: Record | None, epochs: int) -> float | None:
    looks = dict(record.details.get("validations", [])) if record else {}
    return looks.get(epochs)


def _standings(known: dict[str, Record], epochs: int) -> dict[str, Point]:
    """Of the variants that were looked at after so many epochs and have a cost; the mean of their seeds."""
    macs = {record.variant: record.metrics["macs"] for record in known.values() if "macs" in record.metrics}
    mious: dict[str, list[float]] = {}
    for record in known.values():
        miou = _miou(record, epochs)
        if record.group == "accuracy" and record.variant in macs and miou is not None:
            mious.setdefault(record.variant, []).append(miou)
    return {variant: (macs[variant], mean(scores)) for variant, scores in mious.items()}


def _stop(cell: Cell, record: Record, epochs: int, against: str) -> Stop:
    looked = f"stopped after {epochs} of {record.setting['schedule']['epochs']} epochs with a val mIoU of "
    reason = f"{looked}{100 * (_miou(record, epochs) or 0):.1f} %: {against}"
    return Stop(cell, record.model_copy(update={"reason": reason}), is_new=reason != record.reason)
