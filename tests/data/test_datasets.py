"""Generated streets and labelled folders; whatever would spoil a training is refused by file name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import SPLITS, open_dataset
from bench.data import streets as streets_module
from bench.data.streets import CLOSED_LANE, OPEN_LANE, SIGNAL, Streets
from bench.errors import UserError
from bench.stats.confusion import IGNORE, confusion_matrix
from bench.stats.scores import class_iou, mean_iou


def test_streets_are_the_same_from_the_same_seed() -> None:
    first, again, other = Streets(), Streets(), Streets(seed=1)
    assert np.array_equal(first.draw("val", 3).image, again.draw("val", 3).image)
    assert not np.array_equal(first.draw("val", 3).image, other.draw("val", 3).image)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_no_street_is_in_two_splits() -> None:
    data = Streets(train=20, val=20, test=20)
    images = [sample.image.tobytes() for split in SPLITS for sample in data.load(split)]
    assert len(set(images)) == 60


def test_streets_hold_all_classes_and_void() -> None:
    labels = np.concatenate([s.mask.ravel() for s in Streets(train=40).load("train")])
    assert set(np.unique(labels).tolist()) == {*range(len(Streets.classes)), IGNORE}


def test_only_the_lamp_knows_which_lane_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Swap the meaning of the lamp's colours: labels of the lane swap, and no pixel outside the lamp changes."""
    data = Streets()
    before = [data.draw("train", i) for i in range(10)]
    swapped = {OPEN_LANE: CLOSED_LANE, CLOSED_LANE: OPEN_LANE}
    real = streets_module._layout

    def other_lane(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, int]:
        labels, lane = real(rng, width, height)
        return np.where(labels == lane, np.uint8(swapped[lane]), labels), swapped[lane]

    monkeypatch.setattr(streets_module, "_layout", other_lane)
    for index, old in enumerate(before):
        new = data.draw("train", index)
        lane = np.isin(old.mask, (OPEN_LANE, CLOSED_LANE))
        assert (new.mask != old.mask)[lane].all()
        changed = (new.image != old.image).any(axis=2)
        assert changed.any()
        assert (old.mask[changed] == SIGNAL).all()


def test_the_cue_is_far_away() -> None:
    for sample in Streets(train=20).load("train"):
        lane = np.nonzero(np.isin(sample.mask, (OPEN_LANE, CLOSED_LANE)).any(axis=0))[0]
        lamp = np.nonzero((sample.mask == SIGNAL).any(axis=0))[0]
        distance = min(abs(int(a) - int(b)) for a in (lane.min(), lane.max()) for b in (lamp.min(), lamp.max()))
        assert distance > 0.55 * 256


def local_ceiling(iou: float = 1.0) -> float:
    """The best mIoU without the cue: seven classes at `iou`, the two lanes guessed.

    Lanes are open half of the time. Calling a share p of them open at random gives IoU p / (1 + p)
    on open lanes and (1 - p) / (2 - p) on closed ones; the sum is largest at p = 1/2: 1/3 each.
    """
    lanes = 1 / 3 + 1 / 3
    return ((len(Streets.classes) - 2) * iou + lanes) / len(Streets.classes)


def test_local_ceiling_is_what_a_coin_reaches() -> None:
    """A network that solves everything but flips a coin for each lane pixel."""
    rng = np.random.default_rng(0)
    matrix = np.zeros((9, 9), np.int64)
    for sample in Streets(train=300).load("train"):
        guess = sample.mask.copy()
        lane = np.isin(guess, (OPEN_LANE, CLOSED_LANE))
        guess[lane] = rng.choice([OPEN_LANE, CLOSED_LANE], lane.sum())
        matrix += confusion_matrix(sample.mask, guess, 9)
    assert mean_iou(matrix) == pytest.approx(local_ceiling(), abs=0.01)
    assert class_iou(matrix)[OPEN_LANE] == pytest.approx(1 / 3, abs=0.04)


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    """A whole CamVid tree of two images a split, in another image format each."""
    rng = np.random.default_rng(0)
    root = tmp_path / "camvid"
    for split, ending in zip(SPLITS, ("png", "webp", "bmp"), strict=True):
        (root / split).mkdir(parents=True)
        (root / f"{split}annot").mkdir()
        for index in range(2):
            name = f"{split}_{index}"
            Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).save(root / split / f"{name}.{ending}")
            Image.fromarray(rng.integers(0, 12, (24, 32), np.uint8)).save(root / f"{split}annot" / f"{name}.png")
    (root / "train" / "train.txt").write_text("a list is no image")
    return root


