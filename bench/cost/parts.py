"""To which part of a network an operation or a weight belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor, nn

from bench.cost.figures import UNREAD, Weights
from bench.cost.trace import Operation
from variants.network import Network
from variants.segmenter import Segmenter

INPUT, OUTPUT = "input", "output"
"""Normalising the image, and resizing the logits to it: what runs in no part, before the first and after the last."""
_OURS = {
    "backbone": "backbone",
    "refine.context": "context",
    "refine": "fusion",
    "fpn": "decoder",
    "head": "head",
}
"""Modules of our networks, the more special one first."""
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""Their weights have the output channels (of a group) on the second axis."""
PartOf = Callable[[str], str | None]
"""Dotted name of a module or weight -> its part; None for what is in none."""


def parts_of(net: nn.Module) -> PartOf:
    """The parts backbone, fusion, context, decoder and head; of a network from elsewhere those that it has.

    What is neither backbone nor classifier of such a network is its decoder, or its body where it names no backbone.
    """
    if isinstance(net, Segmenter):
        return lambda name: next((part for prefix, part in _OURS.items() if _inside(name, prefix)), None)
    dotted = {id(module): name for name, module in net.named_modules()}
    named = {}
    if isinstance(net, Network):
        named[dotted[id(net.classifier)]] = "head"
        if net.backbone is not None:
            named[dotted[id(net.backbone)]] = "backbone"
    other = "decoder" if "backbone" in named.values() else "body"

    def part_of(name: str) -> str | None:
        return next((part for prefix, part in named.items() if _inside(name, prefix)), other) if name else None

    return part_of


def parts_of_operations(operations: Sequence[Operation], part_of: PartOf) -> Iterator[str]:
    """The part of each operation. What runs between parts is fusion in ours, else of the part before it."""
    found = [part_of(operation.module) for operation in operations]
    inside = [i for i, part in enumerate(found) if part is not None]
    before = INPUT
    for i, part in enumerate(found):
        if part is not None:
            before = part
        elif inside and i > inside[-1]:
            before = OUTPUT
        elif inside and i > inside[0] and before == "context":
            before = "fusion"
        yield before


def weigh(net: nn.Module, part_of: PartOf, readers: dict[str, str]) -> dict[str, dict[str, Weights]]:
    """Weights by part and operator; of all that a saved network holds, each once, however many modules share it.

    Args:
        readers: of `bench.cost.trace.Trace`. What no operator reads goes with other weights of its module, as the
            count of batches does with the statistics of a batch norm.
    """
    found: dict[str, dict[str, Weights]] = {}
    learned = {id(parameter) for parameter in net.parameters()}
    transposed = {id(module.weight) for module in net.modules() if isinstance(module, _TRANSPOSED)}
    beside = {_module_of(name): operator for name, operator in reversed(readers.items())}
    weighed: set[int] = set()
    for name, tensor in net.state_dict(keep_vars=True).items():
        if not isinstance(tensor, Tensor) or id(tensor) in weighed:
            continue
        weighed.add(id(tensor))
        operators = found.setdefault(part_of(name) or INPUT, {})
        operator = readers.get(name) or beside.get(_module_of(name), UNREAD)
        output_axis = 1 if id(tensor) in transposed else 0
        weights = _weights(tensor, id(tensor) in learned, output_axis)
        operators[operator] = operators.get(operator, Weights()) + weights
    return found


def _module_of(name: str) -> str:
    return name.rpartition(".")[0]


def _weights(tensor: Tensor, learned: bool, output_axis: int) -> Weights:
    numel = tensor.numel()
    parameters = numel if learned else 0
    if not tensor.is_floating_point():
        size = numel * tensor.element_size()
        return Weights(parameters=parameters, float32_bytes=size, float16_bytes=size, int8_bytes=size)
    is_matrix = learned and tensor.dim() > 1
    quantised = numel + 4 * tensor.shape[output_axis] if is_matrix else 4 * numel
    return Weights(
        parameters=parameters, float32_bytes=4 * numel, float16_bytes=2 * numel, int8_bytes=min(quantised, 4 * numel)
    )


def _inside(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
