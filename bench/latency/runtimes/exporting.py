"""What runtimes share that export a graph to a file: its name, how it is written, and how it takes an image."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.errors import UserError, describe_failure
from bench.latency.scope import Scoped, make_images
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import RUNTIME_LABELS


class Taking(nn.Module):
    """A graph that takes its image as it lies in memory: (N, H, W, 3) of the layout channels_last.

    Runtimes other than torch know shapes but no strides, so the layout has to be in the shape. One that wants channels
    first turns the image itself, under the clock.
    """

    def __init__(self, graph: Scoped, layout: str) -> None:
        super().__init__()
        self.scoped, self.turned = graph, layout == "channels_last"

    def forward(self, image: Tensor) -> Tensor:
        """See `as_it_lies`."""
        output: Tensor = self.scoped(image.permute(0, 3, 1, 2) if self.turned else image)
        return output


def as_it_lies(image: Tensor, setting: LatencySetting) -> Tensor:
    """The same memory in the shape that `Taking` wants; copied only where the image is not in the setting's layout."""
    return (image.permute(0, 2, 3, 1) if setting.layout == "channels_last" else image).contiguous()


def example(setting: LatencySetting) -> Tensor:
    """An image for `Taking`."""
    return as_it_lies(make_images(setting), setting)


def exported_file(exported: Path, setting: LatencySetting, suffix: str) -> Path:
    """Where a graph is kept: named by all that is fixed in it, so that no other setting takes it for its own."""
    width, height = setting.size
    fixed = f"{setting.scope}-{setting.batch}x{width}x{height}-{setting.classes}-{setting.precision}-{setting.layout}"
    return exported.parent / f"{exported.name}.{fixed}{suffix}"


def keep(files: Sequence[Path], write: Callable[[Path], None]) -> None:
    """Have `write` make files unless they are there: under a temporary name, so that none is ever half there.

    Args:
        files: that differ by suffix alone; the last one is renamed last, and says that all are there.
        write: gets the last one's temporary name.
    """
    if files[-1].is_file():
        return
    files[-1].parent.mkdir(parents=True, exist_ok=True)
    temporary = [file.with_name(f"{file.stem}.{os.getpid()}-writing{file.suffix}") for file in files]
    try:
        with torch.inference_mode(False), torch.no_grad():
            write(temporary[-1])
        for now, then in zip(temporary, files, strict=True):
            now.replace(then)
    finally:
        for file in temporary:
            file.unlink(missing_ok=True)


@contextmanager
def refused_in_words(setting: LatencySetting) -> Iterator[None]:
    """What goes wrong in the block, as an error that names the runtime: exporters and compilers raise anything."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{RUNTIME_LABELS[setting.runtime]} cannot take this network: {describe_failure(error)}. "
            "`--runtime eager` runs every network."
        ) from error
