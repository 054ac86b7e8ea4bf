"""What is committed agrees with itself: README, reports/ and results/."""

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from pandas import read_csv

from bench.analysis.selection import settle
from bench.analysis.study import Study, study_of
from bench.cli import COMMANDS
from bench.cost.claims import check_claims
from bench.cost.count import count_variant
from bench.guard.self_test_rates import Decision, Rate, sum_up
from bench.render.sweep.markdown import markdown_table
from bench.render.tables import result_table
from bench.storage.results import Results
from bench.storage.store import Store
from bench.sweep.spacefile import load_space
from bench.sweep.target import read_target
from tests.conftest import PROJECT, RunBench
from variants.spec import known_axes

README = (PROJECT / "README.md").read_text()
IN_README = ["camvid", "context"]
COMMITTED = [
    *IN_README,
    "baselines",
    "camvid_best",
    "camvid_best_longer",
    "camvid_day",
    "camvid_gpu",
    "camvid_modules",
    "camvid_small",
    "contrastive",
    "contrastive_off",
    "runtimes",
]
ADAPTED = ["adapt/camvid_dusk"]


def committed_study(sweep: str) -> Study:
    return study_of(Results(PROJECT / "results").sweep(sweep))


def test_readme_names_every_command() -> None:
    for command in COMMANDS:
        assert f"bench {command}" in README


def test_readme_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (PROJECT / target).exists(), target


def test_readme_shows_every_published_number_beside_ours() -> None:
    for checked in check_claims():
        unit = "M" if checked.claim.metric == "parameters_m" else "G"
        numbers = f"{checked.claim.value:g} {unit} | {checked.computed:.2f} {unit} | {checked.difference:+.2%}"
        assert re.search(rf"^\| {checked.name} \|.*\| {re.escape(numbers)} \|", README, re.MULTILINE), numbers


def test_the_docs_name_every_axis_with_its_default() -> None:
    docs = (PROJECT / "docs" / "spaces.md").read_text()
    for name, axis in known_axes().items():
        row = re.search(rf"^\| `{name}` \|.*$", docs, re.MULTILINE)
        assert row, name
        default = list(axis.default) if isinstance(axis.default, tuple) else axis.default
        assert default is None or f"`{default}`" in row[0]
        assert axis.summary in row[0]


@pytest.mark.parametrize(
    "path", [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))], ids=lambda p: p.name
)
def test_every_space_in_the_docs_loads(path: Path, tmp_path: Path) -> None:
    for i, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)):
        text = block if "accuracy:" in block else block + "accuracy: {data: {name: streets}}\n"
        space = tmp_path / f"docs{i}.yaml"
        space.write_text(text)
        assert load_space(str(space)).specs


def test_no_record_names_a_folder_of_the_machine_that_wrote_it() -> None:
    for path in (PROJECT / "results").rglob("*.*json*"):
        assert not re.search(r"[\"' ](/\w[\w.-]*){2,}/", path.read_text()), path


FOLDERS = ("--results", str(PROJECT / "results"), "--reports")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*COMMITTED, *ADAPTED])
def test_a_report_is_fresh(run_bench: RunBench, name: str) -> None:
    """Rendering results/ again gives the committed pages and drawings."""
    done = run_bench("report", name, "--check", *FOLDERS, str(PROJECT / "reports"))
    assert done.returncode == 0, done.stdout


def test_a_page_that_says_something_else_is_found(run_bench: RunBench, tmp_path: Path) -> None:
    copy = tmp_path / "reports"
    shutil.copytree(PROJECT / "reports" / "contrastive", copy / "contrastive")
    page = copy / "contrastive" / "README.md"
    lines = page.read_text().splitlines(keepends=True)
    page.write_text("".join([*lines[:4], "| better | than | it | is |\n", *lines[5:]]))
    (copy / "contrastive" / "index.html").unlink()
    done = run_bench("report", "contrastive", "--check", *FOLDERS, str(copy))
    assert done.returncode == 1
    assert f"{page}:5 is not what the records give" in done.stdout
    assert "index.html is missing" in done.stdout
    assert "`bench report contrastive`" in done.stderr


@pytest.mark.parametrize(("moved_by", "code"), [(0.004, 0), (1.0, 1)])
def test_what_processors_round_makes_no_drawing_stale(
    run_bench: RunBench, tmp_path: Path, moved_by: float, code: int
) -> None:
    """Ends of a line in the figure, moved by less than the eye sees, and by a point."""
    shutil.copytree(PROJECT / "reports" / "contrastive", tmp_path / "reports" / "contrastive")
    figure = tmp_path / "reports" / "contrastive" / "front_macs.svg"
    text, count = re.subn(
        r"(?<=^L )\d+\.\d{3,}", lambda x: f"{float(x[0]) + moved_by:.6f}", figure.read_text(), flags=re.M
    )
    assert count
    figure.write_text(text)
    folders = ("--results", str(PROJECT / "results"), "--reports", str(tmp_path / "reports"))
    assert run_bench("report", "contrastive", "--check", *folders).returncode == code


@pytest.mark.parametrize("sweep", IN_README)
def test_readme_shows_the_committed_table(sweep: str) -> None:
    assert markdown_table(result_table(committed_study(sweep))) in README


