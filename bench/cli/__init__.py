"""The command line. Commands load when they are called, so that `bench --help` is instant."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path

import click

COMMANDS = {
    "sweep": "Measure every variant of a space, and report.",
    "pick": "Which variant, within these limits; how sure, and what each limit costs.",
    "pack": "The records as Parquet, for picks among very many.",
    "roi": "What a million frames cost, and from how many frames a change pays.",
    "report": "Render reports/ from results/.",
    "list": "Backbones, contexts, networks, presets, axes, spaces, data sets.",
    "cost": "What a variant or a whole space costs: MACs, parameters, memory.",
    "explain": "One variant part by part, with its block diagram.",
    "duel": "Which of two variants, runtimes or revisions is faster, in lock-step.",
    "guard": "Stop a change that makes a variant costlier or slower.",
    "data": "Check a data set before anything is trained on it.",
    "adapt": "What labels, unlabelled images and pre-processing are worth on one's own images.",
    "shift": "How far new images are from the training ones, and which steps bring them nearer.",
    "schema": "JSON Schema of the space file.",
    "attention": "Memory and time of the attention blocks against the plain formula.",
    "calibrate": "What this machine can do at most, for estimates.",
    "speed": "How fast we are, against our peers side by side.",
    "show": "Stored records.",
    "doctor": "What this machine can measure, and what is missing.",
    "gpu-records": "Measure what needs a GPU, ready to be committed.",
}


_FOLDERS = ("sweep", "cost", "guard", "adapt", "speed")
"""Commands of several files."""


class _LazyGroup(click.Group):
    """Imports a command's module only when the command runs or shows its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        room = f"{cmd_name}.command" if cmd_name in _FOLDERS else f"{cmd_name.replace('-', '_')}_command"
        module = import_module(f"bench.cli.{room}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            from bench.errors import did_you_mean

            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"no command {args[0]!r}; there are {', '.join(COMMANDS)}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="segmentation-bench", message="%(version)s")
def cli() -> None:
    """Benchmarks light-weight semantic segmentation variants: mIoU against what it costs.

    \b
    bench sweep quick                         the embedded example, in minutes
    bench sweep camvid --data-root CAMVID     real images
    bench report camvid                       render the fronts again
    """


def _quiet_libraries() -> None:
    """Libraries' notes to their own developers do not reach the user, here or in worker processes."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")


def _keep_current_folder_off_the_path() -> None:
    """Child processes import the modules of this one, not a `bench/` or `torch.py` that lies in the current folder.

    `python -m bench` has that folder on its own path, and so have its children.
    """
    os.environ["PYTHONSAFEPATH"] = "1"
    if not sys.flags.safe_path and sys.path[0] in ("", str(Path.cwd())):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))


def main() -> None:
    """Entry point: runs a command; a user's mistake becomes one line and an exit code."""
    from bench.errors import ExitCode, UserError, describe_failure, is_disk_full, is_out_of_memory
    from variants.errors import VariantError

    _quiet_libraries()
    _keep_current_folder_off_the_path()
    try:
        sys.exit(cli(standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (UserError, VariantError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(ExitCode.USAGE)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            click.echo(f"bench: {str(error.filename)!r} is too long for a path. Name a shorter one.", err=True)
            sys.exit(ExitCode.USAGE)
        if not is_disk_full(error):
            raise
        click.echo(f"bench: {error}. Make room, and run the same command again.", err=True)
        sys.exit(ExitCode.USAGE)
    except (MemoryError, RuntimeError) as error:  # RuntimeError: what torch raises when a CPU's memory is full
        if not is_out_of_memory(error):
            raise
        click.echo(
            f"bench: memory ran out: {describe_failure(error)}. What was measured is kept. "
            "Give it more memory, and run the same command again.",
            err=True,
        )
        sys.exit(ExitCode.USAGE)
