"""What frames cost: from measured latencies, the user's prices, and energy that was measured or is the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.decision.prices import MachinePrice
from bench.stats.interval import Interval

MILLION = 1e6
_HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """One variant on one machine.

    frames_per_s: of all streams. per_million: cost of a million frames, with the interval of the latency.
    frames_per_joule: frames per second and watt; None where nothing is known. energy_is_measured: by counters of the
    machine; otherwise by the watts of the file.
    """

    variant: str
    frames_per_s: float
    per_million: Interval
    frames_per_joule: float | None
    energy_is_measured: bool


def running(
    variant: str, latency_ms: Interval, batch: int, price: MachinePrice, joules_per_pass: float | None
) -> Running:
    """From the latency of a pass of `batch` images, with its interval.

    Args:
        joules_per_pass: measured; None where the machine has no counters.
    """
    frames_per_s = price.streams * batch * 1e3 / latency_ms.value
    ends = (_per_million(ms, batch, price) for ms in (latency_ms.value, latency_ms.low, latency_ms.high))
    if joules_per_pass:
        frames_per_joule: float | None = batch / joules_per_pass
    else:
        frames_per_joule = frames_per_s / price.watts if price.watts else None
    return Running(
        variant=variant,
        frames_per_s=frames_per_s,
        per_million=Interval(*ends),
        frames_per_joule=frames_per_joule,
        energy_is_measured=bool(joules_per_pass),
    )


def _per_million(ms: float, batch: int, price: MachinePrice) -> float:
    hours = ms / 1e3 / batch / price.streams / _HOUR_S
    return MILLION * hours * price.price_per_hour


def break_even(dear: Running, cheap: Running, one_off: float) -> Interval | None:
    """Frames from which changing to the cheaper variant has paid its one-off cost.

    The interval puts the ends of both costs together at their worst; an end that never pays is infinite. None: it does
    not pay, since the other one is no cheaper.
    """
    if cheap.per_million.value >= dear.per_million.value:
        return None
    saved = (
        dear.per_million.value - cheap.per_million.value,
        dear.per_million.high - cheap.per_million.low,
        dear.per_million.low - cheap.per_million.high,
    )
    return Interval(*(one_off / one * MILLION if one > 0 else float("inf") for one in saved))


def measured_joules(details: Sequence[dict[str, object]]) -> float | None:
    """Of a pass: the mean over processes whose machine has counters; None without them."""
    counted = [energy for process in details if isinstance(energy := process.get("energy"), dict)]
    found = [float(energy["joules"]) / int(energy["passes"]) for energy in counted if energy["passes"]]
    return sum(found) / len(found) if found else None
