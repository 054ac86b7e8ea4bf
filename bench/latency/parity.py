"""Whether a runtime gives what eager PyTorch gives for the same image: checked before anything is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bench.errors import UserError
from bench.latency.scope import Run, Scoped, make_images
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import RUNTIME_LABELS

_Arithmetic = Literal["float32", "tf32", "float16", "bfloat16"]
_LOGIT_BOUND: dict[_Arithmetic, float] = {"float32": 1e-3, "tf32": 0.05, "float16": 0.05, "bfloat16": 0.25}
"""Of the largest logit. 14 networks with random weights: float32 runtimes are off by up to 2e-5, as eager itself is
between layouts; four in float16 by up to 0.007, six in bfloat16 by up to 0.11, six in TF32, which has the mantissa of
float16, by up to 0.003."""
_PIXEL_BOUND: dict[_Arithmetic, float] = {"float32": 0.001, "tf32": 0.02, "float16": 0.02, "bfloat16": 0.15}
"""Of all pixels; one is always allowed. Random weights leave near-ties between classes, which rounding decides: of the
same networks in up to 3e-5 of the pixels in float32, 0.002 in float16 and TF32, and 0.08 in bfloat16."""
_ZERO = 1e-6
"""Allowed where every logit is about zero."""


@dataclass(frozen=True)
class Parity:
    """How far a runtime is from eager on one input.

    largest_logit_difference: in logits, whatever the scope. share_of_other_pixels: of all pixels, those of another
    class.
    """

    largest_logit_difference: float
    share_of_other_pixels: float


def check_parity(graph: Scoped, run: Run, logits_run: Callable[[], Run], setting: LatencySetting) -> Parity:
    """Run both on the same images and compare.

    Args:
        graph: the eager one, as `run` has it.
        logits_run: makes what gives the logits of a graph that ends with the arg-max; called for such a graph only.

    Raises:
        UserError: the runtime gives something else.
    """
    with torch.inference_mode():
        images = make_images(setting).to(setting.device)
        eager = Scoped(graph.net, "resize" if graph.gives_classes else graph.scope)(images)
        given = run(images)
        if graph.gives_classes:
            parity = compare(logits_run()(images), given, eager)
        else:
            parity = compare(given, given.argmax(dim=1), eager)
    _refuse_beyond(parity, eager, setting)
    return parity


def compare(logits: Tensor, classes: Tensor, eager: Tensor) -> Parity:
    """A runtime's logits (N, C, H, W) and class map (N, H, W) with eager's logits."""
    if logits.shape != eager.shape or classes.shape != eager.argmax(dim=1).shape:
        return Parity(float("inf"), 1.0)
    difference = (logits.float() - eager.float()).abs().nan_to_num(nan=float("inf"))
    return Parity(float(difference.max()), float((classes != eager.argmax(dim=1)).float().mean()))


def _refuse_beyond(parity: Parity, eager: Tensor, setting: LatencySetting) -> None:
    arithmetic = _arithmetic(setting)
    bound = _LOGIT_BOUND[arithmetic] * float(eager.abs().max()) + _ZERO
    pixel_bound = max(_PIXEL_BOUND[arithmetic], 1 / eager[:, 0].numel())
    if parity.largest_logit_difference <= bound and parity.share_of_other_pixels <= pixel_bound:
        return
    raise UserError(
        f"{RUNTIME_LABELS[setting.runtime]} gives something else than eager PyTorch: logits differ by up to "
        f"{parity.largest_logit_difference:.2g} (allowed {bound:.2g}), {parity.share_of_other_pixels:.2%} of the "
        f"pixels get another class (allowed {pixel_bound:.2%}). Its time would be that of another network, so it is "
        "not taken; `--runtime eager` runs the network itself."
    )


def _arithmetic(setting: LatencySetting) -> _Arithmetic:
    """PyTorch lets cuDNN round the factors of float32 convolutions to TF32, and each runtime chooses other kernels."""
    if setting.device == "cuda" and setting.precision == "float32" and torch.backends.cudnn.allow_tf32:
        return "tf32"
    return setting.precision
