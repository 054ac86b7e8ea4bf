"""A ratio of two times in words."""

from __future__ import annotations

from bench.judge.paired import Ratio


def ratio_words(ratio: Ratio, first: str, second: str) -> str:
    """What `second` takes beside `first`: "B is 7.9 % slower than A (95 % interval 5.1 to 10.4 %)".

    Where the interval holds "no difference", the largest one that it holds too.
    """
    if not ratio.differs:
        return f"no difference between {first} and {second} larger than {_percent(ratio.could_hide)} could hide here"
    if ratio.value > 1:
        shown, word = (ratio.value, ratio.low, ratio.high), "slower"
    else:
        shown, word = (ratio.value, ratio.high, ratio.low), "faster"
    value, near, far = (abs(x - 1) for x in shown)
    interval = f"95 % interval {100 * near:.1f} to {_percent(far)}"
    return f"{second} is {_percent(value)} {word} than {first} ({interval})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
