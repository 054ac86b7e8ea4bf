"""What the steps of an adaptation take: sentences, a table, and rows for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.analysis.step_times import BATCH_NORM, StepTime
from bench.metrics import METRICS
from bench.render.document import TextTable
from bench.stats.interval import Interval

SAME_NETWORK = "adds no time by construction: the network is the same"
NOT_TIMED = "time of steps: not measured; the same `bench adapt` command measures it on the machine that it runs on"
TIMES_WORDS = (
    "Milliseconds. A step alone, a pass without it and a pass with it run in lock-step in one process; a pass goes "
    "from an image in main memory to its class map in main memory. Added: median of the differences, and step alone: "
    "median, each with its 95 % interval over passes; another process may differ by some per cent. A pass with the "
    "step: median and quartiles. A resizing is part of the pass and has no time alone: what it adds is as mIoU "
    "was predicted: both resizings, a softmax, and the network at the other size. A step is timed on one "
    "training image, beside the variant as it starts: neither weights nor what a step was fitted on change its time."
)


def added_words(times: Sequence[StepTime]) -> str:
    """What one step adds beside each of some variants: "adds 5.7 ms (5.5 to 5.9) to a pass of 30.1 ms"."""
    plain = _span([time.plain for time in times])
    if len(times) > 1:
        return f"adds {_span([time.added.value for time in times])} ms to passes of {plain} ms"
    (added,) = (time.added for time in times)
    if added.high < 0:
        return f"takes {_ms(Interval(-added.value, -added.high, -added.low), ' ms')} from a pass of {plain} ms"
    known = "" if added.low > 0 else "nothing that is known, "
    return f"adds {known}{_ms(added, ' ms')} to a pass of {plain} ms"


def step_time_table(adaptation: Adaptation, names: Mapping[str, str]) -> TextTable:
    """A row a variant and step.

    Args:
        names: of variants, as they are called.
    """
    rows = []
    for variant in adaptation.variants:
        times = adaptation.step_times(variant)
        for step in adaptation.steps:
            cells = ["0, the same network", "–", "–", "–"] if step == BATCH_NORM else _cells(times.get(step))
            doubts = ", ".join(one.kind for one in times[step].doubts) if step in times else ""
            rows.append([names[variant], step, *cells, doubts or "–"])
    head = ["variant", "step", "added to a pass", "step alone", "pass without it", "pass with it", "doubts"]
    return TextTable(head, rows)


def step_time_rows(adaptation: Adaptation) -> Iterator[dict[str, object]]:
    """A row a variant and timed step, for programs, in milliseconds."""
    for variant in adaptation.variants:
        for step, time in adaptation.step_times(variant).items():
            setting = time.record.setting
            yield {
                "variant": variant,
                "step": step,
                **_ends("added_ms", time.added),
                **_ends("step_ms", time.alone),
                "pass_without_ms": time.plain,
                **_ends("pass_with_ms", time.whole),
                "passes": time.passes,
                "width": setting.size[0],
                "height": setting.size[1],
                "threads": setting.threads,
                "runtime": setting.runtime,
                "machine": time.record.machine_id,
                "doubts": "; ".join(one.words for one in time.doubts),
            }


def _cells(time: StepTime | None) -> list[str]:
    if time is None:
        return ["not measured", "–", "–", "–"]
    return [_ms(time.added), _ms(time.alone) if time.alone else "–", _show(time.plain), _ms(time.whole)]


def _ends(name: str, of: Interval | None) -> dict[str, float | None]:
    numbers = (of.value, of.low, of.high) if of else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), numbers, strict=True))


def _ms(of: Interval, unit: str = "") -> str:
    return f"{_show(of.value)}{unit} ({_show(of.low)} to {_show(of.high)})"


def _span(numbers: Sequence[float]) -> str:
    low, high = _show(min(numbers)), _show(max(numbers))
    return low if low == high else f"{low} to {high}"


def _show(milliseconds: float) -> str:
    return METRICS["latency_cpu_ms"].show(milliseconds).replace("-", "−")
