"""The cost of a variant, and of many: a backbone is followed once, what stands on it once a variant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import nn

from bench.cost.figures import Cost, Peak, Weights, Work
from bench.cost.parts import PartOf, parts_of, parts_of_operations, weigh
from bench.cost.stand_in import CountedBackbone, StageLayout, StandIn, layouts_of
from bench.cost.trace import Operation, trace, trace_call
from variants.backbones.contract import Backbone
from variants.network import build
from variants.segmenter import Segmenter
from variants.spec import VariantSpec

_BACKBONE = "backbone"


def count_cost(net: nn.Module, width: int, height: int) -> Cost:
    """The cost of one RGB image of `width` x `height` pixels, with every operator of the pass followed."""
    part_of = parts_of(net)
    traced = trace(net, width, height)
    return _sum_up(traced.operations, part_of, weigh(net, part_of, traced.readers))


def count_variant(spec: VariantSpec, classes: int, width: int, height: int) -> Cost:
    """The same of a spec, which is built on the meta device, where nothing real is.

    Raises:
        VariantError: the network cannot be built, see `variants.network.build`.
    """
    with torch.device("meta"):
        net = build(spec, classes)
    return count_cost(net, width, height)


class VariantCounter:
    """Counts variants at one size and number of classes, each backbone only once.

    What it gives is what `count_variant` gives, to the last digit, memory included.
    """

    def __init__(self, classes: int, width: int, height: int) -> None:
        self.classes, self.width, self.height = classes, width, height
        self._backbones: dict[str, CountedBackbone] = {}

    def count(self, spec: VariantSpec) -> Cost:
        """The cost of a spec.

        Raises:
            VariantError: the network cannot be built, see `variants.network.build`.
        """
        if spec.network != "frm":
            return count_variant(spec, self.classes, self.width, self.height)
        counted = self._backbones.get(str(spec.backbone))
        if counted is None:
            return self._count_with_backbone(spec)
        with torch.device("meta"):
            net = Segmenter(StandIn(counted), spec, self.classes).eval()
            image = torch.zeros(1, 3, self.height, self.width)
        part_of = parts_of(net)
        traced = trace_call(net, image)
        above = traced.operations[_end_of_backbone(traced.operations) :]
        weights = {_BACKBONE: counted.weights} | weigh(net, part_of, traced.readers)
        return _sum_up([*counted.operations, *above], part_of, weights)

    def _count_with_backbone(self, spec: VariantSpec) -> Cost:
        """Count the whole and keep what is the backbone's."""
        with torch.device("meta"):
            net = build(spec, self.classes).eval()
            image = torch.zeros(1, 3, self.height, self.width)
        assert isinstance(net, Segmenter)
        part_of = parts_of(net)
        stages: list[StageLayout] = []
        hook = net.backbone.register_forward_hook(lambda _, __, output: stages.extend(layouts_of(output)))
        traced = trace_call(net, image)
        hook.remove()
        weights = weigh(net, part_of, traced.readers)
        backbone = net.backbone
        assert isinstance(backbone, Backbone)
        self._backbones[str(spec.backbone)] = CountedBackbone(
            channels=backbone.channels,
            mean=backbone.mean,
            std=backbone.std,
            operations=traced.operations[: _end_of_backbone(traced.operations)],
            weights=weights[_BACKBONE],
            stages=tuple(stages),
        )
        return _sum_up(traced.operations, part_of, weights)


def _end_of_backbone(operations: Sequence[Operation]) -> int:
    """Where the operations of the backbone end."""
    inside = [i for i, operation in enumerate(operations) if operation.module.partition(".")[0] == _BACKBONE]
    return inside[-1] + 1


def _sum_up(operations: Sequence[Operation], part_of: PartOf, weights: dict[str, dict[str, Weights]]) -> Cost:
    """Add up the operations by part and operator. Views do nothing and are left out."""
    work: dict[str, dict[str, Work]] = {}
    unknown: Counter[str] = Counter()
    peak = Peak(0, "", "")
    for operation, part in zip(operations, parts_of_operations(operations, part_of), strict=True):
        if operation.live_bytes > peak.live_bytes:
            peak = Peak(operation.live_bytes, part, operation.operator)
        if not operation.known:
            unknown[operation.operator] += 1
        if operation.written or operation.macs or operation.rest or not operation.known:
            operators = work.setdefault(part, {})
            done = Work(calls=1, macs=operation.macs, rest=operation.rest, written=operation.written)
            operators[operation.operator] = operators.get(operation.operator, Work()) + done
    return Cost(work=work, weights=weights, peak=peak, unknown=dict(unknown))
