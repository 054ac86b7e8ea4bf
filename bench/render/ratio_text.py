"""A ratio of two times in words."""

from __future__ import annotations

from bench.stats.paired_ratio import Ratio

_LEAST = 0.001
"""The smallest difference that shows."""


def ratio_words(ratio: Ratio, first: str, second: str) -> str:
    """What `second` takes beside `first`: "B is 7.9 % slower than A (95 % interval 5.1 to 10.4 %)".

    Where the interval holds "no difference", the largest one that it holds too.
    """
    if not ratio.differs:
        largest = max(ratio.could_hide, _LEAST)
        return f"no difference between {first} and {second} larger than {100 * largest:.1f} % could hide here"
    if ratio.value > 1:
        shown, word = (ratio.value, ratio.low, ratio.high), "slower"
    else:
        shown, word = (ratio.value, ratio.high, ratio.low), "faster"
    value, near, far = (_figure(abs(x - 1)) for x in shown)
    return f"{second} is {value} % {word} than {first} (95 % interval {near} to {far} %)"


def _figure(share: float) -> str:
    """In percent; never a zero that is none."""
    return f"{100 * share:.1f}" if share >= _LEAST / 2 else f"< {100 * _LEAST:.1f}"
