"""Which spaces the guard is about: by name, by file, or all that have a baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import UserError, did_you_mean
from bench.guard.baseline_faults import counted_alike
from bench.guard.cost_baseline import CostBaseline, baseline_path, read_baseline, spaces_with_baseline
from bench.paths import is_file
from bench.settings.cost import COUNTING_METHOD
from bench.sweep.spacefile import shipped_spaces
from bench.sweep.target import Target, read_target


@dataclass(frozen=True, kw_only=True)
class GuardedSpace:
    """What is known of a space before anything is counted.

    target: the space; None where its file is not here. source: how it is named on the command line.
    current: its baseline as it is; agreed: its baseline at the revision that is compared with. None: there is none.
    accept: the command that makes the baseline. notes: what is wrong with it.
    """

    name: str
    path: Path
    target: Target | None
    source: str
    current: CostBaseline | None
    accept: str
    agreed: CostBaseline | None = None
    notes: tuple[str, ...] = ()

    @property
    def baseline(self) -> CostBaseline | None:
        """What today's figures are compared with: where a revision says a figure, that one."""
        if self.agreed is None:
            return self.current
        if self.current is None or not counted_alike(self.agreed, self.current):
            return self.agreed
        return replace(self.agreed, costs=self.current.costs | self.agreed.costs)

    @property
    def is_by_todays_method(self) -> bool:
        """Whether the baseline was counted as costs are counted today."""
        return self.baseline is not None and self.baseline.method == COUNTING_METHOD


def find_spaces(
    names: tuple[str, ...], results: Path, accept: bool, agreed_results: Path | None = None
) -> list[GuardedSpace]:
    """The named spaces, or all that have a baseline.

    Args:
        accept: the baselines will be replaced, so that one that cannot be read or compared does no harm.
        agreed_results: the folder of results at the revision that is compared with.

    Raises:
        UserError: a name that is no space; a space or a baseline that cannot be read; figures counted in another way.
    """
    agreed = [] if agreed_results is None else spaces_with_baseline(agreed_results)
    everywhere = sorted({*spaces_with_baseline(results), *agreed})
    found = [_find(name, results, accept, agreed_results) for name in names or everywhere]
    known = [space.name for space in found]
    for name in known:
        if known.count(name) > 1:
            raise UserError(f"space {name!r} is named twice. Name each space once.")
    if not accept:
        for space in found:
            _refuse_other_method(space)
    return found


def _find(text: str, results: Path, accept: bool, agreed_results: Path | None) -> GuardedSpace:
    target = read_target(text) if _is_space(text) else None
    name, source = (text, "") if target is None else (str(target.space), _source(text))
    path, notes = baseline_path(results, name), []
    try:
        current = _read_if_there(path)
    except UserError:
        if not accept:
            raise
        current = None
        notes.append("the baseline before cannot be read, so nothing was compared")
    agreed = None if agreed_results is None else _read_if_there(baseline_path(agreed_results, name))
    if target is None:
        source = _source_by_baseline(current or agreed, name, path)
        target = read_target(source) if _is_here(source) else None
    accepting = _accept_command(source if _is_space(text) else name, results)
    return GuardedSpace(
        name=name,
        path=path,
        target=target,
        source=source,
        current=current,
        accept=accepting,
        agreed=agreed,
        notes=tuple(notes),
    )


def _read_if_there(path: Path) -> CostBaseline | None:
    return read_baseline(path) if is_file(path) else None


def _source_by_baseline(baseline: CostBaseline | None, name: str, path: Path) -> str:
    """Where the file of a space is, by its baseline.

    Raises:
        UserError: there is no baseline of that name.
    """
    if baseline is None:
        known = [*shipped_spaces(), *spaces_with_baseline(path.parent.parent)]
        raise UserError(
            f"{name!r} is neither a space ({', '.join(shipped_spaces())}, or a YAML file) nor is there {path}."
            f"{did_you_mean(name, known)}"
        )
    return baseline.source


def _refuse_other_method(space: GuardedSpace) -> None:
    if space.baseline is not None and not space.is_by_todays_method:
        raise UserError(
            f"{space.path} was counted by method {space.baseline.method} and this bench counts by method "
            f"{COUNTING_METHOD}: the figures cannot be compared. `{space.accept}` counts it anew; commit it with the "
            "change of the method."
        )


def _is_space(text: str) -> bool:
    return _is_here(text) or text.endswith((".yaml", ".yml"))


def _is_here(source: str) -> bool:
    """A baseline is compared also where the file of its space is not."""
    return source in shipped_spaces() or is_file(Path(source))


def _source(text: str) -> str:
    """A shipped name, or the path of a file below this folder; of another its name, as nobody else has that path."""
    path = Path(text).resolve()
    if text in shipped_spaces() or not path.is_relative_to(Path.cwd()):
        return Path(text).name
    return path.relative_to(Path.cwd()).as_posix()


def _accept_command(source: str, results: Path) -> str:
    elsewhere = "" if results == Path("results") else f" --results {results}"
    return f"bench guard --accept {source}{elsewhere}"
