"""Which spaces the guard is about: by name, by file, or all that have a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cost.target import Target, read_target
from bench.cost.trace import METHOD
from bench.errors import UserError
from bench.judge.cost_baseline import CostBaseline, baseline_path, read_baseline, spaces_with_baseline
from bench.sweep.spacefile import shipped_spaces
from variants.suggest import did_you_mean


@dataclass(frozen=True)
class GuardedSpace:
    """What is known of a space before anything is counted.

    target: the space; None where its file is not here. source: how it is named on the command line.
    baseline: None without one. accept: the command that makes it. notes: what is wrong with the baseline.
    """

    name: str
    path: Path
    target: Target | None
    source: str
    baseline: CostBaseline | None
    accept: str
    notes: tuple[str, ...] = ()

    @property
    def counted_alike(self) -> bool:
        """Whether the baseline was counted as costs are counted today."""
        return self.baseline is not None and self.baseline.method == METHOD


def find_spaces(names: tuple[str, ...], results: Path, accept: bool) -> list[GuardedSpace]:
    """The named spaces, or all that have a baseline.

    Args:
        accept: the baselines will be replaced, so that one that cannot be read or compared does no harm.

    Raises:
        UserError: a name that is no space; a space or a baseline that cannot be read; figures counted in another way.
    """
    found = [_find(name, results, accept) for name in names or spaces_with_baseline(results)]
    known = [space.name for space in found]
    for name in known:
        if known.count(name) > 1:
            raise UserError(f"space {name!r} is named twice. Name each space once.")
    if not accept:
        for space in found:
            _refuse_other_method(space)
    return found


def _find(text: str, results: Path, accept: bool) -> GuardedSpace:
    if not _is_space(text):
        return _find_by_baseline(text, results)
    target = read_target(text)
    source, path = _source(text), baseline_path(results, str(target.space))
    command = _accept_command(source, results)
    try:
        baseline = read_baseline(path) if path.is_file() else None
    except UserError:
        if not accept:
            raise
        note = "the baseline before cannot be read, so nothing was compared"
        return GuardedSpace(str(target.space), path, target, source, None, command, (note,))
    return GuardedSpace(str(target.space), path, target, source, baseline, command)


def _find_by_baseline(name: str, results: Path) -> GuardedSpace:
    """A space by the folder of its baseline, which also says where the space's own file is."""
    path = baseline_path(results, name)
    if not path.is_file():
        known = [*shipped_spaces(), *spaces_with_baseline(results)]
        raise UserError(
            f"{name!r} is neither a space ({', '.join(shipped_spaces())}, or a YAML file) nor is there {path}."
            f"{did_you_mean(name, known)}"
        )
    baseline = read_baseline(path)
    target = read_target(baseline.source) if _is_here(baseline.source) else None
    return GuardedSpace(name, path, target, baseline.source, baseline, _accept_command(name, results))


def _refuse_other_method(space: GuardedSpace) -> None:
    if space.baseline is not None and not space.counted_alike:
        raise UserError(
            f"{space.path} was counted by method {space.baseline.method} and this bench counts by method {METHOD}: the "
            f"figures cannot be compared. `{space.accept}` counts it anew; commit it with the change of the method."
        )


def _is_space(text: str) -> bool:
    return _is_here(text) or text.endswith((".yaml", ".yml"))


def _is_here(source: str) -> bool:
    """A baseline is compared also where the file of its space is not."""
    return source in shipped_spaces() or Path(source).is_file()


def _source(text: str) -> str:
    """A shipped name, or the path of a file below this folder; of another its name, as nobody else has that path."""
    path = Path(text).resolve()
    if text in shipped_spaces() or not path.is_relative_to(Path.cwd()):
        return Path(text).name
    return path.relative_to(Path.cwd()).as_posix()


def _accept_command(source: str, results: Path) -> str:
    elsewhere = "" if results == Path("results") else f" --results {results}"
    return f"bench guard --accept {source}{elsewhere}"
