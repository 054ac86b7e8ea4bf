"""Published numbers are recomputed: met, or with a written reason why not."""

import json

import pytest

from bench.cost.claims import CheckedClaim, check_claims
from bench.cost.trace import trace
from tests.conftest import RunBench
from variants.names import parse_name
from variants.network import build
from variants.presets import PRESETS


@pytest.fixture(scope="module")
def claims() -> list[CheckedClaim]:
    return list(check_claims())


@pytest.mark.slow
def test_a_claim_is_met_or_its_difference_is_explained(claims: list[CheckedClaim]) -> None:
    assert len(claims) > 15
    open_ones = [(c.name, c.claim, c.computed) for c in claims if not (c.met or c.claim.difference)]
    assert not open_ones


def computed(claims: list[CheckedClaim], name: str, metric: str, size: tuple[int, int] = (2048, 1024)) -> float:
    found = [c.computed for c in claims if (c.name, c.claim.metric, c.claim.size) == (name, metric, size)]
    return found[0]


@pytest.mark.parametrize(
    ("name", "parameters_m", "macs_g"), [("van_b0", 3.85, 36.11), ("van_b1", 13.35, 104.27), ("van_b2", 26.07, 208.66)]
)
def test_van_has_the_published_size(claims: list[CheckedClaim], name: str, parameters_m: float, macs_g: float) -> None:
    assert computed(claims, name, "parameters_m") == pytest.approx(parameters_m, rel=1e-3)
    assert computed(claims, name, "macs_g") == pytest.approx(macs_g, rel=1e-3)


@pytest.mark.parametrize(
    ("variant", "macs_g"),
    [
        ("frm-van-b0", 214.81),
        ("frm-van-b1", 214.2),
        ("van_b0+fpn256-head128", 203.40),
        ("van_b0+frm1234-dnl-noneconv-r2+fpn256-head128", 206.75),
        ("van_b0+frm1234-dnl-noneconv-r1+fpn256-head128", 209.97),
    ],
)
def test_reconstructions_cost_what_was_derived(variant: str, macs_g: float) -> None:
    assert trace(build(parse_name(variant), 19), 2048, 1024).macs / 1e9 == pytest.approx(macs_g, rel=3e-4)


def test_ddrnet_has_the_published_size(claims: list[CheckedClaim]) -> None:
    assert computed(claims, "ddrnet23_slim", "macs_g") == pytest.approx(36.3, rel=2e-3)
    assert computed(claims, "ddrnet23_slim", "parameters_m") == pytest.approx(5.7, rel=2e-3)


@pytest.mark.slow
def test_list_presets_shows_claimed_and_computed(run_bench: RunBench) -> None:
    done = run_bench("list", "presets")
    assert done.returncode == 0, done.stderr
    for words in ("claimed", "computed", "214.82 G", "214.81 G", "214.16 G", "Reconstruction", "36.28 G"):
        assert words in done.stdout
    rows = json.loads(run_bench("list", "presets", "--json").stdout)
    assert {row["name"] for row in rows} >= {*PRESETS, "van_b0", "bisenetv2", "ddrnet23_slim"}
    assert all(row["met"] or row["why"] for row in rows)
