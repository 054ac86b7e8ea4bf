"""A roofline estimate in the terminal, beside what was measured on the same hardware."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table
from bench.cost.figures import PARTS
from bench.metrics import LOWER_BOUND

if TYPE_CHECKING:
    from bench.cost.hardware import HardwareProfile
    from bench.cost.roofline import Estimate
    from bench.sweep.estimates import HeldAgainst
    from bench.sweep.target import Target
    from variants.spec import VariantSpec


def run_hardware(target: Target, name: str, results_dir: Path, as_json: bool) -> bool:
    """Estimate every variant of a target on a profile, and print it with its rank correlation to measured latency.

    False where a variant cannot be estimated, or an operator without a formula makes an estimate a lower bound.
    """
    from bench.analysis.measured_latency import measured_sweeps
    from bench.cost.hardware import find_profile
    from bench.storage.store import Store
    from bench.sweep.estimates import estimate_all, hold_against

    profile = find_profile(name, results_dir)
    estimates, asked = estimate_all(target, profile, _say_failure), len(target.specs)
    _say_unknown(estimates)
    target, found = replace(target, specs=tuple(estimates)), list(estimates.values())
    fine = len(found) == asked and not any(one.unknown for one in found)
    sweeps = measured_sweeps(Store(results_dir), profile.measured_here)
    held_against = [_held_against_words(one) for one in hold_against(target, profile, sweeps)] or [
        f"no measured latency of these variants on {profile.label} in {results_dir} to hold it against"
    ]
    if as_json:
        click.echo(json.dumps(_as_json(target, profile, found, held_against), indent=2))
        return fine
    console = make_console()
    for line in _header(target, profile):
        console.print(line, markup=False, soft_wrap=True)
    if len(found) == 1:
        _print_parts(found[0])
    else:
        _print_variants(target, found)
    for line in held_against:
        console.print(line, markup=False, soft_wrap=True)
    return fine


def _say_failure(spec: VariantSpec, reason: str) -> None:
    say(f"cannot be estimated: {spec.name}: {reason}")


def _say_unknown(estimates: dict[VariantSpec, Estimate]) -> None:
    for spec, found in estimates.items():
        if found.unknown:
            say(f"no formula: {spec.name}: {', '.join(found.unknown)}; its estimate is a lower bound")


def _held_against_words(found: HeldAgainst) -> str:
    from bench.stats.rank_correlation import LEAST

    size = "x".join(map(str, found.size))
    where = f"latencies measured by sweep {found.sweep} at {size}, {found.variants} variants"
    slower = f"measured {found.ratios[0]:.1f} to {found.ratios[-1]:.1f} times the estimate"
    if found.rho is None:
        return f"{where}: {slower}; too few or too equal for a rank correlation, which takes {LEAST}"
    return f"{where}: rank correlation {found.rho:+.2f} (Spearman); {slower}"


def _header(target: Target, profile: HardwareProfile) -> list[str]:
    width, height = target.size
    return [
        f"ESTIMATE, no measurement: roofline for {profile.label}",
        f"at most {profile.macs_per_s / 1e12:.3g} TMACs a second = {2 * profile.macs_per_s / 1e12:.3g} TFLOPs a second "
        f"at 2 per MAC, and {profile.bytes_per_s / 1e9:.4g} GB a second ({profile.source})",
        f"one image of {width}x{height}, {target.classes} classes, float32",
    ]


def _print_parts(estimate: Estimate) -> None:
    table = make_table("part", "estimate (ms)", "share (%)", "bound by")
    for part, found in estimate.parts.items():
        table.add_row(part, f"{found.ms:.3g}", f"{100 * found.ms / estimate.ms:.1f}", found.bound)
    table.add_row("all", _shown(estimate), "100.0", "")
    make_console().print(table)


def _shown(estimate: Estimate) -> str:
    return f"{LOWER_BOUND if estimate.unknown else ''}{estimate.ms:.3g}"


def _print_variants(target: Target, estimates: list[Estimate]) -> None:
    """A row a variant, the fastest first."""
    from bench.analysis.labels import short_labels

    present = {part for one in estimates for part in one.parts}
    parts = [part for part in PARTS if part in present]
    table = make_table("variant", "estimate (ms)", *(f"{part} (ms)" for part in parts))
    labels = short_labels([spec.to_json() for spec in target.specs])
    for one, label in sorted(zip(estimates, labels, strict=True), key=lambda pair: pair[0].ms):
        cells = [f"{one.parts[part].ms:.3g}" if part in one.parts else "–" for part in parts]
        table.add_row(label, _shown(one), *cells)
    make_console().print(table)


def _as_json(
    target: Target, profile: HardwareProfile, estimates: list[Estimate], held_against: list[str]
) -> dict[str, object]:
    return {
        "estimate": True,
        "hardware": profile.name,
        "label": profile.label,
        "source": profile.source,
        "macs_per_s": profile.macs_per_s,
        "bytes_per_s": profile.bytes_per_s,
        "size": list(target.size),
        "classes": target.classes,
        "held_against": held_against,
        "variants": [
            {
                "variant": one.variant,
                "ms": one.ms,
                "unknown_operators": one.unknown,
                "parts": {part: {"ms": found.ms, "bound": found.bound} for part, found in one.parts.items()},
            }
            for one in estimates
        ],
    }
