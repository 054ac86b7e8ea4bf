"""With what the steps are run: on a GPU at sizes that matter, or on the CPU as a toy that tries every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.settings.runtimes import Device, RuntimeName

SWEEP, COMPILED_SWEEP = "gpu", "gpu_compiled"
"""Sweeps, of spaces that ship and of the toy's."""


@dataclass(frozen=True)
class Seconds:
    """What a step is expected to take, and after what it is given up."""

    estimate: float
    limit: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the steps are about.

    Attributes:
        device: that is measured.
        spaces: finds the two spaces by their sweeps; given a folder for files.
        variant: that `bench duel` and `bench guard` time.
        other_runtime: of the duel, against eager.
        guard_runtime: the one that the guard times.
        size: of the image, as the command line takes it.
        restarts: of duel and guard, before its first look.
        lockstep_s: seconds for all restarts of one comparison.
        seconds: by the name of the step.
        is_toy: no verdict counts: they are of networks too small and of restarts too few.
    """

    device: Device
    spaces: Callable[[Path], dict[str, str]]
    variant: str
    other_runtime: RuntimeName
    guard_runtime: RuntimeName
    size: str
    restarts: int
    lockstep_s: float
    seconds: dict[str, Seconds]
    is_toy: bool = False


def _shipped(folder: Path) -> dict[str, str]:
    return {name: name for name in (SWEEP, COMPILED_SWEEP)}


GPU = Setting(
    device="cuda",
    spaces=_shipped,
    variant="tf_efficientnet_lite0+frm1234-dnl-w128+fpn64-head32",
    other_runtime="cudagraph",
    # In results/camvid_gpu two eager processes of one network took 4.5 and 8.8 ms a pass: they wait for the CPU. CUDA
    # graphs do not: the quartiles of a process are less than 2 % apart in five networks of six.
    guard_runtime="cudagraph",
    size="1024x512",
    restarts=5,
    lockstep_s=30.0,
    # By the `seconds` of results/camvid_gpu, one H100: a process takes 5.3 s in eager and 5.6 s with a CUDA graph, the
    # two seconds of its energy included; torch.compile takes 24.7 s, and 13 s, as a guess, from its cache.
    seconds={
        # torch loaded by the command and by two hosts side by side: 9; both runtimes once: 6; 5 restarts of 5: 25
        "duel": Seconds(40, 65),
        # the same with three hosts; up to the 30 s where the first look is unclear
        "guard_equal": Seconds(50, 75),
        "guard_slower": Seconds(50, 75),
        # load and probe: 14; one cost: 3; compile forward and backward: twice 24.7; 128 steps and the evaluation: 12
        "compiled": Seconds(80, 120),
        # load and probe: 15; two costs: 3; two trainings of 15; 6 eager of 5.3 and 6 CUDA graphs of 5.6; 2 first
        # compilations of 24.7 and 4 from the cache of 13; page: 8
        "latency": Seconds(225, 300),
    },
)


_TOY_SPACE = """\
name: {name}
about: a toy
variants: [lcnet_050+fpn8-head8]
cost: {{size: [64, 64]}}
latency: {latency}
accuracy:
  data: {{name: streets, options: {{width: 96, height: 64, train: 8, val: 3, test: 3}}}}
  schedule: {{epochs: 1, batch_size: 4{compiled}}}
"""
_TOY_LATENCY = "{size: [64, 64], devices: [cpu], runtimes: [eager, compile], samples: 10, restarts: 2}"


def _toy_spaces(folder: Path) -> dict[str, str]:
    texts = {
        SWEEP: _TOY_SPACE.format(name=SWEEP, latency=_TOY_LATENCY, compiled=""),
        COMPILED_SWEEP: _TOY_SPACE.format(name=COMPILED_SWEEP, latency="null", compiled=", compile: true"),
    }
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {name: str(folder / f"{name}.yaml") for name in texts}


TOY = Setting(
    device="cpu",
    spaces=_toy_spaces,
    variant="lcnet_050+fpn8-head8",
    other_runtime="eager",
    guard_runtime="eager",
    size="64x64",
    restarts=3,
    lockstep_s=3.0,
    seconds={
        "duel": Seconds(15, 120),
        "guard_equal": Seconds(15, 120),
        "guard_slower": Seconds(15, 120),
        "compiled": Seconds(90, 400),
        "latency": Seconds(45, 240),
    },
    is_toy=True,
)
