"""One pass of shapes through a network: the maps that its modules give, their costs, and who takes from whom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from bench.cost.explanation import IMAGE, FeatureMap
from bench.cost.parameters import count_parameters
from bench.cost.trace import Trace
from variants.network import Network


class Measured:
    """A network after its pass of shapes: maps and costs of its modules, by dotted name, and who takes from whom.

    groups: modules that are one part, by the part's name. inputs: of each part that ran, in the order of running.
    """

    def __init__(self, net: Network, traced: Trace, width: int, height: int) -> None:
        self.net, self.traced, self.width = net, traced, width
        self.modules = dict(net.named_modules())
        dotted = {id(module): name for name, module in self.modules.items()}
        self.groups = {part: [dotted[id(m)] for m in modules] for part, modules in _groups(net).items()}
        self.taken: dict[str, list[Tensor]] = {}
        self.given: dict[str, list[Tensor]] = {}
        flow = _Flow()
        image = torch.empty(1, 3, height, width, device="meta")
        flow.mark([image], [IMAGE])
        with torch.no_grad(), self._hooks(flow), flow:
            self.logits = net(image)
        self.inputs = {part: tuple(dict.fromkeys(names)) for part, names in flow.used.items()}
        self.logits_from = tuple(flow.origins_of([self.logits]))

    @contextmanager
    def _hooks(self, flow: _Flow) -> Iterator[None]:
        """Note what every module takes and gives; mark what a part gives with the part's name."""
        part_of = {name: part for part, names in self.groups.items() for name in names}

        def before(module: nn.Module, inputs: tuple[Any, ...], name: str) -> None:
            if name in part_of:
                flow.enter(part_of[name])

        def after(module: nn.Module, inputs: tuple[Any, ...], outputs: Any, name: str) -> None:
            self.taken[name], self.given[name] = _tensors(inputs), _tensors(outputs)
            if name in part_of:
                flow.leave(part_of[name], self.taken[name], new_tensors(self.given[name], self.taken[name]))

        handles = []
        for name, module in self.modules.items():
            handles.append(module.register_forward_pre_hook(partial(before, name=name)))
            handles.append(module.register_forward_hook(partial(after, name=name)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def cost(self, *names: str, without: str | None = None) -> dict[str, int]:
        """Parameters, MACs and unknown operators of modules together, less those of one inside them."""

        def of(name: str) -> tuple[int, ...]:
            traced = self.traced
            by_module = (traced.macs_by_module.get(name, 0), traced.unknown_by_module.get(name, 0))
            return count_parameters(self.modules[name]), *by_module

        less = of(without) if without else (0, 0, 0)
        together = (sum(values) for values in zip(*map(of, names), strict=True))
        figures = (value - other for value, other in zip(together, less, strict=True))
        return dict(zip(("parameters", "macs", "unknown"), figures, strict=True))

    def maps(self, tensors: Iterable[Tensor]) -> tuple[FeatureMap, ...]:
        """Those of (N, C, H, W), as shapes."""
        return tuple(self._map(*x.shape[1:]) for x in tensors if x.dim() == 4 and x.numel())

    def _map(self, channels: int, height: int, width: int) -> FeatureMap:
        stride = 2 ** round(math.log2(self.width / width))
        words = "global" if height == width == 1 else f"1/{stride}"
        return FeatureMap(channels=channels, height=height, width=width, stride=words)


class _Flow(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows every tensor of a pass: of which parts its numbers are, the nearest ones only.

    used: by part, those whose numbers it calculates with.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.origins: dict[int, tuple[Tensor, list[str]]] = {}
        """By id; the tensor is kept, so that no other one takes its id."""
        self.used: dict[str, list[str]] = {}
        self.inside: str | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        names = self.origins_of(_tensors((args, kwargs or {})))
        self.mark(_tensors(out), names)
        if self.inside is not None:
            self.used[self.inside] += [name for name in names if name != self.inside]
        return out

    def enter(self, part: str) -> None:
        self.inside = part
        self.used.setdefault(part, [])

    def leave(self, part: str, taken: list[Tensor], given: list[Tensor]) -> None:
        """A part without operators, such as `nn.Identity`, uses all that it takes."""
        self.used[part] = self.used[part] or self.origins_of(taken)
        self.inside = None
        self.mark(given, [part])

    def mark(self, tensors: list[Tensor], names: list[str]) -> None:
        for tensor in tensors:
            self.origins[id(tensor)] = (tensor, names)

    def origins_of(self, tensors: list[Tensor]) -> list[str]:
        found = [name for x in tensors if id(x) in self.origins for name in self.origins[id(x)][1]]
        return list(dict.fromkeys(found))


def _groups(net: Network) -> dict[str, list[nn.Module]]:
    """The parts of a network by its children. A child that holds the classifier is opened.

    Opened, a sequence is what comes before the classifier, and the classifier; anything else is its children.
    """
    found: dict[str, list[nn.Module]] = {}
    for name, child in net.named_children():
        inside = list(child.children())
        if all(module is not net.classifier for module in inside):
            found[name] = [child]
        elif isinstance(child, nn.Sequential):
            found |= {name: [m for m in inside if m is not net.classifier], "classifier": [net.classifier]}
        else:
            found |= {key: [module] for key, module in child.named_children()}
    return found


def _tensors(value: Any) -> list[Tensor]:
    """The tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [x for item in value for x in _tensors(item)] if isinstance(value, list | tuple) else []


def new_tensors(given: list[Tensor], taken: list[Tensor]) -> list[Tensor]:
    """What a module gives beside the inputs that it passes on; all of it where it gives one map."""
    if len(given) == 1:
        return given
    return [x for x in given if not any(x is other for other in taken)]