@pytest.mark.parametrize("sweep", COMMITTED)
def test_committed_records_say_where_they_come_from(sweep: str) -> None:
    for record in Store(PROJECT / "results").read(sweep):
        assert re.fullmatch(r"[0-9a-f]{12}", record.commit), "measured from committed code"
        assert record.machine["cpu"]
        assert record.versions["torch"]


def test_camvid_results_compare_with_and_without_the_module_on_two_backbones() -> None:
    table = committed_study("camvid").table
    assert len(table) >= 8
    assert table[["miou_val", "miou_test"]].notna().all(axis=None)
    with_both = [b for b, rows in table.groupby("backbone") if rows["fused_stages"].map(len).min() == 0 < len(rows) - 1]
    assert len(with_both) >= 2


def test_distant_cue_needs_context() -> None:
    """The committed study: no local network does better on the lanes than a guess, nor does attention over channels
    alone; with every other context block some seed solves them."""
    lanes: dict[str, list[float]] = defaultdict(list)
    for record in Store(PROJECT / "results").read("context"):
        if record.group == "accuracy":
            iou = dict(zip(record.setting.classes, record.details["class_iou_test"], strict=True))
            lanes[record.spec.get("context", "none")].append((iou["open lane"] + iou["closed lane"]) / 2)
    assert len(lanes["none"]) == 6
    assert max(lanes["none"]) < 0.4  # a guess has 1/3
    assert max(lanes["channel"]) < 0.42
    for context in ("nonlocal", "dnl", "transformer", "linear", "cbam", "ppm", "aspp"):
        assert len(lanes[context]) == 3
        assert max(lanes[context]) > 0.9


def test_the_contrastive_term_in_pairs_as_the_docs_say() -> None:
    docs = (PROJECT / "docs" / "contrastive.md").read_text()
    miou: dict[tuple[str, str, int], list[float]] = {}
    for sweep in ("contrastive", "contrastive_off"):
        for r in Store(PROJECT / "results").read(sweep):
            if r.group == "accuracy":
                label = f"FRM {r.spec['context']}" if r.spec["fused_stages"] else "plain FPN"
                miou[sweep, label, r.setting.seed] = [100 * r.metrics[f"miou_{split}"] for split in ("val", "test")]
    pairs = [(label, seed) for sweep, label, seed in miou if sweep == "contrastive"]
    assert len(pairs) == 4
    for label, seed in pairs:
        without, with_term = miou["contrastive_off", label, seed], miou["contrastive", label, seed]
        cells = [f"{a:.1f} | {b:.1f} | {b - a:+.1f}" for a, b in zip(without, with_term, strict=True)]
        assert f"| {label} | {seed} | {' | '.join(cells)} |" in docs
        assert with_term[0] > without[0], "on the validation split, each pair gains"


def test_the_docs_say_what_the_self_tests_of_the_guard_came_to() -> None:
    docs = (PROJECT / "docs" / "latency.md").read_text()
    quiet, busy = (sum_up(_newest_decisions(circumstances)) for circumstances in ("quiet", "busy"))
    for rate in ("false_alarms", "false_improvements", "unclear", "detected"):
        cells = " | ".join(_rate_words(getattr(test, rate)) for test in (quiet, busy))
        assert re.search(rf"^\| [^|]+ \| {re.escape(cells)} \|$", docs, re.MULTILINE), cells
    seconds = " | ".join(f"{test.typical_seconds:.1f}, {test.seconds:.1f}" for test in (quiet, busy))
    assert f" | {seconds} |" in docs
    assert quiet.is_enough
    assert quiet.holds
    assert busy.is_enough
    assert busy.holds


def _newest_decisions(circumstances: str) -> list[Decision]:
    """Those of the version of the guard that decided last."""
    (path,) = (PROJECT / "results" / "guard").glob(f"*-{circumstances}.ndjson")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [Decision(**line["decision"]) for line in lines if line["key"] == lines[-1]["key"]]


def _rate_words(rate: Rate) -> str:
    low, high = (f"{100 * bound:.1f}".removesuffix(".0") for bound in rate.interval)
    return f"{rate.hits} of {rate.of} ({low} to {high} %)"


def test_a_light_network_costs_a_sweep_few_seconds_of_latency() -> None:
    """At 1024x512, all processes of a setting together; torch.compile is left out, which compiles for a minute."""
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for record in settle(Store(PROJECT / "results").read("runtimes")).values():
        if record.group == "latency" and record.status == "ok" and record.setting.runtime != "compile":
            assert record.setting.size == (1024, 512)
            seconds[record.variant, record.setting.runtime] += record.seconds
    assert len(seconds) == 6 * 3 - 1, "OpenVINO gives other logits for one of them"
    assert max(seconds.values()) < 10


@pytest.mark.slow
def test_the_committed_costs_of_the_camvid_space_are_todays() -> None:
    target = read_target("camvid")
    rows = {row["variant"]: row for row in read_csv(PROJECT / "reports" / "camvid" / "costs.csv").to_dict("records")}
    assert set(rows) == {spec.name for spec in target.specs}
    for spec in target.specs:
        figures = count_variant(spec, target.classes, *target.size).metrics()
        assert {key: rows[spec.name][key] for key in figures} == figures
