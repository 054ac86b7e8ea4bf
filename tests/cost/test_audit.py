"""Three counters: they agree on a sample, each convention shows by name, and what is unexplained fails."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from ptflops import get_model_complexity_info
from torch import Tensor, nn
from torch.nn import functional as F

from bench.cli.cost.audit import run_audit
from bench.cost.audit import fvcore_counter, ours, ptflops_counter
from bench.cost.audit.compare import Audited, compare
from bench.cost.audit.counters import OURS, count_fvcore, count_ours
from bench.cost.audit.reading import NO_ATTENTION, TAKEN_APART, Failure, Reading
from bench.cost.audit.run import audit
from bench.cost.count import count_cost
from bench.sweep.spacefile import load_space
from bench.sweep.target import read_target
from variants.backbones.families import FAMILIES
from variants.context import CONTEXTS
from variants.names import parse_name
from variants.network import build
from variants.networks import NETWORKS
from variants.presets import PRESETS
from variants.spec import CORE_AXES, VariantSpec

PLAIN, DNL = "lcnet_050+fpn32-head16", "lcnet_050+frm34-dnl-w32+fpn32-head16"
TRANSFORMER = "lcnet_050+frm4-transformer-w32-depth1-heads4-ffn2+fpn32-head16"
PVT, SEGFORMER = "pvt_v2_b0+fpn32-head16", "pvt_v2_b0+smp_segformer"
SAMPLE = (PLAIN, DNL, TRANSFORMER, PVT, SEGFORMER, "ddrnet23_slim")
SIZE = (128, 64)


@pytest.fixture(scope="module")
def audited() -> dict[str, Audited]:
    """The sample, counted by all three, by name."""
    return {one.variant: one for one in audit([parse_name(name) for name in SAMPLE], 19, SIZE, workers=2)}


def reading_of(one: Audited, counter: str) -> Reading:
    found = next(other for other in one.others if other.counter == counter)
    assert isinstance(found, Reading)
    return found


def steps_of(one: Audited, counter: str) -> dict[str, int]:
    return {step.operator: step.macs for step in reading_of(one, counter).steps}


@pytest.mark.parametrize("name", SAMPLE)
def test_three_counters_agree_to_the_last_multiply_add(audited: dict[str, Audited], name: str) -> None:
    one = audited[name]
    assert one.problems == ()
    assert isinstance(one.ours, Reading)
    for counter in ("fvcore", "ptflops"):
        theirs = reading_of(one, counter)
        assert theirs.aligned == one.ours.native
        assert theirs.native + sum(step.macs for step in theirs.steps) == theirs.aligned


def test_each_convention_is_a_difference_of_its_own(audited: dict[str, Audited]) -> None:
    plain = steps_of(audited[PLAIN], "fvcore")
    assert set(plain) == {"batch_norm", "upsample_bilinear2d"}
    assert all(macs < 0 for macs in plain.values())
    assert set(steps_of(audited[PLAIN], "ptflops")) == {"bias of convolution"}
    assert set(steps_of(audited[TRANSFORMER], "ptflops")) == {"attention: bmm", "bias of convolution", "bias of addmm"}
    assert {"attention: matmul", "layer_norm"} <= set(steps_of(audited[PVT], "fvcore"))


def test_missing_attention_is_what_it_costs_by_hand(audited: dict[str, Audited]) -> None:
    positions, inner = (128 // 32) * (64 // 32), 32 // 2
    for counter, operator in (("fvcore", "attention: matmul"), ("ptflops", "attention: bmm")):
        step = next(step for step in reading_of(audited[DNL], counter).steps if step.operator == operator)
        assert (step.macs, step.calls, step.reason) == (2 * positions**2 * inner, 1, NO_ATTENTION)


def test_ptflops_other_back_end_adds_norms(audited: dict[str, Audited]) -> None:
    beside = reading_of(audited[PLAIN], "ptflops").beside
    assert 0 < beside[ptflops_counter.NORMS] < beside[ptflops_counter.WITH_LAYERS]


@pytest.mark.slow
def test_native_figures_are_those_that_the_tools_print(audited: dict[str, Audited]) -> None:
    net = build(parse_name(SEGFORMER), 19).eval()
    macs, _ = get_model_complexity_info(
        net, (3, SIZE[1], SIZE[0]), print_per_layer_stat=False, as_strings=False, backend="aten"
    )
    assert reading_of(audited[SEGFORMER], "ptflops").native == macs
    analysis = FlopCountAnalysis(net, torch.zeros(1, 3, SIZE[1], SIZE[0]))
    quiet = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    assert reading_of(audited[SEGFORMER], "fvcore").native == quiet.total()


def test_one_multiply_add_too_many_is_left_over(audited: dict[str, Audited]) -> None:
    one = audited[DNL]
    assert isinstance(one.ours, Reading)
    kinds = one.ours.by_kind
    theirs = reading_of(one, "fvcore")
    off = replace(theirs, by_kind=kinds | {"convolution": kinds["convolution"] + 1})
    (over,) = compare(one.ours, off)
    assert (over.counter, over.kind, over.theirs - over.ours) == ("fvcore", "convolution", 1)
    assert f"{kinds['convolution']:,}" in str(over)
    assert "+1 unexplained" in str(over)
    assert not replace(one, others=(off,)).agrees
    moved = replace(theirs, by_kind=kinds | {"attention": 0, "matrix products": sum(kinds.values())})
    assert {over.kind for over in compare(one.ours, moved)} == {"attention", "matrix products"}


class Applied(nn.Module):
    """A convolution and a function of its map."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        return self.function(self.conv(image))


