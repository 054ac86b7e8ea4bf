"""One space of the guard: its variants counted today, compared with the baseline or made the baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bench.cost.batch import Counted
from bench.cost.figures import Cost
from bench.guard.baseline_faults import baseline_faults
from bench.guard.cost_baseline import CostBaseline, write_baseline
from bench.guard.cost_comparison import Allowance, GuardedVariant, SpaceGuard, guard_variant, worst_first
from bench.guard.cost_spaces import GuardedSpace
from bench.settings.cost import COUNTING_METHOD
from bench.sweep.target import Target
from bench.system.machine import commit, versions
from variants.errors import VariantError
from variants.names import parse_name
from variants.spec import VariantSpec

_DECIDING = ("torch", "torchvision", "timm", "segmentation_models_pytorch")
"""Packages of which another version may build another network."""
Size = tuple[int, int]
Count = Callable[[Sequence[VariantSpec], int, Size], list[Counted]]
"""Counts specs with so many classes at a size (width, height), in their order."""


def deciding_versions() -> dict[str, str]:
    """Versions of the packages that build networks."""
    return {name: versions()[name] for name in _DECIDING}


def plugins_set_aside() -> tuple[str, ...]:
    """Entries of installed packages that could not be loaded, each with its reason."""
    from variants.backbones import BACKBONES
    from variants.context import CONTEXTS
    from variants.networks import NETWORKS

    registries = (BACKBONES, CONTEXTS, NETWORKS)
    for registry in registries:
        registry.names()  # loads it
    return tuple(f"{one.what} {name!r}: {reason}" for one in registries for name, reason in one.broken.items())


def guard_space(space: GuardedSpace, allowed: Allowance, count: Count) -> SpaceGuard:
    """Count the variants of a baseline, and what its space has beyond them, at the baseline's size, and compare."""
    old = space.baseline
    if old is None:
        return SpaceGuard(
            space=space.name,
            baseline=str(space.path),
            accept=space.accept,
            size=None,
            classes=None,
            variants=(),
            compared=0,
            notes=space.notes,
        )
    faults = baseline_faults(space.agreed, space.current, allowed) if space.agreed else ()
    names = list(dict.fromkeys([*old.costs, *_names(space.target)]))
    costs, reasons = _count(names, old.size, old.classes, count)
    variants = [
        guard_variant(n, old.costs.get(n), now=costs.get(n), allowed=allowed, reason=reasons.get(n, "")) for n in names
    ]
    still = set(_names_now(space.target, old))
    variants = [replace(variant, in_space=variant.name in still) for variant in variants]
    notes = [*space.notes, *_space_notes(space, old)]
    if any(variant.state not in ("same", "new") for variant in variants):
        notes += _version_notes(old)
    return SpaceGuard(
        space=space.name,
        baseline=str(space.path),
        accept=space.accept,
        size=old.size,
        classes=old.classes,
        variants=worst_first(variants),
        compared=sum(name in costs for name in old.costs),
        notes=tuple(notes),
        faults=faults,
    )


def accept_space(space: GuardedSpace, allowed: Allowance, count: Count) -> SpaceGuard:
    """Make today's figures of a space the baseline; the file stays as it is where no figure differs.

    A variant that cannot be counted keeps its figures, which it is compared with when it is mended. Without the space's
    file the variants, size and classes are those of the baseline.

    Returns:
        How the figures differ from the baseline before.
    """
    old = space.current
    plan = space.target or old
    assert plan is not None
    names = _names_now(space.target, old)
    costs, reasons = _count(names, plan.size, plan.classes, count)
    obstacle = _obstacle(space, plan.size, plan.classes)
    before = {} if old is None or obstacle else old.costs
    variants = [
        guard_variant(n, before.get(n), now=costs.get(n), allowed=allowed, reason=reasons.get(n, "")) for n in names
    ]
    reason = "the space has it no more"
    gone = set(old.costs if old else ()) - set(names)
    variants += [GuardedVariant(name=name, state="dropped", reason=reason, in_space=False) for name in gone]
    kept = {name: before[name] for name in reasons if name in before}
    _write(space, plan, costs | kept)
    notes = [*space.notes, *([obstacle] if obstacle else []), *_fileless_notes(space), *_kept_notes(kept, old)]
    return SpaceGuard(
        space=space.name,
        baseline=str(space.path),
        accept=space.accept,
        size=plan.size,
        classes=plan.classes,
        variants=worst_first(variants),
        compared=sum(name in before for name in costs),
        notes=tuple(notes),
    )


