"""With what costs are counted. Imports no torch."""

COUNTING_METHOD = 4
"""Version of the way of counting: raised when it changes a number or adds one. 1 was fvcore on real tensors, 2
torch's formulas with attention taken apart, 3 knew no operator of the weights."""
COUNTER = "our operator formulas on the meta device; `bench cost --audit` compares them with fvcore and ptflops"
