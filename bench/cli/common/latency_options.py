"""Options that say with what a latency is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.options import SizeType
from bench.cli.common.output import say
from bench.settings.runtimes import RUNTIME_LABELS, SCOPES

if TYPE_CHECKING:
    from bench.settings.latency import LatencySetting

_CLASSES = 19
_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--size", type=SizeType(), default="1024x512", show_default=True, help="Of the image, in pixels."),
    click.option(
        "--classes", type=click.IntRange(1, 256), default=_CLASSES, show_default=True, help="Channels of the logits."
    ),
    click.option("--batch", type=click.IntRange(1, 1024), default=1, show_default=True, help="Images a pass."),
    click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True),
    click.option("--runtime", type=click.Choice(list(RUNTIME_LABELS)), default="eager", show_default=True),
    click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help="Of the CPU."),
    click.option(
        "--precision", type=click.Choice(["float32", "bfloat16", "float16"]), default="float32", show_default=True
    ),
    click.option(
        "--layout", type=click.Choice(["channels_last", "contiguous"]), default="channels_last", show_default=True
    ),
    click.option(
        "--scope",
        type=click.Choice(list(SCOPES)),
        default="resize",
        show_default=True,
        help="; ".join(f"{name}: {words}" for name, words in SCOPES.items()) + ".",
    ),
)


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of a setting, which reach the command as its one argument `setting`."""

    def with_setting(**given: Any) -> Any:
        from bench.settings.latency import LatencySetting

        names = LatencySetting.model_fields
        setting = LatencySetting(**{name: given.pop(name) for name in list(given) if name in names})
        return command(**given, setting=setting)

    with_setting.__doc__, with_setting.__name__ = command.__doc__, command.__name__
    with_setting.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    decorated: Callable[..., Any] = with_setting
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def say_if_unverified(*settings: LatencySetting) -> None:
    """Say of lock-step on a GPU that it has not run on hardware yet."""
    if any(setting.device == "cuda" for setting in settings):
        say("lock-step on a GPU is unverified: it has not run on hardware yet (docs/latency.md)")


restarts_option = click.option(
    "--restarts",
    type=click.IntRange(3, 1000),
    default=7,
    show_default=True,
    help="Times that processes start anew; of a guard, before its first look.",
)
seconds_option = click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=45.0,
    show_default=True,
    help="For all restarts of one comparison; slow networks get fewer cycles, and then fewer restarts, but three.",
)
