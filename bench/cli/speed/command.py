"""`bench speed`: how fast we are, against our peers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common.options import SizeType, cores, results_option, workers_option
from bench.cli.common.output import say
from bench.cli.speed.promise import verdict
from bench.errors import ExitCode

if TYPE_CHECKING:
    from bench.speed.counting import Race, SpaceTime

_VARIANT = "resnet18+frm1234-transformer-w256-depth2-heads4-ffn4+fpn256-head128"
_TRAINED = "tf_efficientnet_lite0+frm1234-dnl-w128+fpn64-head32"
_AT_LEAST = {"fvcore": 50.0, "ptflops": 20.0}
"""Times as long as ours that each should take."""
_AT_MOST_BYTES = 0.6e9
_AT_MOST_SECONDS = 120.0
_OF_VARIANTS = 10_000


rounds_option = click.option("--rounds", type=click.IntRange(1, 1000), default=7, show_default=True, help="Of turns.")
check_option = click.option("--check", is_flag=True, help="Exit 1 where we are slower or larger than promised.")
size_option = click.option(
    "--size", type=SizeType(), default="2048x1024", show_default=True, help="Of the image, in pixels."
)


@click.group()
def command() -> None:
    """How fast we are, against our peers side by side.

    The ratios are of runs next to each other, so that other work on the machine weighs on both.

    \b
    bench speed cost
    bench speed space
    bench speed miou
    bench speed training --data-root CAMVID --weights-dir WEIGHTS
    bench speed halving camvid_small
    bench speed pick --records 10000 --records 100000
    """


@command.command()
@click.argument("variant", default=_VARIANT)
@size_option
@rounds_option
@click.option("--threads", type=click.IntRange(1, 1024), help="Of each counter.  [default: number of cores]")
@check_option
def cost(variant: str, size: tuple[int, int], rounds: int, threads: int | None, check: bool) -> None:
    """Count VARIANT with our counter, fvcore and ptflops, in turns.

    Each counter has a process of its own, in which the network is built and a small image was counted before.
    """
    from variants.names import parse_name

    _conclude(_run_race(parse_name(variant).name, size, threads or cores(), rounds), check)


@command.command()
@size_option
@click.option("--variants", type=click.IntRange(24, 15_000), default=_OF_VARIANTS, show_default=True)
@workers_option
@check_option
def space(size: tuple[int, int], variants: int, workers: int | None, check: bool) -> None:
    """Count a space of many variants."""
    _conclude(_run_space(size, variants, workers or cores()), check)


@command.command()
@size_option
@click.option("--classes", type=click.IntRange(10, 255), default=19, show_default=True)
@rounds_option
@check_option
def miou(size: tuple[int, int], classes: int, rounds: int, check: bool) -> None:
    """Count pixels for mIoU with ours and with torchmetrics, in turns.

    On a generated street with a prediction that is wrong in blobs, and on noise, which no network predicts.
    """
    from bench.cli.speed.miou import run_miou

    _conclude(run_miou(size, classes, rounds), check)


@command.command()
@click.argument("variant", default=_TRAINED)
@click.option("--space", default="camvid_modules", show_default=True, help="Whose data and schedule are trained by.")
@click.option("--data-root", type=click.Path(path_type=Path), metavar="FOLDER", help="Folder of the data set.")
@click.option("--weights-dir", type=click.Path(path_type=Path), metavar="FOLDER", help="Folder with ImageNet weights.")
@rounds_option
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="Of a training alone; and how many train side by side.  [default: number of cores]",
)
@click.option("--seeds", type=click.IntRange(0, 100), default=0, help="Also train so many seeds to the end with both.")
@click.option("--epochs", type=click.IntRange(1, 10_000), help="In place of the space's.")
@check_option
def training(
    variant: str,
    space: str,
    data_root: Path | None,
    weights_dir: Path | None,
    rounds: int,
    threads: int | None,
    seeds: int,
    epochs: int | None,
    check: bool,
) -> None:
    """Train VARIANT on the CPU with our trainer and with a plain loop, in turns.

    One alone with all threads, and as a sweep trains, side by side with a thread each. The plain loop: float32,
    contiguous, every image read from its file and resized as a whole before its crop. With --seeds both go to the end
    and their mIoUs on the validation split are compared.

    \b
    bench speed training --data-root CAMVID --weights-dir WEIGHTS
    bench speed training lcnet_050+fpn32-head32 --space quick --seeds 3
    """
    from bench.cli.speed.training import run_training

    fine = run_training(
        variant,
        space,
        data_root=data_root,
        weights_dir=weights_dir,
        rounds=rounds,
        threads=threads or cores(),
        seeds=range(seeds),
        epochs=epochs,
    )
    _conclude(fine, check)


@command.command()
@click.argument("variant", default=_TRAINED)
@click.option("--size", type=SizeType(), default="240x180", show_default=True, help="Of the images, in pixels.")
@click.option("--images", type=click.IntRange(8, 10_000), default=32, show_default=True)
@rounds_option
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Of each training.")
@check_option
def frozen(variant: str, size: tuple[int, int], images: int, rounds: int, threads: int, check: bool) -> None:
    """Train VARIANT with a frozen backbone and by full fine-tuning, epochs of both in turns, as `bench adapt` does.

    \b
    bench speed frozen
    bench speed frozen resnet18+fpn64-head32 --size 480x360
    """
    from bench.cli.speed.frozen import run_frozen

    _conclude(run_frozen(variant, size, images=images, rounds=rounds, threads=threads), check)


@command.command()
@click.argument("sweep", default="camvid_small")
@click.option(
    "--spend",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.33,
    show_default=True,
    help="Share of the epochs of the whole sweep.",
)
@click.option("--replays", type=click.IntRange(2, 10_000), default=20, show_default=True)
@results_option
@check_option
def halving(sweep: str, spend: float, replays: int, results_dir: Path, check: bool) -> None:
    """Replay successive halving on the records of SWEEP, whose variants were all trained to the end.

    How much of the whole sweep's hypervolume (mIoU against MACs) would it have kept, for how much training time?
    A rung waits for all its variants, so their order changes nothing but ties.
    """
    from bench.cli.speed.halving import run_halving

    _conclude(run_halving(sweep, results_dir, spend, replays), check)


@command.command()
@click.argument("sweep", default="camvid")
@click.option("--records", "sizes", type=click.IntRange(1000), multiple=True, default=[10_000], show_default=True)
@click.option(
    "--plain-up-to",
    type=click.IntRange(0),
    default=100_000,
    show_default=True,
    help="Records; above, only the pack is queried: plain picks take 12 GB for a million.",
)
@click.option("--matrices", is_flag=True, help="Every training also left the confusion matrix of each image.")
@results_option
@check_option
def pick(sweep: str, sizes: tuple[int, ...], plain_up_to: int, matrices: bool, results_dir: Path, check: bool) -> None:
    """Pick among synthetic records, shaped like those of SWEEP, record by record and from a pack.

    How long does it take, with how much memory, against the number of records? They lie in a temporary folder (set
    TMPDIR for another disk): 2 GB for a million, and about 7 GB more with --matrices.

    \b
    bench speed pick --records 10000 --records 100000 --records 1000000
    """
    from bench.cli.speed.pick import run_pick

    _conclude(run_pick(sweep, results_dir, sizes=sizes, plain_up_to=plain_up_to, with_matrices=matrices), check)


def _conclude(fine: bool, check: bool) -> None:
    if check and not fine:
        raise SystemExit(ExitCode.CHECK_FAILED)


def _run_race(variant: str, size: tuple[int, int], threads: int, rounds: int) -> bool:
    from bench.speed.counting import race

    say(f"{variant}, one image of {size[0]}x{size[1]}, {rounds} rounds, {threads} threads")
    result = race(
        variant,
        size,
        classes=19,
        threads=threads,
        rounds=rounds,
        on_round=lambda done: say(f"round {done} of {rounds}"),
    )
    _print_race(result)
    ours = result.runs["bench"]
    small = ours[-1].added < _AT_MOST_BYTES
    met = [_print_ratio(result, peer, least) for peer, least in _AT_LEAST.items()]
    click.echo(
        f"memory: ours adds {ours[-1].added / 1e6:.0f} MB while it counts; promised under {_AT_MOST_BYTES / 1e9:g} GB: "
        f"{verdict(small)}. With PyTorch, timm and the network the process holds {ours[-1].resident / 1e6:.0f} MB."
    )
    return small and all(met)


def _print_race(result: Race) -> None:
    from bench.cli.common.tables import make_console, make_table

    table = make_table(
        "counter",
        "seconds, median",
        "range",
        "GMACs as it\nprints them",
        "memory that\nit adds (MB)",
        "whole process\n(MB)",
    )
    for counter, runs in result.runs.items():
        seconds = sorted(run.seconds for run in runs)
        table.add_row(
            counter,
            f"{result.median_seconds(counter):.3f}",
            f"{seconds[0]:.3f}–{seconds[-1]:.3f}",
            f"{runs[-1].counted / 1e9:.2f}",
            f"{runs[-1].added / 1e6:.0f}",
            f"{runs[-1].resident / 1e6:.0f}",
        )
    make_console().print(table)


def _print_ratio(result: Race, peer: str, least: float) -> bool:
    from statistics import median

    ratios = sorted(result.ratios(peer))
    fine = median(ratios) >= least
    click.echo(
        f"{peer} takes {median(ratios):.0f} times as long ({ratios[0]:.0f} to {ratios[-1]:.0f} over the rounds); "
        f"promised {least:g}: {verdict(fine)}"
    )
    return fine


def _run_space(size: tuple[int, int], variants: int, workers: int) -> bool:
    from rich.console import Console
    from rich.progress import Progress

    from bench.speed.counting import time_space

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("counting", total=variants)
        result = time_space(variants, size, classes=19, workers=workers, on_variant=lambda: progress.advance(task))
    _print_space(result, size)
    return result.count_seconds + result.expand_seconds <= _AT_MOST_SECONDS * max(1.0, variants / _OF_VARIANTS)


def _print_space(result: SpaceTime, size: tuple[int, int]) -> None:
    seconds = result.expand_seconds + result.count_seconds
    click.echo(
        f"{result.variants} variants at {size[0]}x{size[1]} on {result.workers} processes: {seconds:.1f} s "
        f"({result.expand_seconds:.1f} s to expand the space, {result.count_seconds:.1f} s to count), "
        f"{1e3 * result.workers * result.count_seconds / result.variants:.1f} ms of a process a variant"
    )
    if result.variants == _OF_VARIANTS:
        click.echo(f"promised within {_AT_MOST_SECONDS:g} s: {verdict(seconds <= _AT_MOST_SECONDS)}")
