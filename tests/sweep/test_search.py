"""Searching a space that is too large to measure whole: what is proposed, within which limits, and after a kill."""

import math
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any, get_args

import pytest

from bench.cost.budget import Budget
from bench.errors import UserError
from bench.stats.pareto import hypervolume
from bench.sweep.search import Reached, Sampler, Search, Strategy
from bench.sweep.search_run import counted_excess
from bench.sweep.spacefile import load_space
from tests.conftest import TINY_SPACE, RunBench
from tests.sweeps import finished_sweep, running_sweep, stored, wait_for
from variants.names import parse_name
from variants.product import Product, read_product
from variants.spec import VariantSpec

AXES: dict[str, Any] = {
    "backbone": ["resnet18", "resnet34", "lcnet_050", "lcnet_100"],
    "fused_stages": [[], [4], [3, 4], [1, 2, 3, 4]],
    "context": ["dnl", "nonlocal", "transformer"],
    "module_width": list(range(16, 272, 16)),
    "transformer_depth": [1, 2, 3],
    "transformer_heads": [1, 2, 3, 4, 8],
    "transformer_ffn_ratio": [1, 2, 4],
    "decoder_width": list(range(16, 272, 16)),
    "head_width": list(range(16, 272, 16)),
}
REFERENCE = (600.0, 0.0)


def widths(spec: VariantSpec) -> tuple[int, int, int]:
    module = spec.module_width if isinstance(spec.module_width, int) else 0
    return module, int(spec.decoder_width or 0), int(spec.head_width or 0)


def reached(spec: VariantSpec) -> Reached:
    """A made-up landscape: every width costs, that of the decoder helps most, resnet18 is worth its cost."""
    module, decoder, head = widths(spec)
    worth = {"resnet18": 1.0, "resnet34": 0.9, "lcnet_050": 0.5, "lcnet_100": 0.6}[str(spec.backbone)]
    miou = worth * (1 - math.exp(-decoder / 60)) * (0.7 + 0.3 * module / 256)
    return Reached(miou, float(module + decoder + 2 * head))


def no_limit(spec: VariantSpec) -> Mapping[str, float]:
    return {}


def searched(
    products: list[Product], strategy: Strategy, excess: Any = no_limit, failing: Any = lambda spec: False
) -> Search:
    search = Search(products=products, strategy=strategy, excess=excess)
    while batch := search.ask():
        search.tell({spec: reached(spec) for spec in batch if not failing(spec)})
    return search


@pytest.mark.slow
@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_the_same_seed_chooses_the_same_and_nothing_twice(sampler: Sampler) -> None:
    products = [read_product(AXES)]
    first, second = (
        searched(products, Strategy(sampler=sampler, variants=30, batch=6, seed=1)).chosen for _ in range(2)
    )
    assert first == second
    assert len(set(first)) == 30
    assert searched(products, Strategy(sampler=sampler, variants=30, batch=6, seed=2)).chosen != first


@pytest.mark.slow
@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_nothing_beyond_the_limits_is_chosen(sampler: Sampler) -> None:
    def excess(spec: VariantSpec) -> dict[str, float]:
        return {"macs": reached(spec).macs / 300 - 1}

    search = searched([read_product(AXES)], Strategy(sampler=sampler, variants=14, batch=6, seed=0), excess)
    assert len(search.chosen) == 14
    assert all(reached(spec).macs <= 300 for spec in search.chosen)
    assert all(reached(spec).macs > 300 for spec in search.refused)
    assert search.refused


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["nsga2", "tpe"])
def test_a_search_finds_a_better_front_than_chance(sampler: Sampler) -> None:
    def volume(which: Sampler, seed: int) -> float:
        chosen = searched([read_product(AXES)], Strategy(sampler=which, variants=80, batch=8, seed=seed)).chosen
        return hypervolume([(reached(spec).macs, reached(spec).miou) for spec in chosen], REFERENCE)

    ours, chance = (mean(volume(which, seed) for seed in range(4)) for which in (sampler, "random"))
    assert ours > 1.02 * chance


def test_a_small_space_is_gone_through_and_then_the_search_ends() -> None:
    axes = {"backbone": ["resnet18"], "module_width": [16, 32], "decoder_width": [16, 32, 48], "head_width": [16]}
    chosen = searched([read_product(axes)], Strategy(sampler="random", variants=64, batch=4, seed=0)).chosen
    assert len(chosen) == 6


def test_variants_that_failed_are_not_proposed_again_and_end_no_search() -> None:
    search = searched(
        [read_product(AXES)],
        Strategy(sampler="nsga2", variants=30, batch=6, seed=0),
        failing=lambda spec: spec.context == "dnl",
    )
    assert len(set(search.chosen)) == 30


def test_several_products_are_searched_together() -> None:
    peers = {"network": ["smp_fpn", "smp_unet"], "backbone": ["resnet18", "resnet34"]}
    search = Search(
        products=[read_product(AXES), read_product(peers)],
        strategy=Strategy(sampler="tpe", variants=16, batch=4, seed=0),
        excess=no_limit,
    )
    while batch := search.ask():
        search.tell({spec: Reached(0.5, 1.0) for spec in batch})
    assert {spec.network for spec in search.chosen} >= {"frm", "smp_fpn"}


