"""What is done at inference beside the network: steps on the image, statistics of its batch norms, the image's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from bench.adapt.batch_norm import with_statistics_of
from bench.adapt.steps import STEPS, Picture, Step, check_steps, fit_step, step_words
from bench.data.base import OnDemand, Sample
from bench.errors import UserError
from bench.settings.adaptation import NO_STEP
from bench.settings.evaluation import Evaluation

BATCH_NORM = "batchnorm"
_RESIZE = "resize-"
_LEAST, _MOST = 0.25, 4.0


@dataclass(frozen=True, kw_only=True)
class Inference:
    """One choice of steps.

    name: as it was asked for. image: steps on the image, joined by `+`; "" for none. batch_norm: whether statistics are
    estimated anew. scale: of the image for the network.
    """

    name: str
    image: str = ""
    batch_norm: bool = False
    scale: float = 1.0

    @property
    def looks_at_training_images(self) -> bool:
        """Whether it needs images that the network was trained on."""
        return bool({"histogram", "gamma"} & set(self.image.split("+")))

    def describe(self) -> str:
        """In words."""
        words = [step_words(self.image)] if self.image else []
        words += ["batch-norm statistics of the unlabelled images"] if self.batch_norm else []
        words += [f"image at {self.scale:g} times its size"] if self.scale != 1 else []
        return "; then ".join(words) or "nothing"

    def fit(self, source: Sequence[Picture], target: Sequence[Picture]) -> Step | None:
        """What is done to an image; None for nothing."""
        return fit_step(self.image, source, target) if self.image else None

    def network(self, net: nn.Module, target: Sequence[Picture], step: Step | None, device: str) -> nn.Module:
        """The network that is judged: `net`, or a copy with other statistics of the images as it will see them."""
        if not self.batch_norm:
            return net
        return with_statistics_of(net, [step(image) for image in target] if step else target, device)

    @property
    def is_nothing(self) -> bool:
        """Whether the plain network is judged."""
        return self.name == NO_STEP

    @property
    def looks_at_new_images(self) -> bool:
        """Whether it is fitted on images at all."""
        return bool(self.image) or self.batch_norm

    def evaluation(self) -> Evaluation:
        """How an image is predicted."""
        return Evaluation(scales=(self.scale,))


def stepped(samples: Sequence[Sample], step: Step | None) -> Sequence[Sample]:
    """The samples with the step done to their images, each when it is asked for."""
    if step is None:
        return samples
    return OnDemand(len(samples), lambda index: Sample(step(samples[index].image), samples[index].mask))


def read_steps(text: str | None) -> list[Inference]:
    """`histogram,clahe+denoise,batchnorm,resize-1.5`: nothing first, then these.

    Raises:
        UserError: a step is unknown, twice there, or its packages are missing.
    """
    names = [word.strip() for word in text.split(",")] if text else []
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"--steps names {twice!r} twice")
    return [Inference(name=NO_STEP), *map(_read, names)]


def _read(name: str) -> Inference:
    image: list[str] = []
    batch_norm, scale = False, 1.0
    parts = name.split("+")
    if len({part.partition("-")[0] for part in parts}) < len(parts):
        raise UserError(f"--steps: {name!r} does one step twice")
    for part in parts:
        if part == BATCH_NORM:
            batch_norm = True
        elif part.startswith(_RESIZE):
            scale = _scale(part)
        else:
            _check(part)
            image.append(part)
    if batch_norm and scale != 1:
        raise UserError(
            f"--steps: {name!r} is not to be had: statistics of {BATCH_NORM} are estimated on images at their own size"
        )
    return Inference(name=name, image="+".join(image), batch_norm=batch_norm, scale=scale)


def _check(part: str) -> None:
    if part not in STEPS:
        raise UserError(
            f"--steps: {part!r} is not one of {', '.join((*STEPS, BATCH_NORM, f'{_RESIZE}1.5'))}, alone or joined by +"
        )
    check_steps([part])


def _scale(part: str) -> float:
    try:
        scale = float(part.removeprefix(_RESIZE))
    except ValueError:
        scale = 0.0
    if not _LEAST <= scale <= _MOST:
        raise UserError(f"--steps: {part!r} is not {_RESIZE} with a factor from {_LEAST:g} to {_MOST:g}")
    return scale
