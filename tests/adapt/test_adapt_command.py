"""`bench adapt` on a folder as people have them: from images to a report, on after a stop, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_model

from bench.adapt.torch_threads import torch_threads
from tests.conftest import RunBench
from variants.names import parse_name
from variants.network import build

SPEC = "lcnet_050+fpn8-head8"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Beside other tests on the same cores two threads wait for each other."""
    with torch_threads(1):
        yield


@pytest.fixture
def messy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten sizes, grey pictures, spaces and Japanese in names, an EXIF turn, a class that never occurs."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "my images"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    rows = ["image,split"]
    random = np.random.default_rng(0)
    for number in range(16):
        width, height = 64 + 4 * (number % 5), 48 + 4 * (number % 2)
        name = f"夜 photo {number}"
        labels = np.zeros((height, width), np.uint8)
        labels[:, : int(random.integers(16, 48))] = 1
        grey = np.where(labels == 1, 200, 60) + random.integers(-20, 20, labels.shape)
        picture = Image.fromarray(grey.astype(np.uint8))
        if number % 3:
            picture = picture.convert("RGB")
        if number == 4:
            exif = Image.Exif()
            exif[0x0112] = 3  # turned by 180 degrees
            picture.rotate(180).save(root / "images" / f"{name}.png", exif=exif)
        else:
            picture.save(root / "images" / f"{name}.png")
        Image.fromarray(labels).save(root / "masks" / f"{name}.png")
        rows.append(f"{name}.png,{'train' if number < 10 else 'val' if number < 13 else 'test'}")
    (root / "split.csv").write_text("\n".join(rows), encoding="utf-8")
    (root / "classes.yaml").write_text("classes: [dark, bright, unicorn]\n")
    torch.manual_seed(0)
    save_model(build(parse_name(SPEC), 3), str(tmp_path / "net.safetensors"))
    return root


def adapt(run_bench: RunBench, root: Path, *more: str) -> Any:
    start = ("--root", str(root), "--from", "net.safetensors", "--workers", "1", "--updates", "10")
    return run_bench("adapt", SPEC, *start, *more)


def records(folder: Path, group: str = "adaptation") -> list[dict[str, Any]]:
    """Of a group; of all where it is empty."""
    files = folder.glob("results/adapt/*/*.jsonl")
    every = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    return [record for record in every if group in ("", record["group"])]


@pytest.mark.slow
def test_from_a_messy_folder_to_a_report_and_on_after_a_stop(run_bench: RunBench, messy: Path) -> None:
    asked = ("--labels", "4,all,99", "--seeds", "2", "--arms", "full,frozen,semi", "--steps", "batchnorm,resize-1.5")
    done = adapt(run_bench, messy, *asked)
    assert done.returncode == 0, done.stderr
    assert "left out: 99 labels: the training split holds 10 images" in done.stderr
    assert "left out: the mean teacher with all labels" in done.stderr
    assert "to train: 10 of 10, 10 updates each" in done.stderr
    measured = records(messy.parent)
    assert len(measured) == 10 + 2 * 4  # steps are judged on the first arm
    assert {record["status"] for record in measured} == {"ok"}
    for seed in (0, 1):
        labelled = {r["setting"]["labels"]: r["details"]["labelled"] for r in measured if r["setting"]["seed"] == seed}
        few, every = labelled[4], labelled[10]
        assert few == every[:4]  # nested
        assert sorted(every) == list(range(10))
    assert list((messy.parent / "reports").rglob("README.md"))

    path = next((messy.parent / "results" / "adapt").glob("*/*.jsonl"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-3]) + lines[-3][:50], encoding="utf-8")  # a kill in the middle of a line
    again = adapt(run_bench, messy, *asked)
    assert again.returncode == 0, again.stderr
    by_key = {record["key"]: record for record in records(messy.parent)}
    assert {key: r["metrics"] for key, r in by_key.items()} == {r["key"]: r["metrics"] for r in measured}
    assert "to train: 0 of 10" in adapt(run_bench, messy, *asked, "--dry-run").stderr


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--arms", "magic"), "--arms: 'magic' is not one of as_is, full, frozen, semi"),
        (("--steps", "blur"), "--steps: 'blur' is not one of histogram"),
        (("--labels", "1"), "--labels '1' is neither a number of images from 2 on nor 'all'"),
        (("--from", "net.safetensors"), "--from is given 2 times for 1 variants"),
        (("--recipe", "none"), "recipe 'none' is neither a file"),
        (("--data", "folders"), "folders"),
        (("--source-root", "."), "--source-root is given without --source"),
        ((SPEC,), f"{SPEC} is named twice"),
        (("--name", "../out"), "is no name of a folder"),
        (("--labels", "500", "--arms", "full"), "nothing is left to train or to judge"),
        (("--device", "cuda"), "sees no CUDA device here"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    run_bench: RunBench, messy: Path, more: tuple[str, ...], words: str
) -> None:
    done = adapt(run_bench, messy, *more)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((messy.parent / "results").rglob("*.json*"))


def test_a_broken_checkpoint_and_a_network_of_others_are_refused_before_the_first_training(
    run_bench: RunBench, messy: Path
) -> None:
    (messy.parent / "net.safetensors").write_bytes(b"garbage")
    done = adapt(run_bench, messy, "--dry-run")
    assert done.returncode == 2
    assert "is broken or not of" in done.stderr
    torch.manual_seed(0)
    other = "resnet18+smp_unet"
    save_model(build(parse_name(other), 3), str(messy.parent / "unet.safetensors"))
    start = ("--root", str(messy), "--from", "unet.safetensors", "--arms", "full,frozen")
    done = run_bench("adapt", other, *start, "--dry-run")
    assert done.returncode == 2
    assert "Leave the arm `frozen` out" in done.stderr


def test_masks_with_wrong_values_and_deep_images_are_refused_by_name(run_bench: RunBench, messy: Path) -> None:
    path = messy / "masks" / "夜 photo 2.png"
    before = path.read_bytes()
    Image.fromarray(np.full((48, 72), 7, np.uint8)).save(path)
    done = adapt(run_bench, messy)
    assert done.returncode == 2
    assert "夜 photo 2.png" in done.stderr
    assert "7" in done.stderr
    path.write_bytes(before)
    deep = messy / "images" / "夜 photo 5.png"
    Image.fromarray(np.full((52, 64), 40_000, np.uint16)).save(deep)
    done = adapt(run_bench, messy)
    assert done.returncode == 2
    assert "夜 photo 5.png" in done.stderr
    assert "has more than 8 bits a channel; save it with 8" in done.stderr


def test_a_folder_of_one_image_is_refused(run_bench: RunBench, messy: Path) -> None:
    for path in [*(messy / "images").iterdir(), *(messy / "masks").iterdir()]:
        if path.stem != "夜 photo 0":
            path.unlink()
    (messy / "split.csv").unlink()
    done = adapt(run_bench, messy)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "images" in done.stderr
