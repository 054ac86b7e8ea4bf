"""Commands as a user calls them: output, exit codes, and errors without a traceback."""

import json
from pathlib import Path

import pytest

from bench.cli import COMMANDS
from bench.storage.store import Store
from tests.conftest import RunBench
from tests.factories import measured

SPEC = "lcnet_050+frm34-dnl-w16+fpn16-head8"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run_bench: RunBench, command: str) -> None:
    done = run_bench(command, "-h")
    assert done.returncode == 0
    assert f"bench {command}" in done.stdout


def test_cost_prints_both_conventions_and_json(run_bench: RunBench) -> None:
    done = run_bench("cost", SPEC, "--size", "256x128")
    assert done.returncode == 0, done.stderr
    assert "GMACs" in done.stdout
    assert "GFLOPs at 2 per MAC" in done.stdout
    data = json.loads(run_bench("cost", SPEC, "--size", "256x128", "--json").stdout)
    assert data["macs"] > 0
    assert data["unknown_operators"] == {}


def test_list_shows_all_kinds(run_bench: RunBench) -> None:
    data = json.loads(run_bench("list", "--json").stdout)
    assert {"none", "nonlocal", "dnl", "transformer"} <= set(data["contexts"])
    assert {"quick", "camvid"} <= set(data["spaces"])
    assert {"streets", "camvid"} <= set(data["datasets"])
    assert len(data["backbones"]) > 8
    assert {"BACKBONE+smp_unet", "bisenetv2", "ddrnet23_slim"} <= set(data["networks"])
    assert {"frm-van-b0", "frm-van-b1"} <= set(data["presets"])
    assert {"target_stride", "temperature", "head"} <= set(data["axes"])
    assert "12 combinations, 3 dropped" in data["spaces"]["quick"]
    matches = run_bench("list", "backbones", "--match", "pvt_v2_b0").stdout
    assert "fits" in matches


def test_show_filters_and_prints_whole_records(run_bench: RunBench, tmp_path: Path) -> None:
    for record in measured("a", 0.5, 1e9, 10) + measured("b", 0.6, 2e9, 20):
        Store(tmp_path / "results").append("s", record)
    done = run_bench("show", "a+", "--group", "accuracy")
    assert done.stdout.count("\n") == 1
    assert "mIoU val 50.0 %" in done.stdout
    assert "1 records in results" in done.stderr
    lines = run_bench("show", "--json").stdout.splitlines()
    assert len(lines) == 6
    assert json.loads(lines[0])["machine"]["cpu"] == "Test CPU"


def test_report_renders_from_results_alone(run_bench: RunBench, tmp_path: Path) -> None:
    store, records = Store(tmp_path / "results"), measured("a", 0.5, 1e9, 10)
    store.write_plan("s", [record.key for record in records])
    for record in records:
        store.append("s", record)
    done = run_bench("report")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / "s" / "index.html").is_file()


def test_doctor_answers_every_question(run_bench: RunBench) -> None:
    done = run_bench("doctor", "--json")
    assert done.returncode == 0, done.stdout
    findings = {f["what"]: f for f in json.loads(done.stdout)}
    assert {"torch", "timm", "fvcore", "ptflops", "CPU", "GPU", "disk", "commit", "load"} <= set(findings)


def test_doctor_fails_on_a_broken_data_root(run_bench: RunBench, tmp_path: Path) -> None:
    done = run_bench("doctor", "--data-root", str(tmp_path), "--weights-dir", str(tmp_path))
    assert done.returncode == 1
    assert "has no folder train/" in done.stdout
    assert "holds no weights file" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["swep"], "Did you mean 'sweep'"),
        (["cost", "resnet18"], "does not read as BACKBONE"),
        (["cost", "resnet81+fpn64-head32"], "Did you mean"),
        (["cost", SPEC, "--size", "12"], "is not WIDTHxHEIGHT"),
        (["sweep", "quikc"], "Did you mean 'quick'"),
        (["sweep", "camvid"], "needs --data-root"),
        (["sweep", "camvid", "--data-root", "."], "has no folder train/"),
        (["report"], "holds no records. Run `bench sweep`"),
        (["report", "nothing"], "holds no records of 'nothing'"),
        (["show", "--sweep", "nothing"], "no folder results here"),
        (["data", "check", "folder", "--data-root", "a" * 300], "is too long for a path"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(run_bench: RunBench, arguments: list[str], words: str) -> None:
    done = run_bench(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_hub_without_network_names_the_offline_way(
    run_bench: RunBench, tiny_space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # as without network, but at once
    text = tiny_space.read_text().replace("epochs: 2", "epochs: 2, pretraining: imagenet")
    tiny_space.write_text(text)
    done = run_bench("sweep", tiny_space.name)
    assert done.returncode == 2
    assert "--weights-dir FOLDER" in done.stderr
    assert "Traceback" not in done.stderr
