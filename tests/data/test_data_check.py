"""`bench data check`: what a user reads before training, and the sheet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bench.cli import cli
from bench.data import open_dataset
from bench.errors import UserError
from tests.data.test_layouts import mask, noise, own

__all__ = ["own"]


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(cli, ["data", "check", *arguments])


def test_counts_sizes_and_frequencies_are_said(own: Path, tmp_path: Path) -> None:
    noise(own / "images" / "large.png", size=(32, 16))
    mask(own / "masks" / "large.png", [0, 0, 0, 255], size=(32, 16))
    sheet = tmp_path / "sheet.png"
    done = run("folder", "--root", str(own), "--sheet", str(sheet), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    splits = found["splits"].values()
    assert sum(split["images"] for split in splits) == 11
    assert sum(split["pixels"]["road"] for split in splits) == 10 * 32 + 3 * 128
    assert sum(split["void_pixels"] for split in splits) == 10 * 32 + 128
    assert sum(split["images_with"]["sky"] for split in splits) == 10
    assert sum(split["sizes"].get("32x16", 0) for split in splits) == 1
    with Image.open(sheet) as drawn:
        assert drawn.width > 1000


def test_every_bad_file_is_named_and_the_good_ones_are_drawn(own: Path, tmp_path: Path) -> None:
    bad = [own / "images" / "seq0" / "写真 0.jpg", own / "masks" / "seq1" / "写真 2.png"]
    for path in bad:
        path.write_bytes(path.read_bytes()[:40])
    mask(own / "masks" / "seq1" / "写真 3.png", [77])
    sheet = tmp_path / "sheet.png"
    done = run("folder", "--root", str(own), "--sheet", str(sheet))
    assert done.exit_code == 1
    for path in (*bad, own / "masks" / "seq1" / "写真 3.png"):
        assert str(path) in done.output
    assert "3 problems" in done.output
    assert sheet.is_file()


def test_a_single_problem_is_one(own: Path) -> None:
    mask(own / "masks" / "seq1" / "写真 3.png", [77])
    assert "\n1 problem\n" in run("folder", "--root", str(own), "--no-sheet").output
    with pytest.raises(UserError, match=": 1 problem, so the data cannot be used: "):
        open_dataset("folder", own, {}).check()


def test_a_class_without_a_pixel_is_said(own: Path) -> None:
    text = (own / "classes.yaml").read_text().replace("sky]", "sky, boat]")
    (own / "classes.yaml").write_text(text)
    done = run("folder", "--root", str(own), "--no-sheet")
    assert done.exit_code == 0
    assert "no pixel in train: boat" in done.output


def test_a_class_may_have_brackets_in_its_name(own: Path) -> None:
    text = (own / "classes.yaml").read_text().replace("sky]", '"sky [/clear]"]')
    (own / "classes.yaml").write_text(text)
    done = run("folder", "--root", str(own), "--no-sheet")
    assert done.exit_code == 0, done.output
    assert "sky [/clear]" in done.output


def test_generated_data_are_drawn_too(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    options = ["--option", "width=96", "--option", "train=4", "--option", "val=2", "--option", "test=2"]
    done = run("streets", *options, "--sheet", str(sheet))
    assert done.exit_code == 0, done.output
    assert "closed lane" in done.output
    with Image.open(sheet) as drawn:
        assert np.asarray(drawn).std() > 10


def test_what_the_sweep_refuses_is_refused(own: Path, tmp_path: Path) -> None:
    assert isinstance(run("streets", "--option", "width=8").exception, UserError)
    assert isinstance(run("streets", "--option", "width=abc").exception, UserError)
    assert isinstance(run("folder", "--root", str(own), "--sheet", str(tmp_path / "x.foo")).exception, UserError)
