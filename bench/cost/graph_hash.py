"""Hash of a network's graph: two networks of one hash run the same operators on the same shapes."""

from __future__ import annotations

import copy
import hashlib

import torch
from torch import nn

from bench.cost.trace import trace

_WIDTH, _HEIGHT = 128, 64


def graph_hash(net: nn.Module) -> str:
    """12 hex digits over the operators of a pass in eval mode, where they run, and how much each reads and writes.

    Whether the network is in training, its device, its memory layout and its weights change nothing.
    """
    plain = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
    try:
        operations = trace(plain, _WIDTH, _HEIGHT).operations
    except RuntimeError:  # it asks for the value of a tensor, which the meta device does not have
        operations = trace(plain, _WIDTH, _HEIGHT, device="cpu").operations
    digest = hashlib.sha256()
    for o in operations:
        digest.update(f"{o.module} {o.operator} {o.macs} {o.rest} {o.written} {o.moved_bytes}\n".encode())
    return digest.hexdigest()[:12]
