"""What a reader must know to read the numbers: settings, spreads, machine, versions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from bench.analysis.labels import backbone_labels
from bench.analysis.latency_records import metric_of
from bench.analysis.pareto_fronts import Front
from bench.analysis.result_table import QUARTILES_FROM, shows_quartiles
from bench.analysis.study import Study
from bench.metrics import CONVENTION_WORDS, METRICS, SCORE
from bench.settings.runtimes import RUNTIME_LABELS, SCOPES
from bench.storage.records import AccuracyRecord, ProcessRecord, Record

OTHER_DAYS = "What another day on the same machine does to all latencies is in no draw"
"""The spread between sessions, of which a sweep knows nothing."""
_SPLITS = "fronts use the validation split, the test split only fills its column"


def legend_lines(study: Study) -> list[str]:
    """What each column means, one line a metric."""
    metrics = [SCORE, "miou_test", *study.score_metrics, *study.cost_metrics, *study.detail_metrics]
    return [f"{METRICS[m].heading}: {METRICS[m].meaning}; {METRICS[m].direction}" for m in metrics]


def spread_words(study: Study) -> str:
    """What stands in brackets behind a number, and in which convention multiply-adds are said."""
    if study.seeds > 1:
        miou = f"mIoU is the mean of {study.seeds} seeds with their range"
    else:
        miou = (
            "mIoU is of one training seed, with the 95 % bootstrap interval over the images of the split alone; "
            "what another seed would change is not in it, so close numbers are ties"
        )
    convention = CONVENTION_WORDS[study.convention]
    if not study.latency:
        return f"In brackets: {miou}. {convention}"
    return f"In brackets: {miou}; {_latency_spread_words(study)}. {convention}"


def _latency_spread_words(study: Study) -> str:
    counts = {count for fewest_and_most in study.processes.values() for count in fewest_and_most}
    if counts == {1}:
        return "a latency is the median of one process with its quartiles; another process differs by several per cent"
    if len(counts) == 1:
        (count,) = counts
        spread = "quartiles" if shows_quartiles("latency", count) else "range"
        return f"a latency is the median over {count} processes with their {spread}"
    by_metric = ", ".join(f"{METRICS[metric].label} {_span(*of)}" for metric, of in study.processes.items())
    return (
        f"a latency is the median over its processes ({by_metric}) with their range, of {QUARTILES_FROM} and more "
        "their quartiles; of one process it is that of its passes with their quartiles, and another process differs "
        "by several per cent"
    )


def _span(fewest: int, most: int) -> str:
    return str(most) if fewest == most else f"{fewest} to {most}"


def difference_words(study: Study) -> str:
    """How to read the differences to the plain networks."""
    seeds = min(difference.seeds for difference in study.differences)
    if seeds > 1:
        over = f"the images and {seeds} seeds"
        reading = "One that holds 0 shows no difference"
        if seeds < 5:
            reading += (
                ". Drawn from so few seeds they are too narrow; where “What one axis does” has the same pair, its "
                "interval has the spread between seeds of all variants in it: decide by that one"
            )
    else:
        over = "the images alone"
        reading = "Of one training seed, even one that leaves 0 may be the doing of the seed"
    return (
        "Each variant less the network of the same backbone and decoder without a module, on the same images. "
        f"In brackets: 95 % bootstrap intervals over {over}. {reading}."
    )


def sureness_words(study: Study) -> str:
    """How to read the chances and ties."""
    sure = study.sureness
    assert sure is not None
    seeds = sure.spread.describe() if sure.spread else "nothing for other seeds, of which there are none"
    return (
        "All numbers are drawn anew 1000 times: the images of the validation split, the same for all variants; "
        f"{seeds}{_drawn_latency_words(study)}. In how many draws nothing dominates a variant is its chance of the "
        "front; costs that read the same are the same. Variants of one number under “tied in mIoU” cannot be told "
        "apart from the best of them (95 %, by Tukey's range test). Those below 1 % on every front are left out. The "
        "band of a figure is the 95 % interval of the best true mIoU within each cost."
    )


def _drawn_latency_words(study: Study) -> str:
    if not study.processes:
        return ""
    single = [METRICS[metric].label for metric, (fewest, _) in study.processes.items() if fewest == 1]
    each = "is" if len(single) == 1 else "are each"
    known = f"; {' and '.join(single)} {each} of one process and taken as known, which no latency is" if single else ""
    return f"; for a latency, its processes{known}. {OTHER_DAYS}"


def front_words(study: Study) -> list[str]:
    """The measure of each front, and its knee."""
    sure = study.sureness
    assert sure is not None
    rows = {row["variant"]: (number, row["label"]) for number, row in enumerate(study.rows, start=1)}
    return [_front_line(sure.fronts[metric], rows) for metric in study.cost_metrics if metric in sure.fronts]


def _front_line(front: Front, rows: dict[str, tuple[int, str]]) -> str:
    cost, miou = METRICS[front.metric], METRICS[SCORE]
    area = front.hypervolume * cost.scale * miou.scale
    reference = f"{cost.show(front.reference[0])} {cost.unit} and {miou.show(front.reference[1])} %"
    knee = f"; knee: #{rows[front.knee][0]}, {rows[front.knee][1]}" if front.knee else ""
    return f"{cost.label}: hypervolume {area:.4g} {cost.unit} × %, against the reference point {reference}{knee}"


EFFECT_WORDS = (
    "Over the pairs of variants that differ in one axis alone: mean difference of the mIoU with its 95 % interval, by "
    "the same draws, and mean change of each cost."
)


def setting_lines(study: Study) -> list[tuple[str, str]]:
    """Setting by setting: with what the numbers were measured."""
    setting, words = study.accuracy.setting, study.accuracy.words
    cost = study.cost.setting
    return [
        ("Data", f"{setting.dataset}: {words['data']}; {len(setting.classes)} classes"),
        ("Training", f"{words['schedule']}; on the training split only"),
        *([("Variants", f"chosen by {study.chosen_by}")] if study.chosen_by else []),
        *_backbone_line(study),
        *_agreement_line(study),
        ("Evaluation", f"{words['evaluation']}; {_SPLITS}"),
        ("Cost", f"one image of {cost.size[0]}x{cost.size[1]}, {cost.classes} classes; {_counter(study)}"),
        *(_latency_line(study, record) for record in study.latency.values()),
        ("Trained on", _by_trainings(study, _trained_on)),
        ("Versions", _by_trainings(study, lambda r: ", ".join(f"{name} {of}" for name, of in r.versions.items()))),
        ("Commit", ", ".join(study.commits)),
    ]


def _backbone_line(study: Study) -> list[tuple[str, str]]:
    """What labels leave out: another network may go by the same one elsewhere."""
    backbones = [str(row.get("backbone") or "") for row in study.rows]
    pairs = zip(backbone_labels(study.rows), backbones, strict=True)
    hidden = dict.fromkeys(f"{label} stands for `{backbone}`" for label, backbone in pairs if label != backbone)
    return [("Backbones", f"{'; '.join(hidden)}: built with these arguments")] if hidden else []


def _agreement_line(study: Study) -> list[tuple[str, str]]:
    """Could a variant have been stopped early? Only where the order of then was that of the end."""
    if not study.early_agreement:
        return []
    taus = ", ".join(f"{tau:+.2f} after epoch {look}" for look, tau in study.early_agreement.items())
    return [("Early against final order", f"Kendall's tau of the mIoUs on the validation split: {taus}")]


def _counter(study: Study) -> str:
    return study.cost.words["counter"]


def _latency_line(study: Study, record: ProcessRecord) -> tuple[str, str]:
    setting = record.setting
    return f"Latency ({setting.device}, {RUNTIME_LABELS[setting.runtime]})", _latency_words(study, record)


def _latency_words(study: Study, record: ProcessRecord) -> str:
    setting = record.setting
    of = f"{record.machine['gpu']} of " if setting.device == "cuda" else ""
    versions = {"torch": record.versions["torch"], **setting.runtime_versions}
    installed = ", ".join(f"{name} {number}" for name, number in versions.items())
    counts = study.processes[metric_of(record)]
    processes = f"{_span(*counts)} process{'es' if counts != (1, 1) else ''}"
    warm = "until they get no faster" if setting.method > 1 else "of a fixed number"
    passes = f"{setting.samples} passes in each of {processes}, after a warm-up {warm}"
    return f"{setting}: {SCOPES[setting.scope]}; on {of}{_machine_words(record)}; {installed}; {passes}"


def _by_trainings(study: Study, words_of: Callable[[AccuracyRecord], str]) -> str:
    """What all trainings have in common; where they have not, each with its trainings and their seeds."""
    found: dict[str, list[AccuracyRecord]] = defaultdict(list)
    for record in study.records:
        if isinstance(record, AccuracyRecord):
            found[words_of(record)].append(record)
    if len(found) < 2:
        return words_of(study.accuracy)
    return "; ".join(f"{_count(records)}: {words}" for words, records in found.items())


def _count(trainings: Sequence[AccuracyRecord]) -> str:
    seeds = sorted({record.setting.seed for record in trainings})
    plural = "s" if len(seeds) > 1 else ""
    of = f"{len(trainings)} training{'s' if len(trainings) > 1 else ''}"
    return f"{of} of seed{plural} {', '.join(map(str, seeds))}"


def _trained_on(accuracy: AccuracyRecord) -> str:
    gpu = f"{accuracy.machine['gpu']} of " if accuracy.setting.device == "cuda" else ""
    return f"{gpu}{_machine_words(accuracy)}"


def _machine_words(record: Record) -> str:
    machine = record.machine
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"


def warning_lines(study: Study) -> list[str]:
    """What is missing or doubtful; empty where all is well."""
    failures = Counter(f"failed: {r.group} of {r.variant}: {r.reason}" for r in study.failed)
    return [words + (f" ({times} times)" if times > 1 else "") for words, times in failures.items()] + study.doubts
