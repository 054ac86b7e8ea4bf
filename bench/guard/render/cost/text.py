"""What the guard says: figures, sentences, verdicts and what to do next, for all of its formats."""

from __future__ import annotations

from bench.guard.baseline_faults import BaselineFault
from bench.guard.cost_comparison import STATES, Change, GuardedVariant, GuardReport, Hidden, Place, SpaceGuard, State
from bench.metrics import METRICS, in_both_conventions

STATE_WORDS: dict[State, str] = {
    "uncountable": "CANNOT BE COUNTED",
    "grew": "GREW",
    "within": "grew, allowed",
    "fell": "fell",
    "new": "new",
    "dropped": "dropped",
    "same": "the same",
}
_TALLY: dict[State, str] = {
    "uncountable": "cannot be counted",
    "grew": "grew",
    "within": "grew within what is allowed",
    "fell": "fell",
    "same": "the same",
    "new": "new",
    "dropped": "dropped",
}
_PLACES = 3
"""Of a change, that are named; the JSON has all."""
_EXACT = {"macs": "MACs", "parameters": "parameters", "activations": "elements", "peak_bytes": "bytes"}


def title(report: GuardReport) -> str:
    """The verdict in a few words."""
    if report.accepted:
        return "baseline accepted" if not report.fails else "baseline accepted, but not of every variant"
    if report.fails:
        return "cost guard failed"
    if not report.is_empty:
        return "cost guard passed"
    empty = [space.space for space in report.spaces if not space.compared] if report.compared else []
    return f"cost guard compared nothing{' of ' if empty else ''}{', '.join(empty)}"


def headline(report: GuardReport) -> str:
    """One sentence below the verdict."""
    if report.accepted:
        return f"{tally(report)}; {report.accepted_figures} figures accepted."
    if not report.compared and not report.fails:
        return "There is no baseline to compare with."
    grew, gone = report.count("grew"), report.count("uncountable")
    faults = [f"{grew} {'costs' if grew == 1 else 'cost'} more than the baseline allows"] if grew else []
    faults += [f"{gone} cannot be counted"] if gone else []
    faults += [f"{report.faults} {'fault' if report.faults == 1 else 'faults'} of baselines"] if report.faults else []
    whole = f"{_variants(report.compared)} compared, {report.figures} figures"
    whole += f", against {report.against}" if report.against else ""
    return f"{' and '.join(faults)}; {whole}." if faults else f"{whole}; none is above what its baseline allows."


def tally(counted: GuardReport | SpaceGuard) -> str:
    """ "1 grew, 1 fell, 7 the same"."""
    return ", ".join(f"{n} {_TALLY[state]}" for state in STATES if (n := counted.count(state))) or "no variants"


def space_line(space: SpaceGuard) -> str:
    """What was compared in a space, and how it went."""
    if space.size is None:
        return f"{space.space}: no baseline"
    width, height = space.size
    return (
        f"{space.space}, {_variants(len(space.variants))} at {width}x{height}, {space.classes} classes: {tally(space)}"
    )


def shown_pair(change: Change) -> tuple[str, str]:
    """The figure before and now, with its unit; in full where the rounded ones look the same."""
    metric = METRICS[change.metric]
    before, now = metric.show(change.before), metric.show(change.now)
    if before == now:
        unit = _EXACT[change.metric]
        return f"{change.before:,} {unit}", f"{change.now:,} {unit}"
    return f"{before} {metric.unit}", f"{now} {metric.unit}"


def shown_difference(change: Change) -> str:
    """The difference, exact."""
    return f"{change.difference:+,}{' bytes' if change.metric == 'peak_bytes' else ''}"


def shown_percent(change: Change) -> str:
    """ "+0.33 %"; "+<0.01 %" for less than shows, never a zero that is none."""
    if change.percent is None:
        return "from 0"
    sign = "+" if change.difference > 0 else "−"
    size = abs(change.percent)
    return f"{sign}<0.01 %" if size < 0.005 else f"{sign}{size:,.2f} %"


def shown_places(change: Change) -> str:
    """Part and operator that changed most, each with its own difference; of a peak, where it is and was."""
    if change.was_at is not None:
        now, before = _place(change.places[0]), _place(change.was_at)
        return f"at {now}" if now == before else f"at {now}, before at {before}"
    named = [f"{_place(place)} {place.difference:+,}" for place in change.places[:_PLACES]]
    more = len(change.places) - len(named)
    return ", ".join(named) + (f", and {more} more" if more else "")


