"""No committed number, key or setting changes unseen: results/ and the code of the variants against tests/golden/."""

import ast
import json
import shutil
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.errors import UserError
from bench.storage.records import make_key
from tests.conftest import PROJECT
from tests.golden.__main__ import main
from tests.golden.code import (
    PACKAGES,
    code_of,
    fingerprint_with,
    golden_versions,
    other_versions,
    spec_from,
    sweeps_built_by,
)
from tests.golden.figures import figures_of
from tests.golden.files import Difference, Golden, Lines, canonical, differences, digest, read_golden, write_golden
from tests.golden.keys import entries, key_again
from variants import fingerprint
from variants.spec import make_spec

KINDS = (
    "records",
    "settings",
    "specs",
    "versions",
    "plans",
    "confusions",
    "cost_baselines",
    "guard",
    "hardware",
)
"""The golden files that follow from results/."""
ADD = "python -m tests.golden --write"


@pytest.fixture(scope="module")
def golden() -> Golden:
    return read_golden()


@pytest.fixture(scope="module")
def found(golden: Golden) -> list[Difference]:
    figures = {name: lines for name, lines in golden.items() if name.partition("/")[0] in KINDS}
    return differences(figures, figures_of(PROJECT / "results"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_committed_is_what_it_was(found: list[Difference], kind: str) -> None:
    here = [difference for difference in found if difference.kind == kind]
    assert not here, told(here)


def told(found: list[Difference]) -> str:
    lines = [str(difference) for difference in found[:20]]
    more = [f"and {len(found) - 20} more"] if len(found) > 20 else []
    is_new = all(difference.is_new for difference in found)
    advice = f"Add what is new: {ADD}" if is_new else f"Committed figures changed. If that is meant: {ADD}"
    return "\n".join([*lines, *more, advice])


def test_every_key_follows_from_the_stored_spec_setting_and_code(golden: Golden) -> None:
    records = list(entries(golden))
    assert {entry.key for entry in records} == golden["keys"].keys()
    for entry in records:
        assert key_again(entry, golden, **json.loads(golden["keys"][entry.key])) == entry.key, (
            f"{entry.file} {entry.name}"
        )


@pytest.mark.parametrize("shared", ["settings", "specs", "versions"])
def test_what_records_share_is_whole_and_canonical(golden: Golden, shared: str) -> None:
    for key, text in golden[shared].items():
        assert (digest(text), canonical(json.loads(text))) == (key, text)


def test_the_code_of_the_committed_variants_is_what_it_was(golden: Golden) -> None:
    """Comments and docstrings do not count; packages are another test's."""
    assert not (changed := changed_modules(golden)), "\n".join(changed)


def changed_modules(golden: Golden) -> list[str]:
    was, now = (
        {m: text for m, text in code.items() if m not in PACKAGES} for code in (golden["code"], code_now(golden))
    )
    return [
        f"{difference}. Keys that sweeps would no longer give: {sweeps_built_by(difference.key, golden)}. "
        f"If that is meant: {ADD} --replace code --replace fingerprints"
        for difference in differences({"code": was}, {"code": now})
    ]


def code_now(golden: Golden) -> Lines:
    return code_of(golden["specs"])["code"]


def test_specs_and_their_fingerprints_are_what_they_were(golden: Golden) -> None:
    for key, text in golden["specs"].items():
        spec, stored = spec_from(text), json.loads(text)
        assert (spec.to_json(), spec.content_hash) == (stored["axes"], stored["hash"])
        assert canonical(fingerprint_with(spec, golden_versions(golden))) == golden["fingerprints"][key], (
            f"{spec.name}: other code"
        )


def test_fingerprints_here_are_the_golden_ones(golden: Golden) -> None:
    """Those that a sweep would put into keys, with the packages of this environment."""
    if others := other_versions(golden):
        no_loss = "No number is lost: fingerprints follow these versions. Install those of constraints.txt to compare."
        pytest.fail("\n".join([*others, no_loss]))
    assert code_of(golden["specs"])["fingerprints"] == golden["fingerprints"]


def test_another_version_of_a_package_is_reported_as_one(golden: Golden) -> None:
    other = golden | {"code": golden["code"] | {"timm": '"0.9.0"'}}
    line = f"timm {version('timm')} is installed; the golden files hold fingerprints of timm 0.9.0"
    assert line in other_versions(other)


def test_an_edited_network_is_named_with_the_sweeps_that_it_changes(
    golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = fingerprint._tree

    def edited(module: str) -> ast.Module:
        found = tree(module)
        if module == "variants.context.cbam":
            found.body += ast.parse("REDUCTION = 4").body
        return found

    monkeypatch.setattr(fingerprint, "_tree", edited)
    fingerprint._code.cache_clear()
    try:
        changed = changed_modules(golden | {"keys": keys_of_todays_code(golden)})
    finally:
        fingerprint._code.cache_clear()
    (line,) = [line for line in changed if "variants.context.cbam" in line]
    assert f"{dict(sorted(keys_of_block('cbam', golden).items()))}" in line


def keys_of_todays_code(golden: Golden) -> Lines:
    return {e.key: f'{{"code": {golden["fingerprints"][e.facts["spec"]]}}}' for e in entries(golden)}


def keys_of_block(block: str, golden: Golden) -> Counter[str]:
    specs = {key for key, text in golden["specs"].items() if json.loads(text)["axes"].get("context") == block}
    return Counter(sweep for sweep, _ in {(e.sweep, e.key) for e in entries(golden) if e.facts["spec"] in specs})


SWEEP = "contrastive"
MACHINE = "intel-r-xeon-r-processor-2-cores-abf72d"
RECORDS = f"records/{SWEEP}/{MACHINE}"
Lists = list[dict[str, Any]]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of a small sweep."""
    shutil.copytree(PROJECT / "results" / SWEEP, tmp_path / "results" / SWEEP)
    return tmp_path / "results"


def rewrite(results: Path, edit: Callable[[Lists], object]) -> None:
    path = results / SWEEP / f"{MACHINE}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    edit(records)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def training(records: Lists) -> dict[str, Any]:
    return next(record for record in records if record["group"] == "accuracy")


def rename_a_setting(records: Lists) -> None:
    setting = training(records)["setting"]
    setting["weights_hash"] = setting.pop("weights")


@pytest.mark.parametrize(
    ("edit", "seen"),
    [
        (lambda r: training(r)["metrics"].update(miou_val=training(r)["metrics"]["miou_val"] + 1e-4), "miou_val"),
        (lambda r: training(r)["metrics"].update(miou=0.5), "metrics.miou 0.5 is new"),
        (lambda r: training(r)["metrics"].pop("miou_test_low"), "miou_test_low"),
        (lambda r: training(r)["details"]["class_iou_val"].reverse(), "details"),
        (lambda r: training(r).update(variant="other"), 'variant "'),
        (lambda r: training(r).update(status="failed"), 'status "ok" -> "failed"'),
        (lambda r: training(r)["setting"].update(seed=7), "seed 0 -> 7"),
        (lambda r: training(r)["spec"].update(decoder_width=65), "spec.axes.decoder_width 64 -> 65"),
        (lambda r: training(r).update(started="2026-01-01T00:00:00+00:00"), "origin "),
        (lambda r: training(r)["setting"]["schedule"].update(epochs=17), "setting.schedule.epochs"),
        (lambda r: r.pop(), "is lost"),
        (lambda r: r.append(r[0]), "is there twice"),
        (lambda r: r.append(r[0] | {"seconds": 1.0}), "has no golden entry"),
    ],
)
def test_a_changed_lost_or_doubled_record_is_seen(results: Path, edit: Callable[[Lists], object], seen: str) -> None:
    before = figures_of(results)
    rewrite(results, lambda records: None)
    assert not differences(before, figures_of(results))
    rewrite(results, edit)
    (of_records,) = [d for d in differences(before, figures_of(results)) if d.kind == "records"]
    assert seen in str(of_records)


@pytest.mark.parametrize("edit", [rename_a_setting, lambda records: training(records).update(group="cost")])
def test_a_setting_of_another_form_is_refused(results: Path, edit: Callable[[Lists], object]) -> None:
    rewrite(results, edit)
    with pytest.raises(UserError, match=rf"{MACHINE}.jsonl:\d+: not a record: setting"):
        figures_of(results)


def test_a_changed_plan_and_a_changed_matrix_are_seen(results: Path) -> None:
    before = figures_of(results)
    plan = results / SWEEP / "plan.json"
    keys = json.loads(plan.read_text())
    plan.write_text(json.dumps(keys | {"keys": keys["keys"][::-1]}))
    path = min((results / SWEEP / "confusions").iterdir())
    with np.load(path) as file:
        matrices = dict(file)
    matrices["val"][0, 0, 0] += 1
    np.savez(path, **matrices)
    assert {d.kind for d in differences(before, figures_of(results))} == {"plans", "confusions"}


@pytest.fixture
def run(results: Path, tmp_path: Path) -> Callable[..., int]:
    """Run the command on the copy; its exit code. What the keys of the copy are made of is known."""
    folders = ("--results", str(results), "--golden", str(tmp_path / "golden"))
    write_golden({"keys": read_golden()["keys"]}, tmp_path / "golden")

    def run(*options: str) -> int:
        return CliRunner().invoke(main, [*options, *folders]).exit_code

    assert run("--write") == 0
    assert run() == 0
    return run


def test_the_command_adds_a_new_record_and_leaves_the_old_entries(
    results: Path, run: Callable[..., int], tmp_path: Path
) -> None:
    before = read_golden(tmp_path / "golden")
    key = ""

    def add_a_seed(records: Lists) -> None:
        nonlocal key
        new = json.loads(json.dumps(training(records)))
        new["setting"]["seed"] = 7
        code = fingerprint.code_fingerprint(make_spec(**new["spec"]))
        key = new["key"] = make_key(group="accuracy", spec=new["spec"], code=code, setting=new["setting"])
        records.append(new)

    rewrite(results, add_a_seed)
    assert run() == 1, "a record without a golden entry"
    assert read_golden(tmp_path / "golden") == before
    assert run("--write") == 0
    after = read_golden(tmp_path / "golden")
    assert all(before[name].items() <= after[name].items() for name in before)
    assert after[RECORDS].keys() - before[RECORDS].keys() == {key}
    assert run() == 0


def test_the_command_changes_an_entry_only_where_it_is_told_to(
    results: Path, run: Callable[..., int], tmp_path: Path
) -> None:
    before = read_golden(tmp_path / "golden")
    rewrite(results, lambda records: training(records)["metrics"].update(miou_val=0.5))
    assert run("--write") == 1
    assert run("--write", "--replace", "plans") == 1
    assert read_golden(tmp_path / "golden") == before
    assert run("--write", "--replace", "records") == 0
    assert run() == 0


@pytest.mark.parametrize(
    "edit", [lambda r: r.append(r[0]), lambda r: r.append(r[0] | {"key": "0" * 16})], ids=["twice", "another key"]
)
def test_the_command_takes_no_copy_and_no_key_that_follows_from_nothing(
    results: Path, run: Callable[..., int], edit: Callable[[Lists], object]
) -> None:
    rewrite(results, edit)
    assert run("--write", "--replace", "records") == 1
