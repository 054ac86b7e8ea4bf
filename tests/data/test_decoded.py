"""Training splits that memory does not hold: decoded once to a disk, the same samples, and never worse off without."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.accuracy.train import train
from bench.data import decoded
from bench.data.base import OnDemand, Sample
from bench.data.decoded import FOLDER_VARIABLE, Decoded, readable_fast
from bench.data.streets import Streets
from bench.settings.schedule import Schedule
from variants.names import parse_name
from variants.network import build

STREETS = list(Streets(width=64, height=32, train=6, val=1, test=1).load("train"))
TOO_SMALL = 10
"""Bytes of memory."""


class Files:
    """Six images on a disk, and how often each was decoded."""

    def __init__(self) -> None:
        self.decodings: Counter[int] = Counter()

    def samples(self) -> OnDemand:
        return OnDemand(len(STREETS), self._decode)

    def _decode(self, index: int) -> Sample:
        self.decodings[index] += 1
        return STREETS[index]


def same(ours: Sample, theirs: Sample) -> bool:
    return np.array_equal(ours.image, theirs.image) and np.array_equal(ours.mask, theirs.mask)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "decoded"))
    return tmp_path / "decoded"


def test_what_fits_into_memory_stays_there(folder: Path) -> None:
    assert isinstance(readable_fast(Files().samples(), "a1"), list)
    assert not folder.exists()


def test_without_a_folder_images_are_decoded_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    samples = Files().samples()
    assert readable_fast(samples, "a1", at_most=TOO_SMALL) is samples


def test_where_the_user_names_a_folder_other_files_are_other_images(folder: Path) -> None:
    for fingerprint in ("a1", "b2"):
        samples = readable_fast(Files().samples(), fingerprint, at_most=TOO_SMALL)
        assert all(map(same, samples, STREETS))
        assert len(list(folder.glob(f"{fingerprint}-*/*.npy"))) == len(STREETS)
    assert not list(folder.rglob("*.new"))


def test_each_image_is_decoded_once_for_all_runs(tmp_path: Path) -> None:
    files = Files()
    for _ in range(3):
        assert all(map(same, Decoded(files.samples(), tmp_path), STREETS))
    assert list(files.decodings.values()) == [1] * len(STREETS)


def test_a_file_that_was_cut_off_is_decoded_again(tmp_path: Path) -> None:
    files = Files()
    list(Decoded(files.samples(), tmp_path))
    first, second = sorted(tmp_path.glob("*.npy"))[:2]
    first.write_bytes(first.read_bytes()[:500])
    second.write_bytes(b"")
    (tmp_path / "2.npy.0badc0de.new").write_bytes(b"of a writer that was killed")
    for _ in range(2):
        assert all(map(same, Decoded(files.samples(), tmp_path), STREETS))
        assert list(files.decodings.values()) == [2, 2, 1, 1, 1, 1]
    assert not list(tmp_path.glob("*.new"))


def test_a_disk_without_room_or_rights_only_costs_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write_text("no folder")
    assert all(map(same, readable_fast(Files().samples(), "a1", at_most=TOO_SMALL), STREETS))
    folder.unlink()
    monkeypatch.setattr(decoded, "_ROOM_LEFT", shutil.disk_usage(folder.parent).total)
    assert all(map(same, readable_fast(Files().samples(), "a1", at_most=TOO_SMALL), STREETS))
    assert not list(folder.rglob("*.npy"))


def test_a_training_comes_to_the_same_weights(tmp_path: Path) -> None:
    def weights(samples: Decoded | list[Sample]) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        net = build(parse_name("lcnet_050+fpn8-head8"), 9, False, None)
        train(net, samples, 9, Schedule(epochs=2, batch_size=2, crop=(32, 32), scale=(0.5, 1.5)), seed=0)
        return dict(net.state_dict())

    ours, theirs = weights(Decoded(Files().samples(), tmp_path)), weights(STREETS)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
