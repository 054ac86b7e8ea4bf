"""Pre-norm transformer encoder blocks. Vaswani et al. 2017; pre-norm after Xiong et al. 2020."""

from __future__ import annotations

from torch import Tensor, nn

from variants.context.attention import attend


class TransformerContext(nn.Module):
    """`transformer_depth` blocks over the positions of the map.

    No position embedding: the fused map comes from padded convolutions, which tell positions
    apart, and a learned table would tie the variant to one input size.
    """

    def __init__(
        self,
        width: int,
        transformer_depth: int,
        transformer_heads: int,
        transformer_ffn_ratio: int,
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(EncoderBlock(width, transformer_heads, transformer_ffn_ratio) for _ in range(transformer_depth))
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        tokens = x.flatten(2).transpose(1, 2)  # (N, H * W, C)
        refined: Tensor = self.norm(self.blocks(tokens))
        return refined.transpose(1, 2).reshape(x.shape)


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x)); (N, positions, C) throughout."""

    def __init__(self, width: int, heads: int, ffn_ratio: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.ffn = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, ffn_ratio * width),
            nn.GELU(),
            nn.Linear(ffn_ratio * width, width),
        )
        self.scale = float(width // heads) ** -0.5

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, positions, C) -> (N, positions, C)."""
        tokens = tokens + self.project(self._attend(self.attention_norm(tokens)))
        refined: Tensor = tokens + self.ffn(tokens)
        return refined

    def _attend(self, tokens: Tensor) -> Tensor:
        n, positions, c = tokens.shape
        qkv = self.qkv(tokens).reshape(n, positions, 3, self.heads, c // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (N, heads, positions, C / heads)
        gathered = attend(query, key, value, self.scale)
        return gathered.transpose(1, 2).reshape(n, positions, c)
