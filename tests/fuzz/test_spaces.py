"""Space files: a space that hangs together, or a refusal in words; whatever stands in the file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bench.errors import UserError
from bench.sweep.spacefile import SpaceFile, load_space
from tests.conftest import TINY_SPACE
from tests.fuzz.profiles import examples
from tests.fuzz.strategies import ODD_NUMBERS, ODD_TEXT, edited_text, edited_tree, is_finite, typed_text
from tests.fuzz.variants import values_of
from tests.fuzz.yaml_texts import ANCHOR_CHAIN, FRAGMENTS, FULL_SPACE, NESTED_ANCHORS
from variants.errors import VariantError
from variants.names import parse_name
from variants.spec import known_axes

AXES = known_axes()
WORDS = ("streets", "resnet18", "dnl", "transformer", "x0.5", "5M", "finetune", *AXES, *SpaceFile.model_fields)

plain_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2049),
    st.integers(),
    st.floats(-1, 2),
    st.floats(),
    st.sampled_from(WORDS),
    typed_text.filter(str.isprintable),
    st.binary(max_size=8),
    st.dates(),
    st.datetimes(),
    st.just(10**400),
)
values = st.recursive(
    plain_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_values, inner, max_size=3),
    max_leaves=6,
)
"""What YAML can hold."""


@st.composite
def products(draw: st.DrawFn) -> dict[str, Any]:
    """Axes with valid values, of which some have a condition."""
    axes: dict[str, Any] = {"backbone": ["resnet18"], "module_width": [64]}
    for name in draw(st.lists(st.sampled_from(sorted(AXES)), max_size=6, unique=True)):
        axes[name] = draw(st.lists(values_of(AXES[name]), min_size=1, max_size=3))
        if draw(st.integers(0, 4)) == 0:
            other = draw(st.sampled_from(sorted(AXES)))
            axes[name] = {"values": axes[name], "when": {other: draw(st.lists(values_of(AXES[other]), max_size=3))}}
    return axes


def load_text(text: str, is_searched: bool = False) -> SpaceFile | None:
    """The space of a file of this text; None where it is refused, by a message that names the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "space.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        try:
            return load_space(str(path), is_searched)
        except (UserError, VariantError) as error:
            refusal = str(error)
    assert str(path) in refusal
    return None


def check(space: SpaceFile | None) -> None:
    """Each combination is a spec or was dropped; none is there twice; all numbers of the protocol are finite."""
    if space is None:
        return
    found = space.expansion
    assert len(found.specs) + sum(found.dropped.values()) == found.combinations
    names = [spec.name for spec in found.specs]
    assert len({spec.content_hash for spec in found.specs}) == len(set(names)) == len(names) > 0
    assert [parse_name(name) for name in names] == list(found.specs)
    assert is_finite(space.model_dump(exclude={"axes": True, "accuracy": {"data"}}))


@pytest.mark.slow
@examples(200)
@given(
    edited_text([TINY_SPACE, FULL_SPACE], FRAGMENTS + ODD_TEXT + ODD_NUMBERS)
    | st.lists(st.sampled_from(FRAGMENTS)).map("".join)
)
@example("[" * 700)
@example("!!omap " + "[" * 20_000)
@example(TINY_SPACE + "axes[0]: 1\n")
@example(TINY_SPACE + f"about:\n{NESTED_ANCHORS}")
@example(TINY_SPACE + f"about:\n{ANCHOR_CHAIN}")
@example(TINY_SPACE + "about: !!timestamp x\n")
@example(TINY_SPACE + "about: !!int ''\n")
@example(TINY_SPACE + "about: !!bool x\n")
@example(TINY_SPACE + f"about: 0x{'f' * 5000}\n")
@example(TINY_SPACE + f"about: {'1:' * 200}1.5\n")
@example(TINY_SPACE + 'about: "\\UFFFFFFFF"\n')
@example(TINY_SPACE.replace("[dnl]", "{values: [dnl], when: {1: [2]}}"))
@example(TINY_SPACE.replace("schedule:", f"recipe: {'a' * 300}\n  schedule:"))
@example(TINY_SPACE.replace("epochs: 2", "crop: [64, 64], scale: [1, .inf]"))
def test_an_edited_file_is_a_space_or_is_refused(text: str) -> None:
    check(load_text(text))


@pytest.mark.slow
@examples(200)
@given(edited_tree([yaml.safe_load(TINY_SPACE), yaml.safe_load(FULL_SPACE)], values), st.booleans())
def test_a_file_of_wrong_values_is_a_space_or_is_refused(content: Any, is_searched: bool) -> None:
    space = load_text(yaml.safe_dump(content, allow_unicode=True), is_searched)
    if not is_searched:
        check(space)


@examples(100)
@given(values)
def test_any_yaml_is_a_space_or_is_refused(content: Any) -> None:
    check(load_text(yaml.safe_dump(content)))


@examples(100)
@given(products())
def test_a_product_of_valid_values_is_a_space_or_is_refused(axes: dict[str, Any]) -> None:
    check(load_text(yaml.safe_dump({"axes": axes, "accuracy": {"data": {"name": "streets"}}})))
