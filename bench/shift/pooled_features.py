"""What a backbone makes of images: the mean over each channel of its last stage, one vector an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bench.adapt.images import Picture
from bench.adapt.steps import Step
from bench.adapt.torch_threads import torch_threads
from bench.errors import UserError
from bench.shift.channels import ChannelSums
from bench.shift.frechet import Features
from variants.backbones.weights import load_matching, read_state
from variants.errors import VariantError
from variants.network import Network, build
from variants.spec import VariantSpec

_PREFIX = "backbone."


@dataclass(frozen=True)
class Described:
    """Images of one side after one step. features: (images, channels of the last stage)."""

    features: Features
    channels: ChannelSums


def open_network(spec: VariantSpec, classes: int, checkpoint: Path | None, weights_dir: Path | None) -> Network:
    """A network whose backbone has the weights of a checkpoint, or else of ImageNet; its head is random.

    Args:
        checkpoint: .safetensors of a trained network; its head may have other classes.

    Raises:
        UserError: no backbone to look into, or a checkpoint that does not fit.
        VariantError: ImageNet weights that cannot be had.
    """
    torch.manual_seed(0)
    net = build(spec, classes, pretrained=checkpoint is None, weights_dir=weights_dir)
    if net.backbone is None:
        raise UserError(
            f"{spec.name} has no backbone whose features could be compared. `bench list backbones` shows networks' "
            "backbones, for example tf_efficientnet_lite0+fpn64-head32."
        )
    if checkpoint is not None:
        _load_backbone(net.backbone, checkpoint, spec)
    return net.eval()


def _load_backbone(backbone: nn.Module, path: Path, spec: VariantSpec) -> None:
    state = {key.removeprefix(_PREFIX): value for key, value in read_state(path).items() if key.startswith(_PREFIX)}
    try:
        load_matching(backbone, state, path, spec.name)
    except VariantError:
        raise UserError(
            f"--from {path} does not hold a trained {spec.backbone or spec.network}: the keys under {_PREFIX!r} are "
            "others. Pass the weights of that variant, as in results/<sweep>/weights/, or another SPEC."
        ) from None


def describe(
    net: Network,
    images: Sequence[Picture],
    steps: Mapping[str, Step],
    on_image: Callable[[int], None] = lambda done: None,
) -> dict[str, Described]:
    """Features and channel statistics of images after each step.

    Args:
        net: in eval mode, with a backbone.
        images: each is looked at whole, at its own size.
        steps: by name.
        on_image: called with the number of images done.
    """
    features: dict[str, list[np.ndarray]] = {name: [] for name in steps}
    sums = {name: ChannelSums() for name in steps}
    net.to(memory_format=torch.channels_last)
    with torch_threads(1):  # with more, threads that wait for one another on a busy machine take ten times as long
        for index, image in enumerate(images):
            for name, step in steps.items():
                picture = step(image)
                features[name].append(_pooled(net, picture))
                sums[name].add(picture)
            on_image(index + 1)
    return {name: Described(np.stack(features[name]), sums[name]) for name in steps}


@torch.inference_mode()
def _pooled(net: Network, picture: Picture) -> np.ndarray:
    """(channels,) float64."""
    assert net.backbone is not None
    image = torch.tensor(picture).permute(2, 0, 1)[None].float().div_(255)
    normalised = ((image - net.mean) / net.std).contiguous(memory_format=torch.channels_last)
    stages = net.backbone(normalised)
    last = list(stages.values())[-1] if isinstance(stages, dict) else stages[-1]
    pooled: np.ndarray = last.mean(dim=(2, 3))[0].double().numpy()
    return pooled