def test_what_cannot_be_counted_is_beyond_no_limit_and_a_limit_that_cannot_be_compared_ends_the_search() -> None:
    small, unknown = parse_name("lcnet_050+fpn8-head8"), parse_name("no_such_backbone+fpn8-head8")
    excess = counted_excess(Budget(max_parameters=1), 3, (64, 64))
    assert excess(small)["parameters"] > 0
    assert excess(unknown) == {}
    with pytest.raises(ZeroDivisionError):
        counted_excess(Budget(max_parameters=0), 3, (64, 64))(small)


LARGE = TINY_SPACE.replace(
    """  fused_stages: [[], [3, 4]]
  context: [dnl]
  module_width: [16]
  decoder_width: [8]
  head_width: [8]
""",
    f"""  fused_stages: [[], [3, 4]]
  context: [dnl]
  module_width: {list(range(8, 72))}
  decoder_width: {list(range(8, 72))}
  head_width: {list(range(8, 72))}
""",
).replace("samples: 10, restarts: 2", "samples: 3, restarts: 1")
SEARCH = ("--search", "nsga2", "--trials", "6", "--batch", "2", "--max-params", "0.4M")


@pytest.fixture
def large_space(tmp_path: Path) -> Path:
    path = tmp_path / "large.yaml"
    path.write_text(LARGE.replace("name: tiny", "name: large"))
    return path


def scores(folder: Path) -> dict[str, dict[str, float]]:
    return {r["variant"]: r["metrics"] for r in stored(folder) if r["group"] == "accuracy"}


@pytest.mark.slow
def test_a_killed_search_goes_on_to_what_an_undisturbed_one_finds(
    large_space: Path, run_bench: RunBench, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_sweep(large_space, *SEARCH) as process:
        wait_for(lambda: len(scores(tmp_path)) >= 3, process)  # in the second batch, with a third to come
        process.kill()
        process.wait()
    time.sleep(1)  # its workers end by themselves
    assert len(scores(tmp_path)) < 6
    done = run_bench("sweep", large_space.name, *SEARCH)
    assert done.returncode == 0, done.stderr
    assert "6 variants of 1,048,576 combinations" in done.stderr
    records = stored(tmp_path)
    assert len({r["key"] for r in records}) == len(records) == 6 * 3
    assert all(r["metrics"]["parameters"] <= 400_000 for r in records if r["group"] == "cost")
    page = (tmp_path / "reports" / "large" / "README.md").read_text()
    assert "chosen by NSGA-II (Optuna" in page
    assert "seed 0: 6 of 1,048,576 combinations, within the budget of at most 400,000 parameters" in page

    assert scores(finished_sweep(tmp_path_factory, large_space.read_text(), *SEARCH)) == scores(tmp_path)

    longer = run_bench("sweep", large_space.name, *SEARCH, "--trials", "7")
    assert longer.returncode == 0, longer.stderr
    assert "measured 3, failed 0; 18 done before" in longer.stderr


@pytest.mark.slow
def test_a_retry_tries_once_what_failed_before(large_space: Path, run_bench: RunBench, tmp_path: Path) -> None:
    large_space.write_text(large_space.read_text().replace("epochs: 2", "epochs: 5000"))
    for _ in range(2):
        tried = run_bench("sweep", large_space.name, *SEARCH, "--trials", "4", "--timeout", "1", "--retry-failed")
        assert tried.returncode == 3
    tries = Counter(r["key"] for r in stored(tmp_path) if r["group"] == "accuracy")
    assert len(tries) == 4
    assert set(tries.values()) == {2}, "once in each run, and not with each batch"


@pytest.mark.slow
def test_what_a_search_would_do_is_said_before(large_space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", large_space.name, *SEARCH, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2, "the first batch"
    large_space.write_text(TINY_SPACE)
    few = run_bench("sweep", large_space.name, "--search", "tpe", "--trials", "8", "--dry-run")
    assert "space tiny: at most 4 variants of 4 combinations" in few.stderr
    assert not (large_space.parent / "results").exists()


def test_a_space_too_large_to_list_is_refused_with_the_way_to_search_it(large_space: Path) -> None:
    with pytest.raises(UserError, match=r"1,048,576 combinations are too many to list.*--search nsga2 --trials 64"):
        load_space(str(large_space))


def test_a_value_that_no_combination_takes_is_refused_with_its_line(large_space: Path) -> None:
    text = large_space.read_text().replace("  context: [dnl]", "  context: [dnl]\n  transformer_heads: [4]")
    large_space.write_text(text)
    with pytest.raises(UserError, match=r"large\.yaml:\d+: transformer_heads 4 fits in none of 1000 random"):
        load_space(str(large_space), is_searched=True)


@pytest.mark.slow
def test_limits_that_nothing_meets_are_refused(large_space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", large_space.name, *SEARCH, "--max-gmacs", "0.000001")
    assert done.returncode == 2
    assert "within the budget of at most 1e-06 GMACs" in done.stderr


def test_a_space_without_axes_is_refused(tmp_path: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", "contrastive", "--search", "random", cwd=tmp_path)
    assert done.returncode == 2
    assert "no axes to search" in done.stderr


def test_search_and_halving_are_refused_together(large_space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", large_space.name, *SEARCH, "--schedule", "halving")
    assert done.returncode == 2
    assert "do not go together" in done.stderr
