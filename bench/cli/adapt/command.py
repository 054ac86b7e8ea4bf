"""`bench adapt`: what are labels, unlabelled images and pre-processing worth on one's own images?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.cli.adapt.text import say_timing, say_training, say_work
from bench.cli.common.graceful_shutdown import polite_kill
from bench.cli.common.options import reports_option, results_option, workers_option
from bench.cli.common.output import say
from bench.cli.report_command import renew_sweeps_behind, show_and_write
from bench.errors import ExitCode, UserError

_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--data", default="folder", show_default=True, help="A data set of `bench list datasets`.")
@click.option("--root", "--data-root", type=_folder, help="Its folder.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the data set.")
@click.option(
    "--from",
    "start",
    multiple=True,
    default=("imagenet",),
    show_default=True,
    metavar="SWEEP|FILE|imagenet",
    help="Where training starts: a sweep that trained the variant, a .safetensors file of one, or ImageNet weights; "
    "once for all variants or once for each.",
)
@click.option(
    "--labels", metavar="8,16,all", help="Images with labels.  [default: 8, doubled as often as it goes, all]"
)
@click.option("--seeds", type=click.IntRange(1, 20), default=3, show_default=True, help="Trainings of each point.")
@click.option(
    "--arms",
    default="as_is,full",
    show_default=True,
    help="as_is: no training. full: fine-tuning. frozen: the backbone as it is, its features kept. semi: a mean "
    "teacher on images without labels too.",
)
@click.option(
    "--steps",
    metavar="clahe,gamma",
    help="Done at inference, each judged beside nothing: histogram, clahe, grey_world, gamma, denoise, batchnorm, "
    "resize-1.5; joined by + to do several.",
)
@click.option("--source", metavar="NAME", help="The data that --from was trained on, for steps that match it.")
@click.option("--source-root", type=_folder, help="Their folder.")
@click.option("--updates", type=click.IntRange(10, 100_000), default=300, show_default=True, help="Of a training.")
@click.option("--recipe", metavar="NAME|FILE", help="A recipe whose keys, but epochs, take the place of the defaults.")
@click.option(
    "--choose",
    type=click.Choice(["balanced", "random"]),
    default="balanced",
    show_default=True,
    help="Which images are labelled first.",
)
@click.option("--weights-dir", type=_folder, help="Folder with one ImageNet weights file per timm name.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="[default: cuda where there is one]")
@workers_option
@click.option("--name", help="Folder below results/adapt/ and reports/.  [default: that of the images]")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be trained; train nothing.")
@results_option
@reports_option
def command(
    specs: tuple[str, ...],
    data: str,
    root: Path | None,
    options: tuple[str, ...],
    start: tuple[str, ...],
    labels: str | None,
    seeds: int,
    arms: str,
    steps: str | None,
    source: str | None,
    source_root: Path | None,
    updates: int,
    recipe: str | None,
    choose: str,
    weights_dir: Path | None,
    device: str | None,
    workers: int | None,
    name: str | None,
    dry_run: bool,
    results_dir: Path,
    reports_dir: Path,
) -> None:
    """Fine-tune variants on a ladder of label budgets, and say what the next label is worth.

    The data are the `folder` layout of docs/data.md unless --data says otherwise. What results/ already holds is not
    trained again: after a stop, the same command goes on. After the trainings each step is timed on one CPU thread of
    this machine, beside each variant.

    \b
    bench adapt tf_efficientnet_lite0+fpn64-head32 --root MY_IMAGES --weights-dir WEIGHTS
    bench adapt SPEC --root MY_IMAGES --from camvid --arms as_is,full,frozen,semi
    bench adapt SPEC --root MY_IMAGES --from net.safetensors --steps clahe,gamma,batchnorm
    """
    from bench.adapt.prepare import Asked, prepare
    from bench.adapt.run import run_adaptation
    from bench.adapt.step_timing import run_timings
    from bench.adapt.work import plan_work
    from bench.cli.common.data_options import read_data_option
    from bench.reports import make_reports
    from bench.storage.store import PREFIX, Store, adaptations_in

    if source_root and not source:
        raise UserError("--source-root is given without --source, the name of that data set.")
    asked = Asked(
        specs=specs,
        data=data,
        root=root,
        options=dict(map(read_data_option, options)),
        start=start,
        labels=labels,
        seeds=seeds,
        arms=arms,
        steps=steps,
        updates=updates,
        recipe=recipe,
        choice=choose,  # type: ignore[arg-type]
        source=(source, source_root) if source else None,
        weights_dir=weights_dir,
        device=device,
        workers=workers,
        name=name,
    )
    say("checking data, variants and weights")
    prepared = prepare(asked, results_dir)
    request = prepared.request
    say(f"data {request.dataset.name}: {request.dataset.describe()}")
    for spec in request.specs:
        say(f"{spec.name}: {request.starts[spec].describe(request.dataset.classes)}")
    for words in prepared.left_out:
        say(f"left out: {words}")
    if dry_run:
        say_work(plan_work(request, adaptations_in(results_dir)), request.updates, each=True)
        return
    with Store(results_dir).locked(), polite_kill():  # no latency of a sweep beside it either
        store = adaptations_in(results_dir)
        work = plan_work(request, store)
        say_work(work, request.updates)
        store.write_plan(request.name, work.keys)
        tally = run_adaptation(asked, request, trainings=work.trainings, results=results_dir, on_records=say_training)
        not_timed = run_timings(request, work.timings, store, say_timing)
    show_and_write(next(make_reports([f"{PREFIX}{request.name}"], results_dir)), reports_dir)
    renew_sweeps_behind(request.name, results_dir, reports_dir)
    if tally.failed or not_timed:
        sys.exit(ExitCode.CHECK_FAILED)
