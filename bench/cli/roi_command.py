"""`bench roi`: what do a million frames cost, and from how many frames does a change pay?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.options import AmountType, json_option, results_option
from bench.cli.common.output import say
from bench.cli.common.tables import make_console, make_table

if TYPE_CHECKING:
    from bench.decision.prices import Prices
    from bench.decision.sweep_roi import SweepRoi


@click.command()
@click.argument("sweep")
@click.option(
    "--prices",
    "prices_path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML file of what your machines cost and draw; docs/examples/prices.yaml is an example.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--runtime",
    type=click.Choice(["eager", "compile", "onnxruntime", "openvino", "cudagraph"]),
    default="eager",
    show_default=True,
)
@click.option("--machine", default="", help="Only latencies of machines whose id contains this.")
@click.option("--change", nargs=2, metavar="FROM TO", help="Two variants: from how many frames does the change pay?")
@click.option("--one-off", type=AmountType(), help="What the change costs once, in the currency of the prices.")
@click.option("--frames-per-day", type=AmountType(), help="Says the break-even in days as well.")
@json_option
@results_option
def command(
    sweep: str,
    prices_path: Path,
    device: str,
    runtime: str,
    machine: str,
    change: tuple[str, str] | None,
    one_off: float | None,
    frames_per_day: float | None,
    as_json: bool,
    results_dir: Path,
) -> None:
    """Say what the variants of SWEEP cost to run, from their measured latencies and your prices.

    Frames per second and watt come from energy counters where the machine has them, else from the watts of your file,
    and stay unknown otherwise.

    \b
    bench roi camvid --prices my_prices.yaml
    bench roi camvid --prices my_prices.yaml --change resnet18+fpn64-head32 lcnet_050+fpn64-head32 --one-off 2000
    """
    from bench.decision.prices import read_prices
    from bench.decision.sweep_roi import roi_of_sweep
    from bench.errors import UserError
    from bench.metrics import latency_metric
    from bench.storage.store import Store

    if bool(change) != (one_off is not None):
        raise UserError("--change and --one-off belong together: what changes, and what that costs once.")
    prices = read_prices(prices_path)
    metric = latency_metric(device, runtime)  # type: ignore[arg-type]
    found = roi_of_sweep(Store(results_dir), sweep, metric=metric, machine=machine, prices=prices)
    told = (
        _change(found, change, one_off=one_off or 0.0, frames_per_day=frames_per_day, prices=prices) if change else None
    )
    if as_json:
        click.echo(json.dumps(found.to_json() | ({"change": told} if told else {}), indent=2))
    else:
        _print(found, prices)
        if told:
            click.echo(told["words"])
    if prices.example:
        say(f"the prices are an EXAMPLE ({prices_path}): nothing above is what you would pay")


def _print(found: SweepRoi, prices: Prices) -> None:
    from bench.metrics import METRICS, SCORE

    energy = "measured" if any(run.energy_is_measured for run in found.running) else "by the given watts"
    table = make_table(
        "variant",
        "mIoU val (%)",
        "latency (ms)",
        "frames/s",
        f"{prices.currency} for a\nmillion frames",
        f"frames/s per watt,\n{energy}",
    )
    for run, candidate in zip(found.running, found.candidates, strict=True):
        cost = run.per_million
        table.add_row(
            found.labels[run.variant],
            METRICS[SCORE].show(candidate.values[SCORE]),
            METRICS[found.metric].show(candidate.values[found.metric]),
            f"{run.frames_per_s:.1f}",
            f"{cost.value:.3g} ({cost.low:.3g}–{cost.high:.3g})",
            "unknown" if run.frames_per_joule is None else f"{run.frames_per_joule:.3g}",
        )
    make_console().print(table)
    for doubt in found.doubts:
        say(f"doubtful: {doubt}")
    for setting in found.settings:
        say(f"measured on {setting}")


def _change(
    found: SweepRoi, change: tuple[str, str], one_off: float, frames_per_day: float | None, prices: Prices
) -> dict[str, Any]:
    from bench.decision.roi import break_even

    before, after = (found.of(name) for name in change)
    frames = break_even(before, after, one_off)
    if frames is None:
        words = f"changing to {after.variant} never pays: a million frames cost {after.per_million.value:.3g} "
        words += f"{prices.currency}, with {before.variant} {before.per_million.value:.3g}"
        return {"from": before.variant, "to": after.variant, "frames": None, "words": words}
    words = (
        f"changing to {after.variant} for {one_off:g} {prices.currency} pays from {_frames(frames.value)} frames on "
        f"({_frames(frames.low)} to {_frames(frames.high)})"
    )
    if frames_per_day:
        words += f", after {frames.value / frames_per_day:,.0f} days"
    return {"from": before.variant, "to": after.variant, "frames": frames.value, "words": words}


def _frames(frames: float) -> str:
    return "never" if frames == float("inf") else f"{frames / 1e6:,.1f} million"
