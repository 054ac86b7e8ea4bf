"""A network with what the clock covers beside it: normalising, resizing, arg-max; and the copies around it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.settings.latency import LatencySetting
from bench.settings.runtimes import Scope
from variants.network import Network

Run = Callable[[Tensor], Tensor]
"""A pass: images (N, 3, H, W) in [0, 1] on the device -> logits or class map, on the device."""
CLASS_TYPE = torch.uint8
"""Of a class map, as it is written to a file; 256 classes at most."""


class Scoped(nn.Module):
    """The graph of a scope: images (N, 3, H, W) to logits (N, classes, h, w), or to a class map (N, H, W)."""

    def __init__(self, net: Network, scope: Scope) -> None:
        super().__init__()
        self.net, self.scope = net, scope

    @property
    def gives_classes(self) -> bool:
        """Whether the graph ends with the arg-max."""
        return self.scope in ("argmax", "transfer")

    def forward(self, image: Tensor) -> Tensor:
        """Of the scope `network` the image is normalised already."""
        if self.scope == "network":
            return self.net.classify_image(image)
        logits: Tensor = self.net(image)
        return logits.argmax(dim=1).to(CLASS_TYPE) if self.gives_classes else logits


def make_images(setting: LatencySetting) -> Tensor:
    """Random images in the setting's precision and layout, in main memory; the same in every process."""
    generator = torch.Generator().manual_seed(0)
    width, height = setting.size
    images = torch.rand(setting.batch, 3, height, width, generator=generator)
    return images.to(getattr(torch, setting.precision), memory_format=memory_format(setting))


def memory_format(setting: LatencySetting) -> torch.memory_format:
    """Torch's own constant of the layout."""
    return torch.channels_last if setting.layout == "channels_last" else torch.contiguous_format


def make_pass(run: Run, setting: LatencySetting) -> Callable[[], Tensor]:
    """What the clock times: a pass over the same images, with the copies where the scope covers them.

    It returns when the device has begun, not when it has ended; see `wait_for`.
    """
    images = make_images(setting)
    if setting.scope == "transfer":
        return lambda: run(images.to(setting.device, non_blocking=True)).cpu()
    there = images.to(setting.device)
    return lambda: run(there)


def wait_for(device: str) -> Callable[[], None]:
    """Waits until the device has done all that it was given; on the CPU a pass is over when it returns."""
    return torch.cuda.synchronize if device == "cuda" else lambda: None