def fault_words(fault: BaselineFault, space: SpaceGuard, against: str) -> str:
    """How a baseline allows more than at the revision that is compared with."""
    if fault.kind == "deleted":
        return f"{space.baseline} was deleted; {against} has it"
    if fault.kind == "counted_otherwise":
        return f"{space.baseline} is of another size, number of classes or counting method than at {against}"
    if fault.kind == "dropped":
        return f"{fault.variant} was taken out of {space.baseline}; {against} has it"
    unit = _EXACT.get(fault.metric, "")
    what = METRICS[fault.metric].label if unit else f"calls of {fault.metric}, which has no formula,"
    figures = f"from {fault.before:,} to {fault.now:,} {unit}".rstrip()
    return f"{fault.variant}: {what} in {space.baseline} raised {figures}"


def sentences(variant: GuardedVariant) -> list[str]:
    """All that is to say about a variant, a line a fact."""
    lines = [_reason(variant)] if variant.reason else []
    lines += [_sentence(change) for change in variant.changes]
    lines += [hidden_words(hidden) for hidden in variant.hidden]
    if variant.state == "new":
        lines.append(f"no baseline yet: {cost_words(variant)}")
    return lines


def cost_words(variant: GuardedVariant) -> str:
    """The four figures of today."""
    assert variant.cost is not None
    figures = variant.cost.metrics()
    rest = [
        f"{METRICS[key].show(figures[key])} {METRICS[key].unit} {METRICS[key].label}"
        for key in ("parameters", "activations", "peak_bytes")
    ]
    unknown = ", ".join(variant.cost.unknown)
    lower = f"; lower bounds, since there is no formula for {unknown}" if unknown else ""
    return ", ".join([in_both_conventions(figures["macs"]), *rest]) + lower


def hidden_words(hidden: Hidden) -> str:
    """An operator whose cost nobody knows."""
    where = f"in {hidden.part} " if hidden.part else ""
    return (
        f"operator {hidden.operator} {where}has no formula, so its cost is in no figure: "
        f"{hidden.before} calls before, {hidden.now} now"
    )


def next_steps(report: GuardReport) -> list[str]:
    """What to do about it, a line a step."""
    broken = [f"plug-in set aside, {words}. Mend or uninstall its package." for words in report.set_aside]
    if not report.spaces:
        return [*broken, "nothing was compared: `bench guard --accept SPACE` makes the baseline of a space; commit it."]
    steps = [_mend] if report.accepted else [_mend, _drop, _accept]
    lines = broken + [f"{space.space}: {words}" for space in report.spaces for step in steps if (words := step(space))]
    if report.against and (report.faults or report.count("grew")):
        lines.append(
            f"against {report.against} the guard fails until that growth is merged; --allow lets some of it pass, and "
            "whoever merges decides."
        )
    return lines


def _mend(space: SpaceGuard) -> str:
    """Accepting is no way out of an error: its variants would only stay as they are in the baseline."""
    broken = any(variant.state == "uncountable" and variant.in_space for variant in space.variants)
    return "mend the variants that cannot be counted, or take them out of the space." if broken else ""


def _drop(space: SpaceGuard) -> str:
    left = any(variant.state == "uncountable" and not variant.in_space for variant in space.variants)
    return f"variants that left the space and cannot be counted: `{space.accept}` drops them." if left else ""


def _accept(space: SpaceGuard) -> str:
    """What accepting today's figures would do, of the most that it would."""
    if space.lacks_baseline:
        return f"nothing was compared. `{space.accept}` makes the baseline; commit it."
    if space.count("grew"):
        return f"a growth that is meant: `{space.accept}`, and commit {space.baseline}."
    if space.count("fell"):
        return f"`{space.accept}` makes the lower figures the limit; commit {space.baseline}."
    if space.count("new"):
        return f"`{space.accept}` adds the new variants; commit {space.baseline}."
    return ""


def _reason(variant: GuardedVariant) -> str:
    head = "dropped from the baseline" if variant.state == "dropped" else "cannot be counted"
    return f"{head}: {variant.reason}"


def _sentence(change: Change) -> str:
    verb = {"grew": "grew", "within": "grew within what is allowed", "fell": "fell"}[change.verdict]
    before, now = shown_pair(change)
    if change.metric == "macs" and not before.endswith("MACs"):
        before, now = in_both_conventions(change.before), in_both_conventions(change.now)
    where = "" if change.was_at is not None else "most in " if len(change.places) > 1 else "in "
    return (
        f"{METRICS[change.metric].label} {verb} by {shown_difference(change).lstrip('+-')} ({shown_percent(change)}): "
        f"{before} before, {now} now; {where}{shown_places(change)}"
    )


def _place(place: Place) -> str:
    return f"{place.part} · {place.operator}"


def _variants(count: int) -> str:
    return f"{count} variant{'' if count == 1 else 's'}"
