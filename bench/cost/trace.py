"""One pass of shapes through a network: every operator that runs, where, what it costs and what it leaves in memory."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from bench.cost.attention_mode import AttentionMode, torchs_attention
from bench.cost.liveness import LiveMemory, storage_of
from bench.cost.meta_shapes import SHAPES
from bench.cost.operators import Operator, attention_macs, attention_rest, look_up

ATTENTION = "scaled_dot_product_attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of an operator in one pass.

    module: dotted name of the innermost module that ran it, "" for the network itself.
    macs: multiply-adds, where it is of the core. rest: elementary operations, where it is not.
    written: elements that it writes. moved_bytes: that it reads, weights included, and writes.
    live_bytes: activations in memory when it has ended. known: whether it has a formula.
    """

    module: str
    operator: str
    macs: int
    rest: int
    written: int
    moved_bytes: int
    live_bytes: int
    known: bool


@dataclass(frozen=True)
class Trace:
    """A pass: its operations in order, and what the network gave.

    readers: the operator that first reads each weight, by the weight's dotted name; without those that none reads.
    """

    operations: tuple[Operation, ...]
    output: Any
    readers: dict[str, str]

    @property
    def macs(self) -> int:
        return sum(operation.macs for operation in self.operations)

    @property
    def unknown(self) -> dict[str, int]:
        """Calls of operators without a formula, by name."""
        return dict(Counter(operation.operator for operation in self.operations if not operation.known))

    @cached_property
    def macs_by_module(self) -> dict[str, int]:
        """Multiply-adds of each module and all inside it, by dotted name; "" is the whole."""
        return self._by_module([operation.macs for operation in self.operations])

    @cached_property
    def unknown_by_module(self) -> dict[str, int]:
        """Calls of operators without a formula in each module and all inside it, by dotted name; "" is the whole."""
        return self._by_module([int(not operation.known) for operation in self.operations])

    def _by_module(self, numbers: list[int]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for operation, number in zip(self.operations, numbers, strict=True):
            names = operation.module.split(".") if operation.module else []
            for depth in range(len(names) + 1):
                found[".".join(names[:depth])] += number
        return dict(found)


def trace(net: nn.Module, width: int, height: int, device: str = "meta") -> Trace:
    """Follow one forward pass, in eval mode, of one RGB image of `width` x `height` pixels.

    Args:
        net: left as it is; a network with real weights is copied as shapes.
        device: "meta" computes and allocates nothing; "cpu" or "cuda" run the pass and count the same.

    Raises:
        NotImplementedError: on the meta device, the network asks for the value of a tensor.
    """
    on_device = all(parameter.device.type == device for parameter in [*net.parameters(), *net.buffers()])
    net = (net if on_device else copy.deepcopy(net).to(device)).eval()
    image = torch.zeros(1, 3, height, width, device=device)
    return trace_call(net, image)


def trace_call(net: nn.Module, image: Tensor) -> Trace:
    """Follow one pass of `image` through a network that is on its device and in eval mode."""
    tracer = _Tracer(net, image)
    with torch.no_grad(), _plain_transformers(), tracer.modules_known(), _Attention(tracer), tracer:
        output = net(image)
    kept = tracer.memory.kept([image, *_tensors(output)])
    return Trace(tuple(_without(tracer.operations, kept)), output, tracer.readers(net))


def _without(operations: list[Operation], kept: list[tuple[int, int]]) -> list[Operation]:
    """Take off what the network keeps for its next pass, such as a table of positions: it is no activation.

    Args:
        kept: operation and bytes of each storage that is kept.
    """
    if not kept:
        return operations
    found, held = [], dict.fromkeys(range(len(operations)), 0)
    for at, size in kept:
        held[at] += size
    less = 0
    for at, operation in enumerate(operations):
        less += held[at]
        found.append(replace(operation, live_bytes=operation.live_bytes - less))
    return found


class _Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator of the pass."""

    def __init__(self, net: nn.Module, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names = {id(module): name for name, module in net.named_modules()}
        self.inside = [""]
        self.operations: list[Operation] = []
        self.memory = LiveMemory([*net.parameters(), *net.buffers()])
        self.memory.hold(image, 0)
        self.on_meta = image.device.type == "meta"
        self.within = ""
        """Stands before the names of operators while something that torch takes apart runs."""
        self.operators: dict[OpOverload, Operator] = {}
        self.weights_read: dict[int, str] = {}
        """Storage of a weight -> the first operator that reads it."""

    def readers(self, net: nn.Module) -> dict[str, str]:
        """Dotted name of a weight -> the first operator that reads it, through whatever views."""
        tensors = {name: x for name, x in net.state_dict(keep_vars=True).items() if isinstance(x, Tensor)}
        read = {name: self.weights_read.get(storage_of(x)) for name, x in tensors.items()}
        return {name: operator for name, operator in read.items() if operator}

    @contextmanager
    def modules_known(self) -> Iterator[None]:
        """Follow into which module the pass goes."""

        def enter(module: nn.Module, inputs: Any) -> None:
            self.inside.append(self.names.get(id(module), self.inside[-1]))

        def leave(module: nn.Module, inputs: Any, outputs: Any) -> None:
            self.inside.pop()

        with ExitStack() as hooks:
            hooks.callback(register_module_forward_pre_hook(enter).remove)
            hooks.callback(register_module_forward_hook(leave).remove)
            yield

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = NotImplemented
        if self.on_meta and func in SHAPES:
            out = SHAPES[func](*args, **kwargs)
        if out is NotImplemented:
            out = func(*args, **kwargs)
        operator = self.operators.get(func) or self.operators.setdefault(func, look_up(func))
        arguments = (*args, *kwargs.values())
        macs = operator.core(args, out) if operator.core else 0
        rest = operator.rest(args, out) if operator.rest else 0
        tensors = _tensors(out)
        self.note(operator, macs, rest=rest, read=_tensors(arguments), out=tensors)
        return out

    def note(self, operator: Operator, macs: int, rest: int, read: list[Tensor], out: list[Tensor]) -> None:
        """Keep one operation."""
        for x in out:
            self.memory.hold(x, len(self.operations))
        name = self.within + operator.name
        written = sum(x.numel() for x in out) if operator.writes else 0
        moved = 0
        if operator.writes:
            for storage in self.memory.weights.intersection(map(storage_of, read)):
                self.weights_read.setdefault(storage, name)
            moved = sum(_bytes(x) for x in {id(x): x for x in read}.values()) + sum(_bytes(x) for x in out)
        self.operations.append(
            Operation(
                module=self.inside[-1],
                operator=name,
                macs=macs,
                rest=rest,
                written=written,
                moved_bytes=moved,
                live_bytes=self.memory.live_bytes,
                known=operator.known,
            )
        )


class _Attention(AttentionMode):
    """On the meta device attention is one operator, as the fused kernels of real devices are.

    Torch takes it apart there, into products that hold the matrix of all pairs; the multiply-adds would be the
    same, the memory would not. The kernels lay their output out by position, then head.
    """

    def __init__(self, tracer: _Tracer) -> None:
        super().__init__()
        self.tracer = tracer
        self.operator = Operator(name=ATTENTION, core=None, rest=lambda *_: 0, is_view=False, writes=True)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """(N, heads, positions, channels) each, or (N, positions, channels); anything else no fused kernel takes."""
        if not self.tracer.on_meta:
            return torchs_attention(query, key, value, *args, **kwargs)
        if query.dim() not in (3, 4) or not _fit(query, key, value):
            return self._taken_apart(query, key, value, *args, **kwargs)
        batch, *heads = _groups(query, key, value, grouped=bool(kwargs.get("enable_gqa")))
        query = query.expand(batch, *heads, *query.shape[-2:])
        out = query.new_empty(batch, query.shape[-2], *heads, value.shape[-1])
        out = out.transpose(1, 2) if heads else out
        macs, rest = attention_macs(query, key, value), attention_rest(query, key)
        self.tracer.note(self.operator, macs, rest=rest, read=[query, key, value], out=[out])
        return out

    def _taken_apart(self, *args: Any, **kwargs: Any) -> Tensor:
        """As torch does it where no fused kernel is: by products that hold the matrix of all pairs."""
        self.tracer.within = f"{ATTENTION}: "
        try:
            return torchs_attention(*args, **kwargs)
        finally:
            self.tracer.within = ""


def _fit(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether torch would take the three; where it would not, its own words say why."""
    return (
        query.dim() == key.dim() == value.dim()
        and query.shape[-1] == key.shape[-1]
        and (key.shape[-2] == value.shape[-2])
    )


def _groups(query: Tensor, key: Tensor, value: Tensor, grouped: bool) -> list[int]:
    """Images, and heads where there are some: the most of the three, since what is one of them serves all.

    grouped: several heads of the query share one of the others.
    """
    sizes = [list(x.shape[:-2]) for x in (query, key, value)]
    return sizes[0] if grouped else [max(size) for size in zip(*sizes, strict=True)]


@contextmanager
def _plain_transformers() -> Iterator[None]:
    """Without torch's fused transformer layers, which run as one operator that says nothing about its parts."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _bytes(x: Tensor) -> int:
    """Of the elements of a tensor; one that repeats itself is read once."""
    return min(x.numel() * x.element_size(), x.untyped_storage().nbytes())


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [x for item in value for x in _tensors(item)] if isinstance(value, list | tuple) else []
