"""`bench cost` of a space: files that agree, limits, the figure with published networks; limits of a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bench.analysis.cost_table import CostRow, cost_table
from bench.cli import cli
from bench.cost.batch import count_specs
from bench.cost.budget import Budget
from bench.cost.count import count_variant
from bench.cost.published import published_networks
from bench.errors import UserError
from bench.quantities import read_number
from bench.render.figures.cost_figure import cost_figure_info, draw_costs
from bench.storage.store import Store
from bench.sweep.prepare import prepare
from bench.sweep.spacefile import load_space
from bench.sweep.target import read_target
from tests.commands import run_commands
from tests.conftest import SHARED, TINY_SPACE, RunBench, bench_environment
from variants.names import parse_name

PUBLISHED = "published_cityscapes.csv"


def cost(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cost", *arguments, "--reports", str(tmp_path), "--workers", "1"])


def test_a_space_as_csv_parquet_and_json(tiny_space: Path, tmp_path: Path) -> None:
    done = cost(tmp_path, str(tiny_space))
    assert done.exit_code == 0, done.output
    csv = pd.read_csv(tmp_path / "tiny" / "costs.csv")
    parquet = pd.read_parquet(tmp_path / "tiny" / "costs.parquet")
    data = json.loads((tmp_path / "tiny" / "costs.json").read_text())
    assert list(csv["variant"]) == list(parquet["variant"]) == [row["variant"] for row in data["variants"]]
    assert len(csv) == 4
    for key in ("macs", "flops", "rest_operations", "parameters", "activations", "peak_bytes", "int8_bytes"):
        assert list(csv[key]) == list(parquet[key]) == [row[key] for row in data["variants"]], key
    target = read_target(str(tiny_space))
    for row in data["variants"]:
        counted = count_variant(parse_name(row["variant"]), target.classes, *target.size)
        assert {key: row[key] for key in counted.metrics()} == counted.metrics()
        parts = ("backbone", "fusion", "context", "decoder", "head")
        assert sum(row.get(f"macs_{part}", 0) for part in parts) == row["macs"]
        assert sum(row.get(f"parameters_{part}", 0) for part in parts) == row["parameters"]
    assert {"size", "classes", "counter", "commit", "versions"} <= set(data)


def test_json_on_stdout_is_the_file(tiny_space: Path, tmp_path: Path) -> None:
    done = cost(tmp_path, str(tiny_space), "--json", "--size", "64x64", "--classes", "3")
    data = json.loads(done.stdout)
    assert data == json.loads((tmp_path / "tiny" / "costs.json").read_text())
    assert (data["size"], data["classes"]) == ([64, 64], 3)


@pytest.mark.slow
def test_limits_keep_what_is_at_them(tiny_space: Path, tmp_path: Path) -> None:
    def variants(*limits: str) -> list[dict[str, int]]:
        rows: list[dict[str, int]] = json.loads(cost(tmp_path, str(tiny_space), "--json", *limits).stdout)["variants"]
        return rows

    every = variants()
    third = every[2]
    assert variants("--max-gmacs", repr(third["macs"] / 1e9)) == every[:3]
    few = sorted(row["parameters"] for row in every)[1]
    assert [row["parameters"] for row in variants("--max-params", str(few))] == [
        row["parameters"] for row in every if row["parameters"] <= few
    ]
    assert len(variants("--max-params", str(few - 1))) == 1
    with pytest.raises(UserError, match="none of the 4 variants is within the budget of at most 1,000 parameters"):
        cli.main(["cost", str(tiny_space), "--max-params", "1k", "--reports", str(tmp_path)], standalone_mode=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5M", 5_000_000),
        ("750k", 750_000),
        ("0.5m", 500_000),
        ("2.5m", 2_500_000),
        ("1e6", 1_000_000),
        ("12", 12),
        ("0.023k", 23),
        (5e6, 5_000_000),
        (1, 1),
    ],
)
def test_numbers_of_parameters(text: str | float, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", "M", "5Q", "-1", "0", "nan", "inf", "5 M M"])
def test_what_is_no_number_of_parameters(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        read_number(text)


PARTS = [
    ("0.3", "less than one parameter; 0.3 million is written 0.3M"),
    ("0.6", "less than one parameter; 0.6 million is written 0.6M"),
    ("2.5", "no whole number of parameters; 2.5 million is written 2.5M"),
    ("0.0001k", "less than one parameter; write one such as 5M, 750k or 5000000"),
]


@pytest.mark.parametrize(("number", "words"), PARTS)
def test_parts_of_a_parameter_are_refused_in_words(
    tiny_space: Path, run_bench: RunBench, number: str, words: str
) -> None:
    for command in (("cost",), ("sweep", "--dry-run"), ("sweep", "--dry-run", "--search", "random", "--trials", "2")):
        done = run_bench(*command, tiny_space.name, "--max-params", number)
        assert (done.returncode, words in " ".join(done.stderr.split())) == (2, True), done.stderr
    tiny_space.write_text(TINY_SPACE.replace("{size: [128, 64]}", f"{{size: [128, 64], max_params: {number}}}"))
    done = run_bench("sweep", tiny_space.name, "--dry-run")
    assert done.returncode == 2
    assert "tiny.yaml:9: cost.max_params: " in done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("number", ["0", "-1"])
def test_a_limit_that_is_not_above_0_is_refused(tiny_space: Path, run_bench: RunBench, number: str) -> None:
    for option, key in (("--max-gmacs", "max_gmacs"), ("--max-params", "max_params")):
        done = run_bench("cost", str(tiny_space), option, number)
        assert (done.returncode, "above 0" in done.stderr) == (2, True), done.stderr
        path = tiny_space.with_name("limited.yaml")
        path.write_text(TINY_SPACE.replace("{size: [128, 64]}", f"{{size: [128, 64], {key}: {number}}}"))
        with pytest.raises(UserError, match=rf"limited\.yaml:9: cost\.{key}"):
            load_space(str(path))


def test_sides_by_side_and_one_by_one_give_the_same() -> None:
    names = [f"{backbone}+fpn{width}-head16" for backbone in ("lcnet_050", "resnet18") for width in range(8, 34)]
    specs = [parse_name(name) for name in names]
    alone, beside = ({c.spec: c.cost for c in count_specs(specs, 5, (64, 64), workers)} for workers in (1, 2))
    assert len(alone) == 52
    assert alone == beside


def test_a_variant_that_cannot_be_counted_ends_no_other() -> None:
    specs = [parse_name("no_such_backbone+fpn8-head8"), parse_name("lcnet_050+fpn8-head8")]
    good, bad = sorted(count_specs(specs, 5, (64, 64), 1), key=lambda counted: counted.cost is None)
    assert good.cost is not None
    assert "no_such_backbone" in bad.reason


def test_published_networks_have_sources() -> None:
    networks = {network.name: network for network in published_networks()}
    assert (networks["DDRNet-23-slim"].macs, networks["DDRNet-23-slim"].parameters) == (36.3e9, 5.7e6)
    assert all(network.source and network.size == (2048, 1024) for network in networks.values())
    assert len(networks) > 10


def test_published_figures_are_those_that_were_collected(shared: Path) -> None:
    """Row by row; more may have been collected since."""
    from bench.cost import published

    ours = Path(published.__file__).with_name(PUBLISHED).read_text().splitlines()
    assert set(ours) <= set((SHARED / "facts" / PUBLISHED).read_text().splitlines())


def small_table(*names: str) -> pd.DataFrame:
    specs = [parse_name(name) for name in names]
    rows = [
        CostRow(variant=s.name, content_hash=s.content_hash, axes=s.to_json(), cost=count_variant(s, 19, 2048, 1024))
        for s in specs
    ]
    return cost_table(rows, (2048, 1024), 19)


def test_the_figure_shows_variants_published_networks_and_limits() -> None:
    table = small_table("lcnet_050+fpn16-head16", "resnet18+fpn16-head16")
    info = cost_figure_info(table[:1], table[1:], "title", published_networks(), (20.0, 5_000_000))
    assert [(group.backbone, len(group.macs)) for group in info.groups] == [("lcnet_050", 1)]
    assert info.groups[0].macs[0] == pytest.approx(table["macs"][0] / 1e9)
    assert len(info.beyond.macs) == 1
    axes = draw_costs(info).axes[0]
    for label in (axes.get_xlabel(), axes.get_ylabel()):
        assert "lower is better" in label
    assert "GFLOPs at 2 per MAC" in axes.get_xlabel()
    assert {"BiSeNetV2", "DDRNet-23-slim"} <= {text.get_text() for text in axes.texts}
    flops = cost_figure_info(table, table[:0], "title", published_networks(), (20.0, None), "flops")
    assert flops.groups[0].macs[0] == pytest.approx(2 * table["macs"][0] / 1e9)
    assert flops.max_gmacs == 40
    assert "FLOPs at 2 per MAC (G)" in draw_costs(flops).axes[0].get_xlabel()


def test_published_networks_stand_only_beside_costs_of_their_size() -> None:
    spec = parse_name("lcnet_050+fpn16-head16")
    rows = [
        CostRow(
            variant=spec.name,
            content_hash=spec.content_hash,
            axes=spec.to_json(),
            cost=count_variant(spec, 19, 512, 256),
        )
    ]
    table = cost_table(rows, (512, 256), 19)
    assert cost_figure_info(table, table[:0], "title", published_networks(), (None, None)).published == []


@pytest.mark.slow
def test_the_command_draws_and_says_both_conventions(run_bench: RunBench, tmp_path: Path) -> None:
    done = run_bench("cost", "quick", "--max-gmacs", "6")
    assert done.returncode == 0, done.stderr
    assert "1 GMAC is 2 GFLOPs at 2 per MAC" in done.stdout
    assert "5 of 9 variants are within" in done.stderr
    with Image.open(tmp_path / "reports" / "quick" / "cost_space.png") as image:
        assert min(image.size) > 800


def test_a_variants_cost_by_part_and_operator(run_bench: RunBench) -> None:
    done = run_bench("cost", "lcnet_050+frm34-dnl-w32+fpn32-head16", "--flops")
    assert done.returncode == 0, done.stderr
    for words in ("GMACs = ", "other operations", "peak memory", "in int8", "context", "convolution", "FLOPs at 2"):
        assert words in done.stdout


def test_neither_variant_nor_space_is_refused(run_bench: RunBench) -> None:
    done = run_bench("cost", "quik")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "camvid" in done.stderr


@pytest.mark.parametrize("by_option", [True, False])
def test_a_sweep_leaves_out_what_is_beyond_the_budget(tmp_path: Path, by_option: bool) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(TINY_SPACE)
    sizes = {spec: count_variant(spec, 9, 128, 64).whole.parameters for spec in load_space(str(path)).specs}
    most = sorted(sizes.values())[1]
    limits = "" if by_option else f", max_params: {most / 1000}k"
    path.write_text(TINY_SPACE.replace("cost: {size: [128, 64]}", f"cost: {{size: [128, 64]{limits}}}"))
    space = load_space(str(path))
    budget = Budget(max_parameters=most) if by_option else Budget()
    plan = prepare(space, Store(tmp_path / "results"), None, None, limits=budget)
    within = [spec for spec in space.specs if sizes[spec] <= most]
    assert len(within) == 2
    assert list(plan.specs) == within
    assert {cell.spec for cell in plan.todo} == set(within)


def test_a_budget_that_nothing_meets_is_refused(tiny_space: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none of the 4 variants is within the budget of at most 0.001 GMACs"):
        prepare(load_space(str(tiny_space)), Store(tmp_path), None, None, limits=Budget(max_gmacs=0.001))


def test_a_bad_limit_in_a_space_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(TINY_SPACE.replace("cost: {size: [128, 64]}", "cost:\n  max_params: many"))
    with pytest.raises(UserError, match="many"):
        load_space(str(path))


OUTSIDE = """
import torch
from torch import Tensor, nn
from variants.context import ContextEntry

