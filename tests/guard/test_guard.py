"""`bench guard`: growth is found to the last multiply-add and stops, a fall does not, and silence is no pass."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from bench.cli import cli
from bench.cost.figures import Cost, Peak, Weights, Work
from bench.errors import UserError
from bench.guard.cost_comparison import guard_variant
from bench.guard.render.cost.formats import FORMATS
from tests.commands import run_commands
from tests.conftest import PROJECT, RunBench
from variants.backbones.families import FAMILIES

PLAIN, DNL = "lcnet_050+fpn16-head16", "lcnet_050+frm34-dnl-w32+fpn16-head16"
GONE = "gone_net+fpn16-head16"
SPACE = """\
name: pair
variants: [{}]
cost: {{size: [128, 64]}}
accuracy: {{data: {{name: streets}}}}
"""
Guard = Callable[..., Result]
Data = dict[str, Any]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """Run the command in a folder of its own, where the two variants have a baseline."""
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}"))

    def run(*arguments: str) -> Result:
        names = [str(tmp_path / name) if name.endswith(".yaml") else name for name in arguments]
        return CliRunner().invoke(cli, ["guard", *names, "--results", str(tmp_path / "results"), "--workers", "1"])

    assert run("--accept", "pair.yaml").exit_code == 0
    return run


def edit(tmp_path: Path, change: Callable[[Data], None]) -> None:
    """Change the baseline file by hand."""
    path = tmp_path / "results" / "pair" / "cost_baseline.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def one_less(figures: list[int], at: int) -> None:
    figures[at] -= 1


def lower_macs_by_one(data: Data) -> None:
    one_less(data["variants"][DNL]["work"]["context"]["convolution"], 1)


def refuse(guard: Guard, *arguments: str) -> str:
    """The words with which the command refuses."""
    done = guard(*arguments)
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


def found(guard: Guard, *arguments: str) -> tuple[int, dict[str, Data]]:
    """Exit code, and the variants of the JSON report by name."""
    done = guard("--cost", "--format", "json", *arguments)
    (space,) = json.loads(done.stdout)["spaces"]
    return done.exit_code, {variant["variant"]: variant for variant in space["variants"]}


def test_nothing_changed(guard: Guard) -> None:
    done = guard("--cost")
    assert done.exit_code == 0
    assert "2 variants compared" in done.stdout
    assert "2 the same" in done.stdout


def test_one_multiply_add_more_stops_and_is_named(guard: Guard, tmp_path: Path) -> None:
    edit(tmp_path, lower_macs_by_one)
    code, variants = found(guard)
    assert code == 1
    assert {name: variant["state"] for name, variant in variants.items()} == {DNL: "grew", PLAIN: "same"}
    (change,) = variants[DNL]["changes"]
    assert (change["metric"], change["now"] - change["before"]) == ("macs", 1)
    table = guard("--cost").stdout
    for words in (DNL, "context", "convolution", "+1", f"{change['before']:,}", f"{change['now']:,}"):
        assert words in table
    assert "+0.00" not in table


@pytest.mark.parametrize(
    ("metric", "change"),
    [
        ("parameters", lambda v: one_less(v["weights"]["context"]["convolution"], 0)),
        ("activations", lambda v: one_less(v["work"]["fusion"]["cat"], 3)),
        ("peak_bytes", lambda v: v["peak"].__setitem__(0, v["peak"][0] - 4)),
    ],
)
def test_every_figure_is_guarded(guard: Guard, tmp_path: Path, metric: str, change: Callable[[Data], None]) -> None:
    edit(tmp_path, lambda data: change(data["variants"][DNL]))
    code, variants = found(guard)
    assert code == 1
    assert [change["metric"] for change in variants[DNL]["changes"]] == [metric]


def test_a_change_of_the_network_stops(guard: Guard, tmp_path: Path) -> None:
    """The baseline's figures of the smaller network under the name of the larger one."""

    def swap(data: Data) -> None:
        data["variants"][DNL] = data["variants"][PLAIN]

    edit(tmp_path, swap)
    code, variants = found(guard)
    assert code == 1
    assert {"macs", "parameters"} <= {change["metric"] for change in variants[DNL]["changes"]}
    parameters = next(change for change in variants[DNL]["changes"] if change["metric"] == "parameters")
    places = {(place["part"], place["operator"]) for place in parameters["places"]}
    assert {("fusion", "convolution"), ("context", "convolution"), ("context", "native_batch_norm")} <= places


def test_a_fall_passes_and_is_accepted(guard: Guard, tmp_path: Path) -> None:
    def raise_macs(data: Data) -> None:
        data["variants"][DNL]["work"]["context"]["convolution"][1] += 1000

    edit(tmp_path, raise_macs)
    done = guard("--cost")
    assert done.exit_code == 0
    assert "fell" in done.stdout
    assert "--accept" in done.stderr
    accepted = guard("--accept")
    assert accepted.exit_code == 0
    assert "-1,000" in accepted.stdout
    assert "2 the same" in guard("--cost").stdout