def _write(space: GuardedSpace, plan: Target | CostBaseline, figures: dict[str, Cost]) -> None:
    new = CostBaseline(
        source=space.source,
        size=plan.size,
        classes=plan.classes,
        method=COUNTING_METHOD,
        commit=commit(),
        versions=deciding_versions(),
        costs=figures,
    )
    if figures and (space.current is None or not space.current.says_the_same(new)):
        write_baseline(space.path, new)


def _count(names: Iterable[str], size: Size, classes: int, count: Count) -> tuple[dict[str, Cost], dict[str, str]]:
    """Costs by name, and by name why there is none."""
    specs: dict[str, VariantSpec] = {}
    reasons: dict[str, str] = {}
    for name in names:
        try:
            specs[name] = parse_name(name)
        except VariantError as error:
            reasons[name] = str(error)
    counted = count(tuple(specs.values()), classes, size)
    costs: dict[str, Cost] = {}
    for name, one in zip(specs, counted, strict=True):
        if one.cost is None:
            reasons[name] = one.reason
        else:
            costs[name] = one.cost
    return costs, reasons


def _names(target: Target | None) -> list[str]:
    return [spec.name for spec in target.specs] if target else []


def _names_now(target: Target | None, old: CostBaseline | None) -> list[str]:
    """The variants of the space; without its file those of the baseline, of which none is known to have left."""
    return list(old.costs) if target is None and old is not None else _names(target)


def _obstacle(space: GuardedSpace, size: Size, classes: int) -> str:
    """Why the baseline's figures say nothing about today's; "" where they do."""
    old = space.current
    if old is None:
        return ""
    if not space.is_by_todays_method:
        return f"counted by method {old.method} before and by {COUNTING_METHOD} now, so nothing was compared"
    if (old.size, old.classes) != (size, classes):
        return f"counted at {_input_words(old.size, old.classes)} before, so nothing was compared"
    return ""


def _space_notes(space: GuardedSpace, old: CostBaseline) -> list[str]:
    """In which the space is another than when its baseline was made."""
    target = space.target
    if target is None:
        return _fileless_notes(space)
    notes = []
    if (target.size, target.classes) != (old.size, old.classes):
        now = _input_words(target.size, target.classes)
        notes.append(f"the space is at {now} by now; compared at the baseline's size and classes")
    gone = sum(name not in set(_names(target)) for name in old.costs)
    if gone:
        notes.append(f"{gone} of these are not in the space any more; compared all the same, --accept drops them")
    return notes


def _fileless_notes(space: GuardedSpace) -> list[str]:
    """That the file is missing which says what the space has."""
    if space.target:
        return []
    return [
        f"the space's file {space.source} is not here, so which variants it has beyond the baseline, or has no more, "
        "is not known; name the file"
    ]


def _kept_notes(kept: Iterable[str], old: CostBaseline | None) -> list[str]:
    """Of variants that cannot be counted, with what their figures are of: the file says it of the new ones alone."""
    names = ", ".join(kept)
    if not names or old is None:
        return []
    libraries = ", ".join(f"{name} {version}" for name, version in old.versions.items())
    return [f"the figures of before, of {libraries}, stay in the baseline for what cannot be counted: {names}"]


def _version_notes(old: CostBaseline) -> list[str]:
    """Another version of a library, which may be the cause."""
    now = deciding_versions()
    words = [f"{name} {old.versions.get(name, 'unknown')}, now {now[name]}" for name in now]
    differing = [line for name, line in zip(now, words, strict=True) if old.versions.get(name) != now[name]]
    return [f"the baseline was counted with {'; '.join(differing)}"] if differing else []


def _input_words(size: Size, classes: int) -> str:
    return f"{size[0]}x{size[1]} and {classes} classes"