class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:])

def build(channels: int) -> nn.Module:
    return Spectrum()

ENTRY = ContextEntry("spectrum_block", "build", "through the spectrum and back")
"""


@pytest.mark.slow
def test_an_operator_without_a_formula_is_marked_in_every_table(tmp_path: Path) -> None:
    """A block from outside with a Fourier transform: named, marked, and never nothing."""
    (tmp_path / "spectrum_block.py").write_text(OUTSIDE)
    info = tmp_path / "spectrum-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spectrum\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[segmentation_bench.contexts]\nspectrum = spectrum_block:ENTRY\n")
    (info / "RECORD").write_text("spectrum_block.py,,\n")
    spec = "lcnet_050+frm34-spectrum-w16+fpn8-head8"
    space = tmp_path / "odd.yaml"
    space.write_text(
        f"variants: [{spec}, lcnet_050+fpn8-head8]\ncost: {{size: [64, 64]}}\nlatency: null\n"
        "accuracy: {data: {name: streets, options: {width: 96, height: 64, train: 4, val: 2, test: 2}}, "
        "schedule: {epochs: 1, batch_size: 2}}\n"
    )

    path = f"{bench_environment()['PYTHONPATH']}:{tmp_path}"
    one, many, explained, swept = run_commands(
        ("cost", spec, "--size", "64x64"),
        ("cost", "odd.yaml"),
        ("explain", spec, "--size", "64x64"),
        ("sweep", "odd.yaml"),
        cwd=tmp_path,
        environment={"PYTHONPATH": path},
    )
    assert one.returncode == many.returncode == 1
    assert "_fft_r2c" in one.stdout
    assert "_fft_r2c" in many.stderr
    lines = {line.split()[0]: line for line in one.stdout.splitlines() if line.strip()}
    assert "≥" in lines["cost"]
    assert "≥" in lines["context"]
    assert "≥" not in lines["backbone"]
    assert "?" in lines["_fft_r2c"]
    assert [("≥" in line) for line in many.stdout.splitlines() if "lcnet_050 ·" in line] == [False, True]
    assert "≥" in explained.stdout
    assert swept.returncode == 0, swept.stderr
    assert "≥" in swept.stdout
    assert "lower bounds: _fft_r2c" in (tmp_path / "reports" / "odd" / "README.md").read_text()
    assert "≥" in (tmp_path / "reports" / "odd" / "index.html").read_text()
