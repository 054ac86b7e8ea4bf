"""A training whose loss is no number: a record that says so, and the other variants are measured."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.conftest import RunBench
from tests.sweeps import stored

SOUND, BROKEN = "mobilenetv3_small_050", "lcnet_050"
SPACE = f"""\
axes: {{backbone: [{SOUND}, {BROKEN}], fused_stages: [[]], decoder_width: [8], head_width: [8]}}
cost: {{size: [64, 64]}}
latency: {{size: [64, 64], devices: [cpu], samples: 5, restarts: 1}}
accuracy:
  data: {{name: streets, options: {{width: 96, height: 64, train: 8, val: 3, test: 3}}}}
  schedule: {{epochs: 2, batch_size: 4, pretraining: imagenet}}
"""


def save_start_weights(folder: Path) -> None:
    """Of both backbones, as a download would be; one number of one of them overflows."""
    folder.mkdir()
    for name in (SOUND, BROKEN):
        weights = timm.create_model(name, features_only=True).state_dict()
        if name == BROKEN:
            next(tensor for tensor in weights.values() if tensor.ndim == 4).view(-1)[0] = torch.inf
        save_file(weights, folder / f"{name}.safetensors")


@pytest.mark.slow
def test_a_training_that_diverges_is_a_record_and_the_others_are_measured(run_bench: RunBench, tmp_path: Path) -> None:
    (tmp_path / "pair.yaml").write_text(SPACE)
    save_start_weights(tmp_path / "weights")
    done = run_bench("sweep", "pair.yaml", "--weights-dir", "weights")
    trained = {r["variant"].split("+")[0]: r for r in stored(tmp_path) if r["group"] == "accuracy"}
    assert trained[SOUND]["status"] == "ok", done.stderr
    assert trained[BROKEN]["status"] == "failed"
    assert trained[BROKEN]["reason"] == "the loss became nan in step 1: lower the learning rate"
    assert "Traceback" not in done.stderr
    assert "the loss became nan in step 1" in (tmp_path / "reports" / "pair" / "README.md").read_text()
