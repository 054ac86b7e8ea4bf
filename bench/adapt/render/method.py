"""With what an adaptation was measured, and what its intervals leave out."""

from __future__ import annotations

from collections.abc import Iterable

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.curves import AS_IS
from bench.adapt.render.text import Names
from bench.settings.adaptation import NO_STEP
from bench.storage.records import AdaptationRecord, StepRecord


def method_lines(adaptation: Adaptation, names: Names) -> list[tuple[str, str]]:
    """Setting by setting."""
    example = next((r for r in adaptation.records if r.setting.arm != AS_IS), adaptation.records[0])
    setting = example.setting
    everything: list[AdaptationRecord | StepRecord] = [*adaptation.records, *adaptation.timings]
    return [
        ("Data", f"{example.words['data']}; {len(setting.classes)} classes"),
        *_starts(adaptation, names),
        ("Labels", _choice(adaptation, example)),
        *_trainings(adaptation),
        ("Seeds", _seeds(adaptation)),
        *(("Step", f"{step}: {names.steps[step]}") for step in adaptation.steps),
        ("Trained on", "; ".join(distinct(_machine(r) for r in adaptation.records)) + f", in {setting.precision}"),
        *_timings(adaptation),
        ("Versions", "; ".join(distinct(_versions(r) for r in everything))),
        ("Commit", ", ".join(distinct(r.commit for r in everything))),
        *((label, name) for name, label in names.variants.items()),
    ]


def caution_words(adaptation: Adaptation) -> str:
    """What the intervals are of."""
    seeds = (
        "what seeds differ by, pooled over trainings and over neighbouring budgets until it has four degrees of "
        "freedom, is added as noise"
        if adaptation.spreads.squares
        else "what another seed would change is in none of them, since there is one seed"
    )
    return (
        "Intervals: the images of the validation split are drawn with replacement 1000 times, alike for all networks; "
        f"{seeds}. Images are taken to be independent of each other: frames of one video are not, so with such a "
        "validation split the true intervals are wider. Each interval is of one number: of twenty true zeros, about "
        "one looks like a difference."
    )


def distinct(words: Iterable[str]) -> list[str]:
    """Each once, in order of first appearance."""
    return list(dict.fromkeys(words))


def _starts(adaptation: Adaptation, names: Names) -> list[tuple[str, str]]:
    starts = {record.variant: record.words["start"] for record in adaptation.records}
    if len(set(starts.values())) == 1:
        return [("Start", next(iter(starts.values())))]
    return [(f"Start of {names.variants[variant]}", words) for variant, words in starts.items()]


def _choice(adaptation: Adaptation, example: AdaptationRecord) -> str:
    how = (
        "chosen so that classes are balanced, which looks at masks that a project does not have yet"
        if example.setting.choice == "balanced"
        else "chosen at random"
    )
    ladder = ", ".join(map(str, adaptation.budgets)) or "none"
    return f"{ladder} of {example.setting.of} training images, {how}; a larger budget holds the smaller ones"


def _trainings(adaptation: Adaptation) -> list[tuple[str, str]]:
    """Arm by arm."""
    lines = []
    for arm in distinct(r.setting.arm for r in adaptation.records if r.setting.arm != AS_IS):
        records = [r for r in adaptation.records if r.setting.arm == arm]
        updates = sorted({r.details["updates"] for r in records})
        count = str(updates[0]) if len(updates) == 1 else f"{updates[0]} to {updates[-1]}"
        what, _, more = records[0].words["arm"].partition(": ")
        more = f"; {more}" if more else "; on features that are taken once" if arm == "frozen" else ""
        schedules = "; or ".join(distinct(r.words["schedule"] for r in records))
        lines.append((what.capitalize(), f"{count} updates, {schedules}{more}"))
    return lines


def _timings(adaptation: Adaptation) -> list[tuple[str, str]]:
    """On what machine steps were timed, and by what clock."""
    records = adaptation.timings
    packages = {name: number for r in records for name, number in r.setting.step_versions.items()}
    with_packages = f"; {', '.join(f'{name} {number}' for name, number in packages.items())}" if packages else ""
    machines = distinct(f"{_machine(r)}: {r.words['setting']}" for r in records)
    passes = sorted({len(r.details["network_ms"]["samples"]) for r in records})
    count = f"{' to '.join(map(str, distinct(map(str, (passes[0], passes[-1])))))} passes of each" if records else ""
    return [("Steps timed on", f"{'; '.join(machines)}; {count}{with_packages}")] if records else []


def _seeds(adaptation: Adaptation) -> str:
    trained = [r for r in adaptation.records if r.setting.arm != AS_IS and r.setting.step == NO_STEP]
    count = len({r.setting.seed for r in trained})
    changes = "a seed chooses the labelled images, what starts at random and the order of training"
    found = {labels: adaptation.spreads.at(labels) for labels in adaptation.budgets}
    spread = [f"{100 * of.deviation:.1f} with {labels}" for labels, of in found.items() if of]
    words = f"{count} seed{'s' * (count != 1)}; {changes}"
    return f"{words}; standard deviation between them, in points: {', '.join(spread)} labels" if spread else words


def _machine(record: AdaptationRecord | StepRecord) -> str:
    machine = record.machine
    gpu = f"{machine['gpu']} of " if record.setting.device == "cuda" else ""
    return f"{gpu}{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"


def _versions(record: AdaptationRecord | StepRecord) -> str:
    return ", ".join(f"{name} {number}" for name, number in record.versions.items())