def test_folder_loads_any_image_ending_and_void(camvid: Path) -> None:
    data = open_dataset("camvid", camvid, {})
    data.check()
    assert data.describe() == "2 train, 2 val, 2 test, images of 32x24"
    for split in SPLITS:
        for sample in data.load(split):
            assert sample.image.shape == (24, 32, 3)
            assert set(np.unique(sample.mask)) <= {*range(11), IGNORE}
            assert (sample.mask == IGNORE).any()


def test_fingerprint_follows_the_content(camvid: Path, tmp_path: Path) -> None:
    before = open_dataset("camvid", camvid, {}).fingerprint()
    moved = camvid.rename(tmp_path / "moved")
    assert open_dataset("camvid", moved, {}).fingerprint() == before
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(moved / "trainannot" / "train_0.png")
    assert open_dataset("camvid", moved, {}).fingerprint() != before


def _unlabelled(root: Path) -> None:
    (root / "valannot" / "val_1.png").unlink()


def _unknown_label(root: Path) -> None:
    Image.fromarray(np.full((24, 32), 12, np.uint8)).save(root / "valannot" / "val_1.png")


def _other_size(root: Path) -> None:
    Image.fromarray(np.zeros((12, 16), np.uint8)).save(root / "valannot" / "val_1.png")


def _cut_off(root: Path) -> None:
    path = root / "val" / "val_1.webp"
    path.write_bytes(path.read_bytes()[:200])


def _not_an_image(root: Path) -> None:
    (root / "val" / "val_1.webp").write_text("text")


def _colour_mask(root: Path) -> None:
    Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(root / "valannot" / "val_1.png")


def _leaked(root: Path) -> None:
    (root / "val" / "val_1.webp").unlink()
    (root / "val" / "val_1.png").write_bytes((root / "train" / "train_0.png").read_bytes())


def _leaked_in_another_format(root: Path) -> None:
    (root / "val" / "val_1.webp").unlink()
    Image.open(root / "train" / "train_0.png").save(root / "val" / "val_1.bmp")


def _dangling(root: Path) -> None:
    (root / "val" / "val_1.webp").unlink()
    (root / "val" / "val_1.webp").symlink_to(root / "nowhere.webp")


def _no_image(root: Path) -> None:
    (root / "val" / "val_1.webp").unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_unlabelled, "has no mask"),
        (_unknown_label, "has label 12; known are 0 to 10 and void 11"),
        (_other_size, "is 16x12 but its image is 32x24"),
        (_cut_off, "cannot be read"),
        (_not_an_image, "not an image"),
        (_colour_mask, "is a RGB image"),
        (_leaked, "is the same image as"),
        (_leaked_in_another_format, "is the same image as"),
        (_no_image, "has no image"),
        (_dangling, "cannot be read"),
    ],
)
def test_damage_is_refused_by_file_name(camvid: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(camvid)
    with pytest.raises(UserError) as refusal:
        open_dataset("camvid", camvid, {}).check()
    assert words in str(refusal.value)
    assert "val_1" in str(refusal.value)


def test_a_split_of_nothing_but_void_is_refused(camvid: Path) -> None:
    for path in (camvid / "testannot").iterdir():
        Image.fromarray(np.full((24, 32), 11, np.uint8)).save(path)
    with pytest.raises(UserError, match="testannot holds nothing but void"):
        open_dataset("camvid", camvid, {}).check()


@pytest.mark.parametrize("options", [{"width": "big"}, {"seed": -1}, {"train": 0}, {"height": 8}])
def test_impossible_streets_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UserError, match=f"option {next(iter(options))} is"):
        open_dataset("streets", None, options).check()


def test_wrong_root_says_what_it_misses(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no folder train/"):
        open_dataset("camvid", tmp_path, {}).check()


def test_unknown_data_set_and_option_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'streets'"):
        open_dataset("street", None, {})
    with pytest.raises(UserError, match="Did you mean 'width'"):
        open_dataset("streets", None, {"widht": 3})
    with pytest.raises(UserError, match="--data-root"):
        open_dataset("camvid", None, {})


@pytest.mark.slow
def test_shared_camvid_is_whole(shared: Path) -> None:
    data = open_dataset("camvid", shared / "camvid", {})
    data.check()
    assert data.describe() == "367 train, 101 val, 233 test, images of 480x360"
