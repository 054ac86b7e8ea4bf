"""`bench adapt`: what are labels, unlabelled images and pre-processing worth on one's own images?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.adapt_words import say_timing, say_training, timing_words
from bench.cli.options import cores, reports_option, results_option, workers_option
from bench.cli.polite_kill import polite_kill
from bench.cli.report_command import render_adaptation
from bench.cli.say import say
from bench.errors import ExitCode, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from bench.adapt.plan import Training
    from bench.adapt.step_timing import Timing

_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--data", default="folder", show_default=True, help="A data set of `bench list datasets`.")
@click.option("--root", "--data-root", type=_folder, help="Its folder.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the data set.")
@click.option(
    "--from", "start", multiple=True, default=("imagenet",), show_default=True, metavar="SWEEP|FILE|imagenet",
    help="Where training starts: a sweep that trained the variant, a .safetensors file of one, or ImageNet weights; "
    "once for all variants or once for each.",
)  # fmt: skip
@click.option(
    "--labels", metavar="8,16,all", help="Images with labels.  [default: 8, doubled as often as it goes, all]"
)
@click.option("--seeds", type=click.IntRange(1, 20), default=3, show_default=True, help="Trainings of each point.")
@click.option(
    "--arms", default="as_is,full", show_default=True,
    help="as_is: no training. full: fine-tuning. frozen: the backbone as it is, its features kept. semi: a mean "
    "teacher on images without labels too.",
)  # fmt: skip
@click.option(
    "--steps", metavar="clahe,gamma",
    help="Done at inference, each judged beside nothing: histogram, clahe, grey_world, gamma, denoise, batchnorm, "
    "resize-1.5; joined by + to do several.",
)  # fmt: skip
@click.option("--source", metavar="NAME", help="The data that --from was trained on, for steps that match it.")
@click.option("--source-root", type=_folder, help="Their folder.")
@click.option("--updates", type=click.IntRange(10, 100_000), default=300, show_default=True, help="Of a training.")
@click.option("--recipe", metavar="NAME|FILE", help="A recipe whose keys, but epochs, take the place of the defaults.")
@click.option(
    "--choose", type=click.Choice(["balanced", "random"]), default="balanced", show_default=True,
    help="Which images are labelled first.",
)  # fmt: skip
@click.option("--weights-dir", type=_folder, help="Folder with one ImageNet weights file per timm name.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="[default: cuda where there is one]")
@workers_option
@click.option("--name", help="Folder below results/adapt/ and reports/.  [default: that of the images]")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be trained; train nothing.")
@results_option
@reports_option
def command(
    specs: tuple[str, ...], data: str, root: Path | None, options: tuple[str, ...], start: tuple[str, ...],
    labels: str | None, seeds: int, arms: str, steps: str | None, source: str | None, source_root: Path | None,
    updates: int, recipe: str | None, choose: str, weights_dir: Path | None, device: str | None,
    workers: int | None, name: str | None, dry_run: bool, results_dir: Path, reports_dir: Path,
) -> None:  # fmt: skip
    """Fine-tune variants on a ladder of label budgets, and say what the next label is worth.

    The data are the `folder` layout of docs/data.md unless --data says otherwise. What results/ already holds is not
    trained again: after a stop, the same command goes on. After the trainings each step is timed on one CPU thread of
    this machine, beside each variant.

    \b
    bench adapt tf_efficientnet_lite0+fpn64-head32 --root MY_IMAGES --weights-dir WEIGHTS
    bench adapt SPEC --root MY_IMAGES --from camvid --arms as_is,full,frozen,semi
    bench adapt SPEC --root MY_IMAGES --from net.safetensors --steps clahe,gamma,batchnorm
    """
    from bench.adapt.plan import plan_trainings
    from bench.adapt.prepare import Asked, prepare
    from bench.adapt.run import run_adaptation, store_of
    from bench.adapt.step_timing import plan_timings, run_timings
    from bench.cli.data_options import read_data_option
    from bench.store import Store

    if source_root and not source:
        raise UserError("--source-root is given without --source, the name of that data set.")
    asked = Asked(
        specs, data, root, dict(map(read_data_option, options)), start, labels, seeds, arms, steps, updates, recipe,
        choose, (source, source_root) if source else None, weights_dir, device, name,  # type: ignore[arg-type]
    )  # fmt: skip
    say("checking data, variants and weights")
    prepared = prepare(asked, results_dir)
    request = prepared.request
    say(f"data {request.dataset.name}: {request.dataset.describe()}")
    for spec in request.specs:
        say(f"{spec.name}: {request.starts[spec].describe(request.dataset.classes)}")
    for words in prepared.left_out:
        say(f"left out: {words}")
    store = store_of(results_dir)
    done = {record.key for record in store.read(request.name) if record.status == "ok"}
    trainings, timings = plan_trainings(request, done), plan_timings(request)
    todo, to_time = _todo(trainings, timings, done)
    say(
        f"to train: {len(todo)} of {len(trainings)}, {request.updates} updates each; the others are done"
        f"{timing_words(to_time, len(timings))}"
    )
    if dry_run:
        for training in todo:
            click.echo(str(training))
        for timing in to_time:
            click.echo(f"time of {timing}")
        return
    with Store(results_dir).locked(), polite_kill():  # no latency of a sweep beside it either
        keys = [key for training in trainings for key in training.keys.values()]
        store.write_plan(request.name, [*keys, *(timing.key for timing in timings)])
        tally = run_adaptation(asked, request, todo, results_dir, workers or _workers(request.way[0]), say_training)
        not_timed = run_timings(request, to_time, store, say_timing)
    render_adaptation(request.name, results_dir, reports_dir)
    if tally.failed or not_timed:
        sys.exit(ExitCode.CHECK_FAILED)


def _workers(device: str) -> int:
    """A process a core; a GPU serves one at a time unless it is asked for more."""
    return cores() if device == "cpu" else 1


def _todo(
    trainings: Sequence[Training], timings: Sequence[Timing], done: Set[str]
) -> tuple[list[Training], list[Timing]]:
    """Those of which a record is missing."""
    return (
        [training for training in trainings if not set(training.keys.values()) <= done],
        [timing for timing in timings if timing.key not in done],
    )
