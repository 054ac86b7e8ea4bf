"""Options of the command line: a value that makes sense, or a refusal in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.adapt.budgets import SMALLEST, read_budgets
from bench.adapt.inference import read_steps
from bench.analysis.constraints import read_limit
from bench.cli.common.data_options import read_data_option
from bench.cli.common.options import AmountType, CountType, SizeType
from bench.cli.guard.front import _read_pin
from bench.cli.guard.options import Growth, GrowthType, OutputType
from bench.cli.pick_command import _labels
from bench.errors import UserError
from bench.guard.cost_baseline import GUARDED
from bench.guard.render.cost.formats import FORMATS
from bench.metrics import METRICS
from bench.quantities import read_number
from bench.sweep.target import read_target
from tests.fuzz.profiles import examples
from tests.fuzz.strategies import LONG, joined, typed_numbers, typed_text
from tests.fuzz.yaml_texts import FRAGMENTS

LIMITED = sorted(name for name, metric in METRICS.items() if metric.unit in ("%", "G", "M", "MB", "ms"))
PINNED = {"gmacs": "macs", "params": "parameters"}
STEPS = ("clahe", "gamma", "denoise", "batchnorm", "histogram", "grey_world", "resize-1.5")
suffixes = st.sampled_from(
    ("", " ", "%", "k", "K", "m", "M", "g", "G", "gmacs", " GFLOPs", "MB", "GB", "ms", "s", "µs")
)
bounds = joined(st.sampled_from((">=", "<=", "<= ", "<", "=", "")), typed_numbers, suffixes) | typed_text


def read_or_refuse(read: Callable[[], Any]) -> Any:
    """What is read; None where it is refused as a user's mistake is."""
    try:
        return read()
    except (UserError, click.UsageError):
        return None


@examples(500)
@given(st.sampled_from(LIMITED), bounds)
@example("macs", "<=1e999")
@example("parameters", f"<={'0' * 5000}5")
def test_a_limit_bounds_something(metric: str, text: str) -> None:
    limit = read_or_refuse(lambda: read_limit(metric, text))
    assert limit is None or 0 < limit.value < math.inf


@examples(200)
@given(st.integers(1, 10**9), st.sampled_from(["", "k", "M", "G"]))
def test_numbers_of_parameters_are_as_written(number: int, suffix: str) -> None:
    value = number * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[suffix]
    assert read_limit("parameters", f"<={number}{suffix}").value == value
    assert read_number(f"{number}{suffix}") == value
    assert read_number(f"{Decimal(value) / 1000}k") == value


@examples(500)
@given(st.sampled_from([*PINNED, "macs", ""]), bounds)
@example("gmacs", "<=1e5")
@example("gmacs", "<=3 GFLOPs")
def test_a_pin_is_a_limit_on_its_cost(cost: str, text: str) -> None:
    pin = read_or_refuse(lambda: _read_pin(cost + text))
    limit = read_or_refuse(lambda: read_limit(PINNED[cost], text)) if cost in PINNED else None
    assert pin == limit


@examples(500)
@given(joined(typed_numbers, suffixes) | typed_text | st.floats() | st.integers())
@example("0" * 5000 + "5")
@example("9" * 300 + "g")
@example("1e999999999")
@example("1e-999999999")
def test_a_number_of_parameters_is_whole_and_above_0(text: str | float) -> None:
    try:
        number = read_number(text)
    except ValueError as error:
        refusal = str(error)
    else:
        assert number >= 1
        assert read_number(str(number)) == CountType().convert(text, None, None) == number
        return
    assert repr(text) in refusal


@examples(500)
@given(joined(st.sampled_from(("", "=", "macs=", "peak_memory=", "mac=")), typed_numbers, suffixes) | typed_text)
@example(LONG)
@example(f"macs={LONG}%")
def test_allowed_growth_is_from_0(text: str) -> None:
    growth = read_or_refuse(lambda: GrowthType().convert(text, None, None))
    assert growth is None or (growth.percent >= 0 and growth.metric in (None, *GUARDED))