class Transformer(nn.Module):
    """Torch's own transformer layer on the rows of an image as tokens of 16 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, image: Tensor) -> Tensor:
        tokens: Tensor = self.layer(image.flatten(1, 2))
        return tokens


def audit_net(net: nn.Module) -> Audited:
    """A network that is no variant."""
    net = net.eval()
    others = (fvcore_counter.read(net, 16, 8), ptflops_counter.read(net, 16, 8))
    return Audited("net", ours.read(count_cost(net, 16, 8)), others)


def test_a_counter_that_miscounts_an_operator_fails() -> None:
    # one matrix with each of four: fvcore's formula for matmul looks at the first shape only
    one = audit_net(Applied(lambda x: torch.matmul(x.new_ones(5, 8), x)))
    (over,) = one.left_over
    assert (over.counter, over.kind) == ("fvcore", "matrix products")
    assert over.ours == 4 * over.theirs == 4 * 5 * 8 * 16


def test_an_operator_without_a_formula_is_named() -> None:
    one = audit_net(Applied(lambda x: torch.baddbmm(x.new_ones(1), x[0], x[0].transpose(1, 2))))
    assert {over.counter for over in one.left_over} == {"fvcore", "ptflops"}
    assert all("no formula for baddbmm" in str(over) for over in one.left_over)


def test_torchs_fused_transformer_layer_is_taken_apart() -> None:
    one = audit_net(Transformer())
    assert one.problems == ()
    assert TAKEN_APART in {step.reason for step in reading_of(one, "ptflops").steps}


def test_attention_with_a_mask_and_of_many_pairs_is_written_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cost.audit.written_out._PAIRS_AT_ONCE", 300)

    def attention(x: Tensor) -> Tensor:
        heads = x.transpose(1, 3)  # (1, 16, 8, 4)
        mask = torch.ones(8, 8, dtype=torch.bool, device=x.device)
        y = F.scaled_dot_product_attention(heads, heads, heads, attn_mask=mask)
        return F.scaled_dot_product_attention(y, y, y, attn_mask=mask.to(x.dtype))

    one = audit_net(Applied(attention))
    assert one.problems == ()
    steps = {step.operator: step.macs for step in reading_of(one, "fvcore").steps}
    assert steps == {"attention: matmul": 2 * 2 * 16 * 8 * 8 * 4}


def is_killed(spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def ends(spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading:
    os._exit(7)


def raises_and_leaks(spec: VariantSpec, classes: int, size: tuple[int, int]) -> Reading:
    torch.conv2d = None  # type: ignore[assignment]
    F.conv2d = None  # type: ignore[assignment]
    F.relu = None  # type: ignore[assignment]
    raise ValueError("no such luck\nsecond line")


def test_a_counter_that_fails_or_dies_says_so_and_touches_no_other() -> None:
    counters = {"killed": is_killed, "ended": ends, "leaky": raises_and_leaks, OURS: count_ours, "fvcore": count_fvcore}
    (one,) = audit([parse_name(PLAIN)], 19, SIZE, 1, counters)
    assert [failure.reason for failure in one.others if isinstance(failure, Failure)] == [
        "its process was ended by SIGKILL: perhaps for lack of memory, try a smaller --size",
        "its process ended with exit code 7 before it had a figure",
        "ValueError: no such luck",
    ]
    assert one.left_over == ()
    assert len(one.problems) == 3
    assert reading_of(one, "fvcore").aligned > 0


def test_terminal_shows_figures_explanations_and_the_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run_audit(read_target(DNL, SIZE), 2, as_json=False)
    shown = capsys.readouterr()
    assert "G: 10^9 multiply-adds, each counted once" in shown.out
    assert "fvcore: attention: matmul" in shown.out
    assert "ptflops: bias of convolution" in shown.out
    assert "1 of 1 variants agree" in shown.out
    assert "audited 1 variants at 128x64" in shown.err


def test_a_variant_that_cannot_be_counted_fails_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    target = read_target("van_b0+smp_fpn", SIZE)
    assert not run_audit(target, 2, as_json=True)
    shown = capsys.readouterr()
    (variant,) = json.load(io.StringIO(shown.out))["variants"]
    assert variant["agrees"] is False
    assert "takes timm's backbones only" in variant["ours"]["reason"]
    assert "van_b0+smp_fpn: fvcore: network 'smp_fpn' takes timm's backbones only" in shown.err
    assert "Traceback" not in shown.err


def test_the_shipped_audit_space_covers_all_that_is_registered() -> None:
    specs = load_space("audit").specs
    assert len(specs) <= 80
    assert {*FAMILIES, "van_b0"} <= {spec.backbone for spec in specs}
    assert set(CONTEXTS.own) <= {spec.context for spec in specs}
    assert set(NETWORKS.own) <= {spec.network for spec in specs}
    assert {parse_name(preset) for preset in PRESETS} <= set(specs)
    for axis in CORE_AXES:
        if axis.name in ("unify", "fuse", "fusion_conv", "reenter", "head", "target_stride"):
            assert set(axis.schema()["enum"]) <= {spec.axes.get(axis.name) for spec in specs}, axis.name
