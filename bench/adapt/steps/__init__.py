"""Pre-processing steps by name: what is done to an image before the network sees it.

A step is a module here with `fit(source, target) -> Step`. What it needs to know is estimated once, on images that the
network was trained on (`source`) and on unlabelled images of the new domain (`target`), never on those that test. Names
joined by `+` are done in that order: "clahe+denoise".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from bench.errors import UserError, did_you_mean
from bench.system.machine import installed_version

Picture = NDArray[np.uint8]
"""(H, W, 3), RGB."""
Step = Callable[[Picture], Picture]
"""Gives a picture of the same size; the same for the same picture, every time."""
_EXTRA = "adapt"
_SKIMAGE = ("skimage",)
_TOGETHER = "+"
_DISTRIBUTIONS = {"skimage": "scikit-image", "pywt": "PyWavelets"}
"""What an index calls a package that is imported by another name."""


@dataclass(frozen=True)
class StepEntry:
    """Where a step is, what it does, and which packages it needs, by the extra that installs them."""

    module: str
    words: str
    packages: tuple[str, ...] = ()
    extra: str | None = None


STEPS: dict[str, StepEntry] = {
    "histogram": StepEntry(
        "bench.adapt.steps.histogram",
        "histogram of each channel matched to that of the training images",
        _SKIMAGE,
        _EXTRA,
    ),
    "clahe": StepEntry(
        "bench.adapt.steps.clahe", "contrast of the brightness equalised tile by tile, limited", _SKIMAGE, _EXTRA
    ),
    "grey_world": StepEntry("bench.adapt.steps.grey_world", "white balance: the mean colour of each image made grey"),
    "gamma": StepEntry(
        "bench.adapt.steps.gamma",
        "one exponent, by which the new images are as bright as the training images",
        _SKIMAGE,
        _EXTRA,
    ),
    "denoise": StepEntry(
        "bench.adapt.steps.denoise",
        "wavelet coefficients shrunk by the noise of each image",
        ("skimage", "pywt"),
        _EXTRA,
    ),
}


def check_steps(names: Iterable[str]) -> None:
    """Refuse steps that are unknown or whose packages are not installed; nothing is loaded.

    Raises:
        UserError: naming the steps that there are, or the extra.
    """
    for name in names:
        for part in _parts(name):
            _check(part, name)


def fit_step(name: str, source: Sequence[Picture], target: Sequence[Picture]) -> Step:
    """A step ready to be done to any image of the new domain.

    Args:
        name: of `STEPS`, or several joined by `+`; each is fitted on what those before it give.
        source: images that the network was trained on; at least one.
        target: unlabelled images of the new domain; at least one.

    Raises:
        UserError: see `check_steps`.
        ValueError: no images on a side.
    """
    check_steps([name])
    if not source or not target:
        raise ValueError(f"a step is fitted on images of both sides, got {len(source)} and {len(target)}")
    done: list[Step] = []
    for part in _parts(name):
        fit: Callable[[Sequence[Picture], Sequence[Picture]], Step] = import_module(STEPS[part].module).fit
        done.append(fit(source, [_in_turn(tuple(done), image) for image in target] if done else target))
    return done[0] if len(done) == 1 else partial(_in_turn, tuple(done))


def step_words(name: str) -> str:
    """What the steps of a name do, for people."""
    return "; then ".join(STEPS[part].words for part in _parts(name))


def step_versions(name: str) -> dict[str, str]:
    """Versions of the packages that do the steps of a name; numpy's aside."""
    packages = sorted({_DISTRIBUTIONS[package] for part in _parts(name) for package in STEPS[part].packages})
    return {package: installed_version(package) for package in packages}


def _in_turn(steps: Sequence[Step], image: Picture) -> Picture:
    return reduce(lambda picture, step: step(picture), steps, image)


def _parts(name: str) -> list[str]:
    return name.split(_TOGETHER)


def _check(part: str, name: str) -> None:
    if part not in STEPS:
        within = f" of {name!r}" if part != name else ""
        raise UserError(
            f"step {part!r}{within} is not one of {', '.join(STEPS)}, alone or joined as in clahe+denoise."
            f"{did_you_mean(part, STEPS)}"
        )
    entry = STEPS[part]
    missing = [package for package in entry.packages if find_spec(package) is None]
    if missing:
        raise UserError(
            f"step {part!r} needs {', '.join(missing)}, not installed here. "
            f"`pip install 'segmentation-bench[{entry.extra}]'` installs what all steps need."
        )
