"""mIoU against the official evaluation of Cityscapes, in an environment of its own, on real and random label maps."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.data.cityscapes import CLASS_IDS, CLASSES, LABEL_IDS
from bench.stats.confusion import confusion_matrix
from bench.stats.scores import class_iou, mean_iou
from tests.conftest import PROJECT

PYTHON = PROJECT / ".venv-official" / "bin" / "python"
OFFICIAL = """
import json, sys
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
official.args.evalInstLevelScore = False
official.args.JSONOutput = False
official.args.quiet = True
predictions, targets = json.loads(sys.argv[1])
found = official.evaluateImgLists(predictions, targets, official.args)
print(json.dumps({"mean": found["averageScoreClasses"], "classes": found["classScores"]}))
"""


def official_scores(predictions: list[Path], targets: list[Path]) -> dict[str, object]:
    if not PYTHON.is_file():
        pytest.skip("the official evaluation is not installed: make test installs it in .venv-official")
    lists = json.dumps([[str(path) for path in paths] for paths in (predictions, targets)])
    done = subprocess.run([str(PYTHON), "-c", OFFICIAL, lists], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(folder: Path, pairs: list[tuple[NDArray[np.uint8], Path]]) -> None:
    """Predictions of train ids, and files of label ids, by both."""
    names = []
    total = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for number, (predicted, target) in enumerate(pairs):
        names.append(folder / f"prediction_{number}.png")
        Image.fromarray(np.array(CLASS_IDS, np.uint8)[predicted]).save(names[-1])
        total += confusion_matrix(LABEL_IDS.read(target), predicted, len(CLASSES))
    found = official_scores(names, [target for _, target in pairs])
    assert float(mean_iou(total)) == pytest.approx(found["mean"], rel=1e-14)  # the order of the sum differs
    theirs = found["classes"]
    assert isinstance(theirs, dict)
    for name, ours in zip(CLASSES, class_iou(total), strict=True):
        assert np.isnan(ours) if np.isnan(theirs[name]) else ours == theirs[name]


def test_real_frame(shared: Path, tmp_path: Path) -> None:
    """The real labels, and a prediction that mistakes every class for the next in a fifth of the pixels."""
    (target,) = (shared / "fixtures" / "cityscapes_sample").rglob("*_labelIds.png")
    labels = LABEL_IDS.read(target)
    rng = np.random.default_rng(0)
    wrong = rng.random(labels.shape) < 0.2
    predicted = np.where(wrong | (labels == 255), (labels.astype(int) + 1) % 19, labels).astype(np.uint8)
    compare(tmp_path, [(predicted, target)])


@pytest.mark.parametrize("seed", range(2))
def test_random_predictions_of_several_images(seed: int, tmp_path: Path) -> None:
    """Random ids of all kinds, void ones too; a class that never occurs, and one that is only predicted."""
    rng = np.random.default_rng(seed)
    pairs = []
    for number in range(3):
        ids = rng.choice([*range(24), 26, 33], size=(40, 60)).astype(np.uint8)
        target = tmp_path / f"target_{number}_gtFine_labelIds.png"
        Image.fromarray(ids).save(target)
        pairs.append((rng.integers(0, 17, ids.shape).astype(np.uint8), target))
    compare(tmp_path, pairs)
