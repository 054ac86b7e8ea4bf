"""Files of strangers are data: reading them runs none of what they hold. SECURITY.md names the tests that hold it."""

import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.accuracy.checkpoint import Checkpoint
from bench.cli.common.data_options import read_data_option
from bench.errors import UserError
from bench.storage.confusions import Confusions
from bench.storage.predictions import Predictions
from bench.sweep.spacefile import load_space
from bench.yaml_file import read_yaml
from tests.conftest import PROJECT, TINY_SPACE
from variants.backbones import build_backbone
from variants.backbones.weights import read_state
from variants.errors import VariantError


class Payload:
    """An object whose pickle makes a folder when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def objects(payload: Payload) -> NDArray[Any]:
    array = np.empty(1, dtype=object)
    array[0] = payload
    return array


def read_weights(folder: Path, payload: Payload) -> None:
    torch.save({"weight": payload}, folder / "net.pth")
    read_state(folder / "net.pth")


def read_checkpoint_of_a_backbone(folder: Path, payload: Payload) -> None:
    torch.save({"state_dict": payload}, folder / "net.pth")
    build_backbone("lcnet_050@checkpoint_path=net.pth", pretrained=False, weights_dir=None)


def read_checkpoint_of_a_training(folder: Path, payload: Payload) -> None:
    torch.save({"step": payload}, folder / "key.checkpoint")
    assert Checkpoint(path=folder / "key.checkpoint").load() is None


def read_matrices(folder: Path, payload: Payload) -> None:
    path = folder / "one" / "confusions" / "key.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, val=objects(payload))
    Confusions(folder, "one").load("key", "val")


def read_pictures(folder: Path, payload: Payload) -> None:
    path = folder / "one" / "predictions" / "key.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, map0=objects(payload))
    assert Predictions(folder, "one").load("key") == []


@pytest.mark.parametrize(
    ("read", "refusal"),
    [
        (read_weights, VariantError),
        (read_checkpoint_of_a_backbone, VariantError),
        (read_checkpoint_of_a_training, None),
        (read_matrices, UserError),
        (read_pictures, None),
    ],
)
def test_no_stored_file_runs_code(
    read: Callable[[Path, Payload], None],
    refusal: type[Exception] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    payload = Payload(tmp_path / "ran")
    if refusal is None:
        read(tmp_path, payload)
    else:
        with pytest.raises(refusal):
            read(tmp_path, payload)
    assert not payload.folder.exists()
    pickle.loads(pickle.dumps(payload))
    assert payload.folder.exists(), "the file would have run it"


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    ran, path = tmp_path / "ran", tmp_path / "space.yaml"
    value = f"!!python/object/apply:os.mkdir [{ran}]"
    path.write_text(f"{TINY_SPACE}extra: {value}\n")
    for read in (lambda: read_yaml(path), lambda: load_space(str(path)), lambda: read_data_option(f"width={value}")):
        with pytest.raises(UserError):
            read()
    assert not ran.exists()


@pytest.mark.parametrize("name", ["../outside", "a/b", "/outside", ".."])
def test_a_space_cannot_name_a_folder_outside_the_results(name: str, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(TINY_SPACE.replace("name: tiny", f'name: "{name}"'))
    with pytest.raises(UserError, match="name should match pattern"):
        load_space(str(path))


def test_the_tests_that_hold_a_promise_exist() -> None:
    text = (PROJECT / "SECURITY.md").read_text()
    named = re.findall(r"`(\w+)::(\w+)`", text)
    assert len(named) == text.count("::") > 10
    for module, function in named:
        (file,) = (PROJECT / "tests").rglob(f"{module}.py")
        assert f"def {function}(" in file.read_text(), f"{module}::{function}"
