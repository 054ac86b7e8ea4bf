"""`bench pick`: which variant, within these limits?"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.options import json_option, results_option
from bench.cli.common.output import say

if TYPE_CHECKING:
    from bench.decision.decision import Decision

_OBJECTIVES = ("miou", "gmacs", "params", "memory", "latency")


@click.command()
@click.argument("sweeps", nargs=-1)
@click.option("--miou", help="Least mIoU on the validation split, such as '>=0.70'.")
@click.option("--gmacs", help="Most multiply-adds, such as '<=8'.")
@click.option("--params", help="Most parameters, such as '<=5M'.")
@click.option("--memory", help="Most memory of activations, such as '<=200MB'.")
@click.option("--latency", help="Most time of a pass, such as '<=30ms'.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True, help="Of the latency.")
@click.option(
    "--runtime",
    type=click.Choice(["eager", "compile", "onnxruntime", "openvino", "cudagraph"]),
    default="eager",
    show_default=True,
    help="Of the latency.",
)
@click.option("--machine", default="", help="Only latencies of machines whose id contains this.")
@click.option(
    "--minimise", type=click.Choice(_OBJECTIVES[1:]), help="The cost that decides.  [default: gmacs, with --miou]"
)
@click.option("--maximise", type=click.Choice(_OBJECTIVES[:1]), help="The mIoU decides.  [default: without --miou]")
@click.option(
    "--labels", metavar="N|all", help="Of an adaptation: by the mIoU with so many labelled images.  [default: all]"
)
@click.option("--packed", is_flag=True, help="Read the pack of `bench pack`: the same answer, of very many records.")
@json_option
@results_option
def command(
    sweeps: tuple[str, ...],
    miou: str | None,
    gmacs: str | None,
    params: str | None,
    memory: str | None,
    latency: str | None,
    device: str,
    runtime: str,
    machine: str,
    minimise: str | None,
    maximise: str | None,
    labels: str | None,
    packed: bool,
    as_json: bool,
    results_dir: Path,
) -> None:
    """Pick the best variant of SWEEPS within limits, and say how sure that is and what each limit costs.

    Every limit is on what was measured; nothing is estimated. Exit code 1: no variant meets all limits. adapt/NAME
    picks among the networks that `bench adapt` trained on one's own images.

    \b
    bench pick camvid --miou ">=0.65" --latency "<=30ms" --minimise gmacs
    bench pick camvid_modules --params "<=5M"
    bench pick camvid_gpu --latency "<=2ms" --device cuda --runtime cudagraph --json
    bench pick --gmacs "<=8" --packed
    bench pick adapt/camvid_dusk --labels 16 --gmacs "<=3"
    """
    from bench.adapt.analysis.decision_data import load_adapted_grounds
    from bench.analysis.constraints import read_limit
    from bench.decision.decision import decide, decide_on, deciding
    from bench.decision.record_evidence import Records
    from bench.errors import ExitCode, UserError
    from bench.metrics import SCORE, latency_metric
    from bench.pack.query import Pack
    from bench.storage.store import PREFIX, Store, adaptations_in

    if minimise and maximise:
        raise UserError("--minimise and --maximise both say what decides: pass one of them.")
    metrics = {
        "miou": SCORE,
        "gmacs": "macs",
        "params": "parameters",
        "memory": "peak_bytes",
        "latency": _latency(latency_metric, device, runtime),
    }
    asked = {"miou": miou, "gmacs": gmacs, "params": params, "memory": memory, "latency": latency}
    limits = [read_limit(metrics[name], text) for name, text in asked.items() if text is not None]
    objective = metrics[maximise or minimise or ("gmacs" if miou else "miou")]
    source = Pack(results_dir) if packed else Records(Store(results_dir))
    adapted = [name.removeprefix(PREFIX) for name in sweeps if name.startswith(PREFIX)]
    if labels is not None and not adapted:
        raise UserError(f"--labels is of an adaptation: name it, as in `bench pick {PREFIX}NAME --labels {labels}`.")
    if adapted and packed:
        raise UserError("--packed reads sweeps alone: leave it out, adaptations are read as they are.")
    if adapted:
        rest = [name for name in sweeps if not name.startswith(PREFIX)]
        if len(adapted) > 1:
            raise UserError(f"{', '.join(adapted)}: adaptations to other images do not stand side by side; name one.")
        grounds = load_adapted_grounds(
            adaptations_in(results_dir),
            adapted[0],
            labels=_labels(labels),
            source=source,
            sweeps=rest,
            metrics=deciding(limits, objective),
            machine=machine,
        )
        decision = decide_on(grounds, limits, objective)
    else:
        decision = decide(source, sweeps, limits=limits, objective=objective, machine=machine)
    if as_json:
        click.echo(json.dumps(decision.to_json(), indent=2))
    else:
        _print(decision)
    if decision.pick.best is None:
        sys.exit(ExitCode.CHECK_FAILED)


def _latency(latency_metric: Any, device: str, runtime: str) -> str:
    from bench.errors import UserError
    from bench.settings.runtimes import RUNTIMES_OF

    there = RUNTIMES_OF[device]  # type: ignore[index]
    if runtime not in there:
        raise UserError(f"runtime {runtime!r} does not run on {device}. Those that do: {', '.join(there)}.")
    return str(latency_metric(device, runtime))


def _labels(text: str | None) -> int | None:
    from bench.errors import UserError

    if text is None or text == "all":
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise UserError(f"--labels {text!r} is neither a number of images nor 'all'.")
    return int(text)


def _print(decision: Decision) -> None:
    from bench.render.pick_text import pick_lines

    for line in pick_lines(decision):
        click.echo(line)
    for setting in decision.grounds.settings:
        say(f"measured on {setting}")
