"""Roofline estimates of a target's variants, and how they rank beside latencies measured on the same hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.analysis.measured_latency import MeasuredSweep
from bench.cost.hardware import HardwareProfile
from bench.cost.roofline import Estimate, estimate
from bench.errors import UserError, describe_failure
from bench.stats.rank_correlation import rank_correlation
from bench.sweep.target import Target
from variants.spec import VariantSpec


@dataclass(frozen=True, kw_only=True)
class HeldAgainst:
    """Estimates beside what one sweep measured, at the size and classes of its latencies.

    Attributes:
        sweep: Its name.
        size: Width and height of the image.
        variants: That were both estimated and measured.
        ratios: Measured over estimated, ascending.
        rho: Spearman's rank correlation; None where there are too few or too equal.
    """

    sweep: str
    size: tuple[int, int]
    variants: int
    ratios: list[float]
    rho: float | None


def estimate_all(
    target: Target, profile: HardwareProfile, on_failure: Callable[[VariantSpec, str], None]
) -> dict[VariantSpec, Estimate]:
    """Estimate every variant of a target.

    Args:
        on_failure: told of a variant that cannot be estimated, and why; the others go on.

    Raises:
        UserError: there is none.
    """
    found = {}
    for spec in target.specs:
        try:
            found[spec] = estimate(spec, target.classes, *target.size, profile)
        except Exception as error:  # of a network from elsewhere: any
            on_failure(spec, describe_failure(error))
    if not found:
        raise UserError("no variant could be estimated. Try another --size.")
    return found


def hold_against(target: Target, profile: HardwareProfile, sweeps: Iterable[MeasuredSweep]) -> list[HeldAgainst]:
    """Compare with every sweep that measured variants of the target."""
    found = (_held_against(target, profile, sweep) for sweep in sweeps)
    return [one for one in found if one is not None]


def _held_against(target: Target, profile: HardwareProfile, sweep: MeasuredSweep) -> HeldAgainst | None:
    specs = [spec for spec in target.specs if spec.content_hash in sweep.ms]
    if not specs:
        return None
    estimated = [estimate(spec, sweep.classes, *sweep.size, profile).ms for spec in specs]
    measured = [sweep.ms[spec.content_hash] for spec in specs]
    return HeldAgainst(
        sweep=sweep.sweep,
        size=sweep.size,
        variants=len(specs),
        ratios=sorted(m / e for m, e in zip(measured, estimated, strict=True)),
        rho=rank_correlation(estimated, measured),
    )
