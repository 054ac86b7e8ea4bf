"""Peak memory by liveness and sizes on disk, by hand and against a saved file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from bench.cost.count import count_cost
from bench.cost.figures import UNREAD
from bench.cost.trace import Trace, trace
from tests.cost.test_cost import Applied
from variants.names import parse_name
from variants.network import build


def peak(traced: Trace) -> int:
    return max(operation.live_bytes for operation in traced.operations)


def test_peak_memory_by_hand() -> None:
    # image 3, conv 8, relu 8 in place, conv 2: the most is image, 8 and 2 together; views hold nothing of their own
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(inplace=True), nn.Flatten(3), nn.Conv2d(8, 2, 1))
    assert peak(trace(net, 16, 8)) == 4 * 16 * 8 * (3 + 8 + 2)
    apart = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    assert peak(trace(apart, 16, 8)) == 4 * 16 * 8 * (3 + 8 + 8)


def test_attention_holds_no_matrix_of_pairs() -> None:
    def attention(image: Tensor) -> Tensor:
        q = image.flatten(2).transpose(1, 2).unsqueeze(1)  # 1,024 positions of 3 channels
        return F.scaled_dot_product_attention(q, q, q)

    assert peak(trace(Applied(attention), 32, 32)) == 2 * 4 * 3 * 1024


def test_sizes_are_those_of_a_saved_file(tmp_path: Path) -> None:
    net = build(parse_name("lcnet_050+frm34-dnl-w32+fpn32-head16"), 5)
    whole = count_cost(net, 64, 64).whole
    for size, convert in ((whole.float32_bytes, Tensor.float), (whole.float16_bytes, Tensor.half)):
        tensors = {k: convert(v) if v.is_floating_point() else v for k, v in net.state_dict().items()}
        save_file(tensors, tmp_path / "net.safetensors")
        data = (tmp_path / "net.safetensors").read_bytes()
        assert size == len(data) - 8 - int.from_bytes(data[:8], "little")
    matrices = [p for p in net.parameters() if p.dim() > 1]
    saved = sum(3 * p.numel() - 4 * p.shape[0] for p in matrices)
    assert whole.int8_bytes == whole.float32_bytes - saved


class Keeps(nn.Module):
    """Makes a table at its first pass and keeps it, as timm's tiny ViT does."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Tensor | None = None

    def forward(self, image: Tensor) -> Tensor:
        if self.table is None:
            self.table = image.new_zeros(50).exp()
        return image + image


def test_what_a_network_keeps_for_its_next_pass_is_no_activation() -> None:
    assert peak(trace(Keeps(), 16, 8)) == 2 * 4 * 3 * 16 * 8


class Reads(nn.Module):
    """A weight behind a view, batch-norm statistics, packed attention weights, and a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.through_view = nn.Parameter(torch.zeros(4, 3))
        self.attention = nn.MultiheadAttention(4, 1)
        self.auxiliary = nn.Conv2d(3, 5, 1)

    def forward(self, image: Tensor) -> Tensor:
        positions = self.norm(image).flatten(2).transpose(1, 2) @ self.through_view.t()
        return cast(Tensor, self.attention(positions, positions, positions, need_weights=False)[0])


def test_weights_go_to_the_operator_that_reads_them_first() -> None:
    (weights,) = count_cost(Reads(), 4, 4).weights.values()
    assert weights[UNREAD].parameters == 3 * 5 + 5
    norm = weights["native_batch_norm"]
    assert (norm.parameters, norm.float32_bytes) == (2 * 3, 4 * 4 * 3 + 8)  # with statistics and their count
    products = sum(found.parameters for name, found in weights.items() if name not in (UNREAD, "native_batch_norm"))
    assert products == 3 * 4 + (4 * 12 + 12) + (4 * 4 + 4)
    whole = sum(parameter.numel() for parameter in Reads().parameters())
    assert sum(found.parameters for found in weights.values()) == whole


def test_shared_and_transposed_weights_are_weighed_as_saved() -> None:
    shared = nn.Conv2d(3, 3, 3)
    assert count_cost(nn.Sequential(shared, shared), 16, 16).whole.float32_bytes == 4 * (81 + 3)
    transposed = nn.ConvTranspose2d(3, 64, 4, bias=False)
    assert count_cost(transposed, 8, 8).whole.int8_bytes == 3 * 64 * 16 + 4 * 64
