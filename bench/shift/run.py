"""From the images of two domains and a network to a report of the shift between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.adapt.images import Images, Picture
from bench.adapt.step_latency import time_steps
from bench.adapt.steps import Step, fit_step
from bench.settings.latency import LatencySetting
from bench.shift.distance import RAW, RESAMPLES, measure_shift
from bench.shift.pooled_features import describe
from bench.shift.result import ShiftReport
from variants.network import Network

OnProgress = Callable[[str, int, int], None]
"""(what is being done, how much of it, of how much)"""


@dataclass(frozen=True)
class Domain:
    """Images by the name of where they come from."""

    label: str
    images: Images


def run_shift(
    net: Network,
    network: str,
    weights: str,
    source: Domain,
    target: Domain,
    names: Sequence[str],
    classes: int,
    on_progress: OnProgress = lambda what, done, total: None,
) -> tuple[ShiftReport, dict[str, Step]]:
    """Measure the shift, without a step and with each, and the time of each.

    Args:
        net: see `pooled_features.open_network`; network and weights say in words which it is.
        names: of steps, checked already.
        classes: channels of its logits.

    Returns:
        The report, and the fitted steps by name.
    """
    steps: dict[str, Step] = {}
    for done, name in enumerate(names):
        on_progress("fitting steps", done, len(names))
        steps[name] = fit_step(name, source.images, target.images)
    of = partial(_reporter, on_progress)
    ours = describe(net, source.images, {RAW: _as_it_is}, of(f"looking at {source.label}", len(source.images)))[RAW]
    theirs = describe(
        net, target.images, {RAW: _as_it_is, **steps}, of(f"looking at {target.label}", len(target.images))
    )
    features = {name: one.features for name, one in theirs.items()}
    shift = measure_shift(ours.features, features, on_draw=of("comparing", RESAMPLES))
    image = _of_common_size(target.images)
    setting = LatencySetting(size=(image.shape[1], image.shape[0]), classes=classes, scope="transfer")
    times = time_steps(steps, net, image, setting, on_step=of("timing steps", len(steps))) if steps else []
    return ShiftReport(
        source=source.label,
        target=target.label,
        network=network,
        weights=weights,
        counts=(len(source.images), len(target.images)),
        shift=shift,
        names=target.images.names,
        source_channels=ours.channels,
        channels={name: one.channels for name, one in theirs.items()},
        times={one.step: one.to_json() for one in times},
    ), steps


def _reporter(on_progress: OnProgress, what: str, total: int) -> Callable[[int], None]:
    return lambda done: on_progress(what, done, total)


def _as_it_is(image: Picture) -> Picture:
    return image


def _of_common_size(images: Images) -> Picture:
    """One of the size that most of some images have."""
    some = list(images.at_most(8))
    common = Counter(image.shape for image in some).most_common(1)[0][0]
    return next(image for image in some if image.shape == common)
