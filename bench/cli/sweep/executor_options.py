"""Options of `bench sweep` that say who measures: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.options import Decorator, cores
from bench.cli.common.output import say
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.sweep.executor import Crew


class GpuShareType(click.ParamType[float]):
    """0, a part of one GPU, or a whole number of GPUs."""

    name = "NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (0 <= number < 1 or (1 <= number < math.inf and number == round(number))):
            self.fail(f"{value!r} is neither a part of one GPU, such as 0.25, nor a whole number of them", param, ctx)
        return number


@dataclass(frozen=True, kw_only=True)
class ExecutorChoice:
    """What the options say."""

    executor: str
    ray_address: str | None
    cpus: int | None
    gpus: float | None

    @contextmanager
    def crew(
        self, workers: int | None, gpu_trainings: int, results: Path, data_root: Path | None, weights_dir: Path | None
    ) -> Iterator[Crew]:
        """Who measures, while the block runs.

        Raises:
            UserError: options of the other executor, Ray is not installed, or its cluster does not fit.
        """
        from bench.sweep.executor import Crew
        from bench.sweep.forecast import Lanes

        if self.executor == "processes":
            self._refuse_options_of_ray()
            yield Crew(Lanes(workers or cores(), gpu_trainings))
            return
        if workers is not None or gpu_trainings != 1:
            raise UserError(
                "--workers and --gpu-trainings are of --executor processes. On Ray the cluster's room decides how many "
                "variants are trained at a time: pass --cpus-per-variant and --gpus-per-variant."
            )
        if find_spec("ray") is None:
            raise UserError(
                "--executor ray needs ray, not installed here. `pip install 'segmentation-bench[cluster]'` installs it."
            )
        from bench.sweep.cluster.check import Folders
        from bench.sweep.cluster.crew import cluster_crew

        address = self.ray_address or os.environ.get("RAY_ADDRESS") or None
        with cluster_crew(
            address, self.cpus or 1, gpus=self.gpus, folders=Folders(results, data_root, weights_dir), notify=say
        ) as crew:
            yield crew

    def _refuse_options_of_ray(self) -> None:
        given = {"--ray-address": self.ray_address, "--cpus-per-variant": self.cpus, "--gpus-per-variant": self.gpus}
        of_ray = [name for name, value in given.items() if value is not None]
        if of_ray:
            raise UserError(f"{', '.join(of_ray)}: of a Ray cluster alone. Add --executor ray.")


_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--executor",
        type=click.Choice(["processes", "ray"]),
        default="processes",
        show_default=True,
        help="Who measures: processes of this machine, or a Ray cluster (docs/spaces.md, Many machines).",
    ),
    click.option(
        "--ray-address",
        metavar="HOST:PORT",
        help="Head of the cluster; auto: that of this machine's node.  [default: RAY_ADDRESS, or Ray on this machine]",
    ),
    click.option("--cpus-per-variant", type=click.IntRange(1), help="CPUs that Ray gives each.  [default: 1]"),
    click.option(
        "--gpus-per-variant",
        type=GpuShareType(),
        help="GPUs that Ray gives each training, such as 0.25; 0 trains on CPUs.  [default: 1 where there are any]",
    ),
)


def executor_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options, as one argument `choice`."""

    @wraps(command)
    def with_choice(
        *args: Any,
        executor: str,
        ray_address: str | None,
        cpus_per_variant: int | None,
        gpus_per_variant: float | None,
        **others: Any,
    ) -> Any:
        choice = ExecutorChoice(
            executor=executor, ray_address=ray_address, cpus=cpus_per_variant, gpus=gpus_per_variant
        )
        return command(*args, choice=choice, **others)

    decorated: Callable[..., Any] = with_choice
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
