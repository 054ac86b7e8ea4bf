"""The roofline estimate against sums by hand, profiles, calibration, and rank correlation with measured latency."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from torch import nn

from bench.cli import cli
from bench.cost.count import count_variant
from bench.cost.hardware import HardwareProfile, find_profile, named_profiles
from bench.cost.roofline import add_up, estimate
from bench.cost.trace import trace
from bench.errors import UserError
from bench.stats.rank_correlation import rank_correlation
from bench.storage.store import Store
from bench.system.machine import machine_id
from tests.factories import record
from variants.names import parse_name

SPECS = [f"lcnet_050+fpn{width}-head16" for width in (16, 32, 64, 128)]


def profile(macs_per_s: float, bytes_per_s: float) -> HardwareProfile:
    return HardwareProfile(name="test", label="test", macs_per_s=macs_per_s, bytes_per_s=bytes_per_s, source="by hand")


def test_an_operator_takes_the_longer_of_computing_and_moving() -> None:
    operations = trace(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU()), 16, 8).operations
    assert [operation.operator for operation in operations] == ["convolution", "relu"]
    positions = 16 * 8
    macs, moved = positions * 27 * 8, 4 * (positions * 3 + 27 * 8 + positions * 8)
    elements = positions * 8
    computing = add_up("net", operations, ["a", "b"], profile(macs_per_s=1e3, bytes_per_s=1e12)).parts
    assert computing["a"].ms == pytest.approx(1e3 * macs / 1e3)
    assert computing["b"].ms == pytest.approx(1e3 * elements / 1e3)
    assert computing["a"].bound == "computing"
    moving = add_up("net", operations, ["a", "b"], profile(macs_per_s=1e15, bytes_per_s=1e3))
    assert moving.parts["a"].ms == pytest.approx(1e3 * moved / 1e3)
    assert moving.parts["b"].ms == pytest.approx(1e3 * 8 * elements / 1e3)
    assert moving.parts["b"].bound == "memory"
    assert moving.ms == pytest.approx(moved + 8 * elements)


def test_parts_are_those_of_the_cost() -> None:
    found = estimate(parse_name("lcnet_050+frm34-dnl-w16+fpn16-head16"), 5, 128, 64, profile(1e12, 1e11))
    assert list(found.parts) == ["input", "backbone", "fusion", "context", "decoder", "head", "output"]
    assert found.ms == pytest.approx(sum(part.ms for part in found.parts.values()))


def test_named_profiles_count_a_multiply_add_once_and_have_sources() -> None:
    profiles = named_profiles()
    assert profiles["t4"].macs_per_s == 8.1e12 / 2
    assert profiles["t4"].bytes_per_s == 320e9
    assert all(found.source and found.gpu for found in profiles.values())


def test_an_unknown_profile_and_a_machine_without_calibration_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'rtx3090'"):
        find_profile("rtx309", tmp_path)
    with pytest.raises(UserError, match="bench calibrate"):
        find_profile("here", tmp_path)


@pytest.mark.slow
def test_a_calibration_is_measured_kept_and_used(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["calibrate", "--repeats", "3", "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "GFLOPs a second at 2 per MAC" in done.stdout
    found = find_profile("here", tmp_path)
    (path,) = (tmp_path / "hardware").glob("*.json")
    data = json.loads(path.read_text())
    assert {trial["kernel"] for trial in data["trials"]} == {"matrix product", "3x3 convolution", "sum of two arrays"}
    best = max(t["amount"] / min(t["seconds"]) for t in data["trials"] if t["unit"] == "MACs")
    assert found.macs_per_s == best
    assert (found.machine_id, found.threads) == (machine_id(), 1)
    path.write_text("{}")
    with pytest.raises(UserError, match="broken"):
        find_profile("here", tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "rho"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 400], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([86, 97, 99, 100, 101, 103, 106, 110, 112, 113], [2, 20, 28, 27, 50, 29, 7, 17, 6, 12], -29 / 165),
        ([1, 2, 2, 3], [1, 2, 3, 4], 4.5 / (4.5 * 5) ** 0.5),
        ([1, 2, 3], [1, 2, 3], None),
        ([5, 5, 5, 5], [1, 2, 3, 4], None),
    ],
)
def test_rank_correlation(first: list[float], second: list[float], rho: float | None) -> None:
    assert rank_correlation(first, second) == (None if rho is None else pytest.approx(rho))


def latencies(tmp_path: Path, backwards: bool) -> None:
    """Latency records of the four variants on this machine, in the order of their cost or against it."""
    store, records = Store(tmp_path), []
    for i, name in enumerate(SPECS):
        spec = parse_name(name)
        ms = float(10 - i if backwards else 10 + i)
        metrics = {"latency_cpu_ms": ms, "latency_cpu_ms_low": ms, "latency_cpu_ms_high": ms}
        setting = {"size": [128, 64], "classes": 5}
        records.append(
            record(
                "latency", metrics=metrics, setting=setting, key=str(i), variant=name, spec=spec.to_json()
            ).model_copy(update={"spec_hash": spec.content_hash, "machine_id": machine_id()})
        )
    for one in records:
        store.append("timed", one)
    store.write_plan("timed", [one.key for one in records])


@pytest.mark.parametrize(("backwards", "rho"), [(False, "+1.00"), (True, "-1.00")])
def test_the_estimate_is_held_against_latencies_of_the_same_hardware(tmp_path: Path, backwards: bool, rho: str) -> None:
    latencies(tmp_path, backwards)
    data = {
        "schema_version": 1,
        "machine": {"cpu": "Test CPU"},
        "machine_id": machine_id(),
        "threads": 1,
        "macs_per_s": 1e10,
        "bytes_per_s": 1e10,
        "measured": "2026-01-01",
    }
    folder = tmp_path / "hardware"
    folder.mkdir()
    (folder / f"{machine_id()}-1-threads.json").write_text(json.dumps(data))
    space = tmp_path / "four.yaml"
    space.write_text(f"variants: [{', '.join(SPECS)}]\naccuracy: {{data: {{name: streets}}}}\n")
    arguments = [str(space), "--results", str(tmp_path), "--size", "256x128"]
    done = CliRunner().invoke(cli, ["cost", *arguments, "--hardware", "here"])
    assert done.exit_code == 0, done.output
    assert "ESTIMATE" in done.stdout
    assert f"sweep timed at 128x64, 4 variants: rank correlation {rho}" in done.stdout
    other = CliRunner().invoke(cli, ["cost", *arguments, "--hardware", "t4"])
    assert "rank correlation" not in other.stdout
    assert "no measured latency of these variants on NVIDIA T4" in other.stdout


def test_json_says_that_it_is_an_estimate(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli, ["cost", SPECS[0], "--hardware", "t4", "--results", str(tmp_path), "--json", "--size", "128x64"]
    )
    data = json.loads(done.stdout)
    assert data["estimate"] is True
    (variant,) = data["variants"]
    assert variant["ms"] == pytest.approx(sum(part["ms"] for part in variant["parts"].values()))


def test_an_estimate_keeps_to_the_budget(tmp_path: Path) -> None:
    space = tmp_path / "four.yaml"
    space.write_text(f"variants: [{', '.join(SPECS)}]\naccuracy: {{data: {{name: streets}}}}\n")
    costs = [count_variant(parse_name(name), 9, 128, 64).total.macs for name in SPECS]
    arguments = [str(space), "--hardware", "t4", "--size", "128x64", "--results", str(tmp_path), "--json"]
    done = CliRunner().invoke(cli, ["cost", *arguments, "--max-gmacs", repr(costs[1] / 1e9)])
    assert [one["variant"] for one in json.loads(done.stdout)["variants"]] == SPECS[:2]
    assert CliRunner().invoke(cli, ["cost", *arguments, "--max-gmacs", "nan"]).exit_code == 2


def test_a_variant_that_cannot_be_estimated_ends_no_other(tmp_path: Path) -> None:
    space = tmp_path / "two.yaml"
    space.write_text(f"variants: [no_such_net+fpn16-head16, {SPECS[0]}]\naccuracy: {{data: {{name: streets}}}}\n")
    done = CliRunner().invoke(cli, ["cost", str(space), "--hardware", "t4", "--results", str(tmp_path)])
    assert done.exit_code == 1
    assert "cannot be estimated: no_such_net" in done.stderr
    assert "ESTIMATE" in done.stdout
