"""Render reports/ from results/: of each report, what it shows and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.adapt.analysis.adaptation import load_adaptation
from bench.adapt.analysis.origin import Adaptations, sweeps_behind
from bench.adapt.render.excerpt import save_excerpt
from bench.adapt.render.report import write_adaptation
from bench.adapt.render.terminal import print_adaptation
from bench.analysis.study import study_of
from bench.errors import UserError
from bench.metrics import Convention
from bench.render.sweep.report import write_report
from bench.render.sweep.terminal import print_front
from bench.storage.predictions import Predictions
from bench.storage.results import Results
from bench.storage.store import PREFIX, Store, adaptations_in


@dataclass(frozen=True)
class Report:
    """One report, its numbers ready.

    Attributes:
        name: Of a sweep, or `adapt/` and that of an adaptation.
        show: Prints its front or its curves.
        write: Renders it below a folder of reports; returns the page.
    """

    name: str
    show: Callable[[], None]
    write: Callable[[Path], Path]


def report_names(results: Path) -> tuple[str, ...]:
    """Return what can be reported: the sweeps, then the adaptations."""
    return (*Store(results).sweeps(), *(f"{PREFIX}{name}" for name in adaptations_in(results).sweeps()))


def make_reports(
    names: Sequence[str], results: Path, convention: Convention = "macs", predictions: bool = True
) -> Iterator[Report]:
    """Make the reports of these names, one after another; records are read once for all.

    Args:
        predictions: Whether pages show what trainings predicted for a few images, where that is kept.

    Raises:
        UserError: A sweep or adaptation is not there, has no plan or no whole set of records, or a line is broken.
    """
    make = _Maker(results, convention, predictions)
    return map(make.report, names)


def reports_that_show(adaptation: str, results: Path, reports: Path) -> Iterator[tuple[str, Report | UserError]]:
    """Make the reports, of those that are there, of sweeps that an adaptation starts from: their pages show it.

    Yields:
        The name of the sweep, and its report, or why there is none.
    """
    make = _Maker(results)
    for sweep in sweeps_behind(adaptation, results):
        if (reports / sweep).is_dir():
            try:
                yield sweep, make.report(sweep)
            except UserError as error:
                yield sweep, error


class _Maker:
    """Makes reports of what it has read once."""

    def __init__(self, folder: Path, convention: Convention = "macs", predictions: bool = True) -> None:
        self.folder, self.convention, self.predictions = folder, convention, predictions
        self.results, self.adaptations = Results(folder), Adaptations(folder)

    def report(self, name: str) -> Report:
        return self._of_adaptation(name) if name.startswith(PREFIX) else self._of_sweep(name)

    def _of_sweep(self, name: str) -> Report:
        found = self.results.sweep(name)
        study = study_of(found, self.convention)
        excerpts = [partial(save_excerpt, one) for one in self.adaptations.from_trainings(found.plan.keys)]
        predictions = Predictions(self.folder, name) if self.predictions else None
        return Report(
            name,
            show=partial(print_front, study),
            write=partial(write_report, study, predictions=predictions, excerpts=excerpts),
        )

    def _of_adaptation(self, name: str) -> Report:
        adaptation = load_adaptation(adaptations_in(self.folder), name.removeprefix(PREFIX))
        return Report(name, show=partial(print_adaptation, adaptation), write=partial(write_adaptation, adaptation))