def test_an_accepted_growth_is_said(guard: Guard, tmp_path: Path) -> None:
    edit(tmp_path, lower_macs_by_one)
    done = guard("--accept", "pair.yaml")
    assert done.exit_code == 0
    assert "+1" in done.stdout
    assert guard("--cost").exit_code == 0


def test_growth_up_to_the_allowed_passes(guard: Guard, tmp_path: Path) -> None:
    def take_a_fifth(data: Data) -> None:
        work = data["variants"][PLAIN]["work"]
        whole = sum(values[1] for operators in work.values() for values in operators.values())
        work["backbone"]["convolution"][1] -= whole // 5

    edit(tmp_path, take_a_fifth)
    assert guard("--cost").exit_code == 1
    assert guard("--cost", "--allow", "24.9").exit_code == 1
    done = guard("--cost", "--allow", "25.1")
    assert done.exit_code == 0
    assert "within" in done.stdout
    assert guard("--cost", "--allow", "macs=25.1").exit_code == 0
    assert guard("--cost", "--allow", "parameters=50").exit_code == 1
    assert guard("--cost", "--allow", "50", "--allow", "macs=1").exit_code == 1


@pytest.mark.parametrize("text", ["banana", "-1", "nan", "speed=1", "macs="])
def test_a_bad_allowance_is_refused(guard: Guard, text: str) -> None:
    assert guard("--cost", "--allow", text).exit_code == 2


def test_allowing_and_accepting_at_once_is_refused(guard: Guard) -> None:
    assert "--accept" in refuse(guard, "--accept", "--allow", "1")


def test_a_variant_that_can_no_longer_be_built_stops(guard: Guard, tmp_path: Path) -> None:
    edit(tmp_path, lambda data: data["variants"].update({GONE: data["variants"][PLAIN]}))
    code, variants = found(guard)
    assert code == 1
    assert variants[GONE]["state"] == "uncountable"
    assert "gone_net" in variants[GONE]["reason"]


def test_what_was_never_counted_is_not_new(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}, {GONE}"))
    code, variants = found(guard, "pair.yaml")
    assert code == 1
    assert (variants[GONE]["state"], variants[PLAIN]["state"]) == ("uncountable", "same")
    assert "gone_net" in variants[GONE]["reason"]
    words = guard("--cost", "pair.yaml").output
    assert "1 cannot be counted; 2 variants compared" in words
    assert "no longer" not in words
    assert "--accept" not in words


def test_accepting_keeps_what_cannot_be_counted_until_it_leaves_the_space(guard: Guard, tmp_path: Path) -> None:
    edit(tmp_path, lambda data: data["variants"].update({GONE: data["variants"][PLAIN]}))
    baseline = tmp_path / "results" / "pair" / "cost_baseline.json"
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}, {GONE}"))
    for arguments in (["--accept"], ["--accept", "pair.yaml"]):
        done = guard(*arguments)
        assert done.exit_code == 1
        assert f"stay in the baseline for what cannot be counted: {GONE}" in done.stdout
        assert set(json.loads(baseline.read_text())["variants"]) == {PLAIN, DNL, GONE}
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}"))
    code, variants = found(guard, "pair.yaml")
    assert (code, variants[GONE]["in_space"]) == (1, False)
    assert re.search("left the space .*`bench guard --accept pair.yaml.*` drops them", guard("pair.yaml").stderr)
    assert guard("--accept", "pair.yaml").exit_code == 0
    assert set(json.loads(baseline.read_text())["variants"]) == {PLAIN, DNL}


@pytest.mark.slow
def test_broken_code_stops_also_after_accepting(guard: Guard, tmp_path: Path) -> None:
    """A copy of this project whose block raises an error, beside the baseline of the sound one."""
    for package in ("bench", "variants"):
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    block = tmp_path / "variants" / "context" / "dnl.py"
    block.write_text(block.read_text().replace("unary =", "unary = no_such_name +"))

    accepted, after = run_commands(
        ("guard", "--accept", "pair.yaml"),
        ("guard", "--cost", "pair.yaml", "--write", "json=guard.json"),
        cwd=tmp_path,
        environment={"PYTHONPATH": str(tmp_path)},
    )
    assert accepted.returncode == 1
    assert after.returncode == 1, after.stdout
    assert "NameError: name 'no_such_name' is not defined" in after.stdout
    assert "mend the variants that cannot be counted" in after.stderr
    assert "--accept" not in after.stderr
    (space,) = json.loads((tmp_path / "guard.json").read_text())["spaces"]
    assert [(v["variant"], v["state"]) for v in space["variants"]] == [(DNL, "uncountable"), (PLAIN, "same")]
    assert guard("--cost", "pair.yaml").exit_code == 0, "mended"


def test_a_space_of_broken_variants_alone_is_no_missing_baseline(guard: Guard, tmp_path: Path) -> None:
    def all_gone(data: Data) -> None:
        data["variants"] = {GONE: data["variants"][PLAIN]}

    edit(tmp_path, all_gone)
    done = guard("--cost", "--format", "junit")
    assert done.exit_code == 1
    assert "--accept" not in done.output
    assert ElementTree.fromstring(done.stdout).get("errors") == "0"


