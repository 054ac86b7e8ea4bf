"""Strategies that several properties share: what is typed, numbers as typed, edited text, edited trees of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

LONG = "9" * 5000
"""Python refuses to read or write whole numbers of more than 4300 digits."""
ODD_TEXT = (
    "",
    " ",
    "\t",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "²",
    "٣",
    "½",
    "𝟜",
    "é",
    "İ",
    "\u0301",
    "🙂",
    "\udc80",
    "%s",
    "{}",
    "[",
    "]",
    "\\",
    "'",
    '"',
    "`",
    "$(x)",
    "../",
    "/",
    "-",
    "--",
    "a" * 300,
)
"""Signs and lengths that parsers trip over. `\\udc80`: how Python reads a byte on the command line that is no UTF-8."""
ODD_NUMBERS = (
    "0",
    "-0",
    "-1",
    "+1",
    "00",
    "1_000",
    "1,5",
    "1.",
    ".5",
    "1.5.5",
    "1e5",
    "1e+5",
    "1e-5",
    "1e400",
    "1e-400",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "²",
    "٣",
    "9" * 300,
    LONG,
    "0" * 5000 + "5",
    "0." + "0" * 5000 + "5",
    "1e999999999",
)
"""Some that are none."""
_MOST_EDITS = 4

typed_text = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.sampled_from(ODD_TEXT)
"""Any argument of a command line, which cannot hold a NUL."""
typed_numbers = st.one_of(
    st.integers(-1, 5000).map(str),
    st.floats(0, 1e4).map(repr),
    st.decimals(0, 10_000, places=3).map(str),
    st.sampled_from(ODD_NUMBERS),
    st.sampled_from(ODD_NUMBERS),
)
"""Numbers, and what looks like one."""


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One text of each strategy, one behind the other."""
    return st.tuples(*parts).map("".join)


@st.composite
def edited_text(draw: st.DrawFn, texts: Sequence[str], fragments: Sequence[str]) -> str:
    """One of `texts` after a few edits: parts cut, repeated, and replaced by fragments or any text."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, _MOST_EDITS))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.just(start) | st.integers(start, len(text)))
        part = draw(st.sampled_from([*fragments, text[start:end] * 2]) | typed_text)
        text = text[:start] + part + text[end:]
    return text


@st.composite
def edited_tree(draw: st.DrawFn, trees: Sequence[Any], values: st.SearchStrategy[Any]) -> Any:
    """One of `trees` (dicts, lists and plain values) after a few edits: parts replaced, left out or added."""
    tree = deepcopy(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, _MOST_EDITS))):
        tree = _edited(draw, tree, values)
    return tree


def _edited(draw: st.DrawFn, tree: Any, values: st.SearchStrategy[Any]) -> Any:
    if not isinstance(tree, dict | list) or not tree:
        return draw(values)
    places = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    place = draw(st.sampled_from(places))
    edit = draw(st.sampled_from(("inside", "inside", "inside", "replace", "leave out", "add")))
    if edit == "inside":
        tree[place] = _edited(draw, tree[place], values)
    elif edit == "replace":
        tree[place] = draw(values)
    elif edit == "leave out":
        del tree[place]
    elif isinstance(tree, list):
        tree.insert(place, draw(values))
    else:
        tree[draw(st.sampled_from(places) | typed_text)] = draw(values)
    return tree


def is_finite(value: Any) -> bool:
    """Whether all numbers in a tree of values are finite."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
