"""Matrices of every image, kept beside the records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import UserError
from bench.storage.confusions import Confusions

VAL = np.arange(2 * 9).reshape(2, 3, 3)
TEST = np.full((1, 3, 3), 2**40)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    kept = Confusions(tmp_path, "one")
    kept.save("key", {"val": VAL, "test": TEST})
    for reader in (kept, Confusions(tmp_path, "other")):  # an accuracy may come from another sweep
        assert np.array_equal(reader.load("key", "val"), VAL)  # type: ignore[arg-type]
        assert np.array_equal(reader.load("key", "test"), TEST)  # type: ignore[arg-type]
    assert kept.load("nothing", "val") is None


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    kept = Confusions(tmp_path, "one")
    kept.save("key", {"val": VAL})
    path = tmp_path / "one" / "confusions" / "key.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="is broken"):
        kept.load("key", "val")
