"""With what costs are counted."""

from bench.settings.base import Setting

COUNTING_METHOD = 4
"""Version of the way of counting: raised when it changes a number or adds one. 1 was fvcore on real tensors, 2
torch's formulas with attention taken apart, 3 knew no operator of the weights."""
COUNTER = "our operator formulas on the meta device; `bench cost --audit` compares them with fvcore and ptflops"


class CostSetting(Setting):
    """Of one count.

    Attributes:
        size: Width and height of the image in pixels.
        classes: Channels of the logits.
        method: See `COUNTING_METHOD`.
    """

    size: tuple[int, int]
    classes: int
    method: int