def test_every_format_says_the_notes(guard: Guard) -> None:
    for form in FORMATS:
        assert "file pair.yaml is not here" in guard("--cost", "--format", form).stdout.replace("\\_", "_"), form


def test_a_new_variant_is_reported_and_accepted(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}, lcnet_050+fpn8-head8"))
    code, variants = found(guard, "pair.yaml")
    assert code == 0
    assert variants["lcnet_050+fpn8-head8"]["state"] == "new"
    guard("--accept", "pair.yaml")
    assert "3 the same" in guard("--cost").stdout


def test_nothing_compared_is_no_pass(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["guard", "--cost", "--results", str(tmp_path)])
    assert done.exit_code == 3
    assert "bench guard --accept SPACE" in done.stderr


def test_an_empty_baseline_is_no_pass(guard: Guard, tmp_path: Path) -> None:
    edit(tmp_path, lambda data: data["variants"].clear())
    assert guard("--cost").exit_code == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.update(schema_version=99), "schema version 99"),
        (lambda data: data.update(method=1), "bench guard --accept"),
        (lambda data: data.pop("size"), "'size' is missing"),
        (lambda data: data["variants"][PLAIN]["peak"].__setitem__(0, -1), "no whole number"),
    ],
)
def test_a_baseline_that_cannot_be_compared_is_refused(
    guard: Guard, tmp_path: Path, change: Callable[[Data], None], words: str
) -> None:
    edit(tmp_path, change)
    assert words in refuse(guard, "--cost")


def test_a_broken_baseline_is_refused_with_its_line(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "results" / "pair" / "cost_baseline.json").write_text("{\n <<<<<<< ours\n")
    assert "cost_baseline.json:2" in refuse(guard, "--cost")


def test_an_operator_that_hides_its_cost_stops() -> None:
    def cost(unknown: dict[str, int]) -> Cost:
        return Cost(
            work={"context": {"fft": Work(calls=1, macs=0, rest=0, written=8)}},
            weights={"context": {"fft": Weights(parameters=1)}},
            peak=Peak(8, "context", "fft"),
            unknown=unknown,
        )

    allowed = dict.fromkeys(("macs", "parameters", "activations", "peak_bytes"), Fraction(0))
    variant = guard_variant("v", cost({}), cost({"fft": 1}), allowed)
    assert variant.fails
    (hidden,) = variant.hidden
    assert (hidden.part, hidden.operator) == ("context", "fft")
    assert not guard_variant("v", cost({"fft": 1}), cost({"fft": 1}), allowed).fails


def test_all_formats_say_the_same(guard: Guard, tmp_path: Path) -> None:
    edit(tmp_path, lower_macs_by_one)
    files = {form: tmp_path / f"guard.{form}" for form in FORMATS}
    done = guard("--cost", *(word for form, path in files.items() for word in ("--write", f"{form}={path}")))
    assert done.exit_code == 1
    texts = {form: path.read_text() for form, path in files.items()}
    assert all(DNL in text and "context" in text for text in texts.values())
    suite = ElementTree.fromstring(texts["junit"]).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failed = [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
    assert failed == [DNL]
    assert json.loads(texts["json"])["failed"] is True
    assert re.search(r"^::error title=[^:]*" + re.escape(DNL) + r".*::", texts["github"], re.MULTILINE)
    assert all(line.startswith("::") for line in texts["github"].splitlines())
    assert "%0A" in texts["github"]
    assert texts["markdown"].startswith("## Cost guard failed")
    assert all(line.count("|") == 9 for line in texts["markdown"].splitlines() if line.startswith("| `"))


def test_a_file_that_cannot_be_written_is_refused_before_work(guard: Guard, tmp_path: Path) -> None:
    done = guard("--cost", "--write", f"junit={tmp_path}/no/guard.xml")
    assert done.exit_code == 2
    assert "counted" not in done.stderr


def test_the_command_in_a_process(run_bench: RunBench, tmp_path: Path) -> None:
    (tmp_path / "pair.yaml").write_text(SPACE.format(f"{PLAIN}, {DNL}"))
    assert run_bench("guard", "--cost").returncode == 3
    assert run_bench("guard", "--accept", "pair.yaml").returncode == 0
    assert run_bench("guard", "--cost").returncode == 0
    edit(tmp_path, lower_macs_by_one)
    done = run_bench("guard", "--cost", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"] is True
    assert "Traceback" not in done.stderr


def test_the_committed_baseline_holds(tmp_path: Path) -> None:
    """Every family, block, network and preset costs what was committed."""
    arguments = ["audit", "--cost", "--results", str(PROJECT / "results"), "--workers", "2", "--format", "json"]
    done = CliRunner().invoke(cli, ["guard", *arguments])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["compared"] > 60
    names = {variant["variant"] for variant in report["spaces"][0]["variants"]}
    assert all(any(name.startswith(family) for name in names) for family in FAMILIES)