@examples(200)
@given(st.sampled_from(sorted(GUARDED)), st.decimals(0, 1000, places=4), st.sampled_from(["", "%"]))
def test_allowed_growth_is_as_written(metric: str, percent: Decimal, sign: str) -> None:
    name = "peak_memory" if metric == "peak_bytes" else metric
    assert GrowthType().convert(f"{name}={percent}{sign}", None, None) == Growth(metric, Fraction(percent))


@examples(500)
@given(joined(st.sampled_from([f"{form}=" for form in FORMATS]), typed_text) | typed_text)
@example(f"junit={'a' * 300}")
@example(f"junit={'a' * 300}/guard.xml")
def test_a_file_to_write_has_a_format_and_a_folder(text: str) -> None:
    output = read_or_refuse(lambda: OutputType().convert(text, None, None))
    assert output is None or (output.form in FORMATS and output.path.parent.is_dir() and not output.path.is_dir())


@examples(500)
@given(joined(typed_numbers, st.sampled_from(("x", "X", "", "*")), typed_numbers) | typed_text)
@example("²x32")
@example(f"32x{LONG}")
def test_a_size_is_of_pixels(text: str) -> None:
    size = read_or_refuse(lambda: SizeType().convert(text, None, None))
    assert size is None or min(size) >= 32


@examples(200)
@given(st.integers(32, 32768), st.integers(32, 32768))
def test_a_size_is_as_written(width: int, height: int) -> None:
    assert SizeType().convert(f"{width}x{height}", None, None) == (width, height)


@examples(200)
@given(typed_numbers | typed_text)
def test_an_amount_is_above_0(text: str) -> None:
    amount = read_or_refuse(lambda: AmountType().convert(text, None, None))
    assert amount is None or 0 < amount < math.inf


@examples(300)
@given(st.lists(typed_numbers | typed_text | st.just("all"), min_size=1).map(",".join), st.integers(0, 10_000))
@example(LONG, 50)
def test_label_budgets_ascend_to_the_images(text: str, images: int) -> None:
    found = read_or_refuse(lambda: read_budgets(text, images))
    if found is not None:
        budgets, beyond = found
        assert budgets == sorted(set(budgets))
        assert all(SMALLEST <= budget <= images for budget in budgets)
        assert all(budget > images for budget in beyond)


@examples(100)
@given(st.sets(st.integers(SMALLEST, 500), min_size=1), st.integers(SMALLEST, 500))
def test_label_budgets_are_as_written(counts: set[int], images: int) -> None:
    budgets, beyond = read_budgets(", ".join(map(str, counts)), images)
    assert budgets + beyond == sorted(counts)


@examples(300)
@given(typed_numbers | typed_text)
@example(LONG)
@example("²")
def test_labels_of_a_pick_are_a_number_or_all(text: str) -> None:
    labels = read_or_refuse(lambda: _labels(text))
    assert labels is None or labels >= 0


@pytest.mark.slow
@examples(300)
@given(
    st.lists(
        joined(st.sampled_from(",+"), st.sampled_from(STEPS) | joined(st.just("resize-"), typed_numbers) | typed_text)
    ).map(lambda words: "".join(words)[1:])
)
def test_steps_at_inference_are_read_or_refused(text: str) -> None:
    steps = read_or_refuse(lambda: read_steps(text))
    assert steps is None or all(0.25 <= step.scale <= 4 for step in steps)


@examples(300)
@given(joined(st.sampled_from(("", "width=", "=")), st.sampled_from(FRAGMENTS) | typed_numbers | typed_text))
@example("width=" + "[" * 3000)
@example("width=!!timestamp x")
@example("width=!!int ''")
@example("width=!!bool x")
@example(f"width=0x{'f' * 5000}")
@example(f"width={'1:' * 200}1.5")
@example('width="\\UFFFFFFFF"')
def test_an_option_of_data_is_read_or_refused(text: str) -> None:
    option = read_or_refuse(lambda: read_data_option(text))
    assert option is None or text.startswith(f"{option[0]}=")


@examples(200)
@given(typed_text | joined(typed_text, st.just(".yaml")))
@example("a" * 300)
@example(f"{'a' * 300}.yaml")
def test_what_costs_are_asked_of_is_there_or_refused(text: str) -> None:
    target = read_or_refuse(lambda: read_target(text))
    assert target is None or target.specs
