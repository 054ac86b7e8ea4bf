"""Latencies that cannot be trusted, and those of another network than the one that gave the mIoU: a line a kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.analysis.latency_quality import Doubt, between_processes, doubts_of, percent
from bench.analysis.latency_records import metric_of
from bench.analysis.result_table import over_repeats
from bench.metrics import METRICS
from bench.settings.accuracy import RANDOM
from bench.storage.records import AccuracyRecord, ProcessRecord, Record

_Kind = TypeVar("_Kind")
_OF_MIOU = "float32"
"""Precision of every evaluation."""
_MOST_NAMES = 2
"""Variants that are named; of more, their number."""
REMEDY = "then `bench sweep` with `--retry-doubtful` measures again"


@dataclass(frozen=True)
class _Doubted:
    """A doubt about one metric of one variant."""

    metric: str
    variant: str
    doubt: Doubt


def trust_lines(latency: Sequence[ProcessRecord]) -> list[str]:
    """Why latencies may be wrong, and what to do: a line for each kind of doubt."""
    kinds: dict[str, list[_Doubted]] = defaultdict(list)
    for processes in _by(latency, lambda r: f"{r.spec_hash} {metric_of(r)}").values():
        for doubt in doubts_of_processes(processes):
            kinds[doubt.kind].append(_Doubted(metric_of(processes[0]), processes[0].variant, doubt))
    variants = len({r.variant for r in latency})
    return [_trust_line(doubted, variants) for doubted in kinds.values()]


def doubts_of_processes(processes: Sequence[ProcessRecord]) -> list[Doubt]:
    """Of one variant and metric: the doubts about each process, and about their spread."""
    found = [doubt for record in processes for doubt in doubts_of(record.details)]
    if "conditions" in processes[0].details:
        name = metric_of(processes[0])
        numbers = over_repeats(list(processes))
        medians = [record.metrics[name] for record in processes]
        found += between_processes(medians, numbers[f"{name}_low"], numbers[f"{name}_high"])
    return found


def doubtful_keys(records: Iterable[Record]) -> set[str]:
    """Keys of the latencies that are worth measuring again: doubted ones, and those whose weights were not there."""
    latency = [r for r in records if isinstance(r, ProcessRecord) and r.status == "ok"]
    groups = _by(latency, lambda r: f"{r.spec_hash} {metric_of(r)}").values()
    doubted = {r.key for processes in groups if doubts_of_processes(processes) for r in processes}
    return doubted | {r.key for r in latency if lacks_weights(r)}


def lacks_weights(record: ProcessRecord) -> bool:
    """Whether a latency ran random weights in place of those that its training was to leave."""
    return record.details.get("weights") == RANDOM != record.setting.weights_of


def network_lines(latency: Sequence[ProcessRecord], accuracy: Sequence[AccuracyRecord]) -> list[str]:
    """Which latencies are not of the weights, the graph and the precision that gave the mIoU beside them."""
    trained = _by(accuracy, _variant)
    measured = {variant: {_network(r) for r in records} for variant, records in trained.items()}
    joined = {variant: records for variant, records in _by(latency, _variant).items() if variant in measured}
    found: dict[str, list[str]] = defaultdict(list)
    for variant, records in joined.items():
        others = [r for r in records if None in _network(r) or _network(r) not in measured[variant]]
        if others:
            found[_difference(others[0], trained[variant])].append(variant)
        for precision in sorted({r.setting.precision for r in records} - {_OF_MIOU}):
            found[f"is in {precision}; its mIoU was measured in {_OF_MIOU}"].append(variant)
    return [f"latency of {_names(variants, len(joined))} {words}" for words, variants in found.items()]


_Network = tuple[str | None, str | None]


def _network(record: ProcessRecord | AccuracyRecord) -> _Network:
    """Hashes of the weights and of the graph; None where they were not kept."""
    return record.details.get("weights_hash"), record.details.get("graph_hash")


def _difference(latency: ProcessRecord, trained: Sequence[AccuracyRecord]) -> str:
    weights, graph = _network(latency)
    if weights is None:
        return (
            "is of random start weights, as it was measured before trained weights were kept; its mIoU is of trained "
            "ones. A new `bench sweep` measures it with these"
        )
    graphs = {_network(record)[1] for record in trained}
    if graph not in graphs and None not in graphs:
        return f"is of another graph than its mIoU: {_what_changed(latency, trained)}"
    if latency.details["weights"] == RANDOM:
        return (
            "is of random start weights, since those that gave its mIoU are not in this folder (they are not "
            "committed): a sweep that trains here keeps them"
        )
    return "is of other trained weights than its mIoU. `bench sweep` measures it again"


def _what_changed(latency: ProcessRecord, trained: Sequence[AccuracyRecord]) -> str:
    timed, others = latency.versions["torch"], sorted({record.versions["torch"] for record in trained})
    if timed not in others:
        return f"torch {timed} runs other operators than torch {' and '.join(others)}, which trained it"
    return "the network's code changed between them. `bench sweep` measures both"


def _trust_line(doubted: list[_Doubted], variants: int) -> str:
    worst = max((one.doubt for one in doubted), key=lambda doubt: doubt.size)
    metrics = ", ".join(dict.fromkeys(METRICS[one.metric].label for one in doubted))
    names = _names(list(dict.fromkeys(one.variant for one in doubted)), variants)
    up_to = "up to " if len(doubted) > 1 else ""
    fact = worst.fact.format(f"{up_to}{percent(worst.size)}")
    return f"doubtful: {metrics} of {names}: {fact}. What to do: {worst.mend}; {REMEDY}"


def _names(variants: list[str], of: int) -> str:
    if len(variants) == of > 1:
        return f"all {of} variants"
    return ", ".join(variants) if len(variants) <= _MOST_NAMES else f"{len(variants)} of {of} variants"


def _variant(record: Record) -> str:
    return record.variant


def _by(records: Iterable[_Kind], key: Callable[[_Kind], str]) -> dict[str, list[_Kind]]:
    groups: dict[str, list[_Kind]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups
