"""Cityscapes, BDD100K and one's own folder: the layouts that users have, and what is refused in them."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.data import SPLITS, open_dataset
from bench.data.cityscapes import CLASSES, LABEL_IDS, TRAIN_IDS
from bench.data.splitting import grouped_by, held_out, seeded_split
from bench.errors import UserError
from bench.stats.confusion import IGNORE

CITIES = {"train": ("aachen", "ulm"), "val": ("frankfurt",)}


def noise(path: Path, *, seed: int = 0, size: tuple[int, int] = (16, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)


def mask(path: Path, values: list[int], size: tuple[int, int] = (16, 8)) -> None:
    """The values in turns, row by row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(values, np.uint8), (size[1], size[0]))).save(path)


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    for split, cities in CITIES.items():
        for number, city in enumerate(cities):
            frame = f"{split}/{city}/{city}_000000_000019"
            noise(tmp_path / "leftImg8bit" / f"{frame}_leftImg8bit.png", seed=len(city) * 10 + number)
            mask(tmp_path / "gtFine" / f"{frame}_gtFine_labelIds.png", [7, 26, 33, 0, 4])
    return tmp_path


def test_cityscapes_validates_on_held_out_cities_and_tests_on_the_official_val(cityscapes: Path) -> None:
    data = open_dataset("cityscapes", cityscapes, {"val_cities": ["ulm"]})
    data.check()
    assert {split: data.count(split) for split in SPLITS} == {"train": 1, "val": 1, "test": 1}
    assert "test: the official val" in data.describe()
    assert "ulm of the official train" in data.describe()
    (sample,) = data.load("test")
    assert sample.mask.ravel()[:5].tolist() == [0, 13, 18, IGNORE, IGNORE]


def test_cityscapes_masks_without_images_are_told(cityscapes: Path) -> None:
    next(cityscapes.rglob("frankfurt*_leftImg8bit.png")).unlink()
    with pytest.raises(UserError, match=r"frankfurt_000000_000019_gtFine_labelIds\.png has no image in leftImg8bit"):
        open_dataset("cityscapes", cityscapes, {"val_cities": ["ulm"]}).check()


def test_cityscapes_of_train_ids_means_the_same(cityscapes: Path) -> None:
    options = {"val_cities": ["ulm"]}
    (before,) = open_dataset("cityscapes", cityscapes, options).load("test")
    for path in cityscapes.rglob("*_labelIds.png"):
        mask(path.with_name(path.name.replace("labelIds", "labelTrainIds")), [0, 13, 18, 255, 255])
        path.unlink()
    (after,) = open_dataset("cityscapes", cityscapes, options).load("test")
    assert np.array_equal(before.mask, after.mask)


def test_real_cityscapes_ids_map_to_the_official_train_ids(shared: Path) -> None:
    folder = shared / "fixtures" / "cityscapes_sample" / "gtFine" / "val" / "frankfurt"
    (ids,), (train_ids,) = (list(folder.glob(f"*_{kind}.png")) for kind in ("labelIds", "labelTrainIds"))
    ours, given, official = LABEL_IDS.read(ids), *(np.asarray(Image.open(path)) for path in (ids, train_ids))
    for label in np.unique(given):  # the two files were made smaller each by itself, so a few pixels differ
        votes = np.bincount(official[given == label])
        assert (ours[given == label] == votes.argmax()).all()
    assert (ours == official).mean() > 0.997


def test_a_city_that_is_not_there_is_refused(cityscapes: Path) -> None:
    with pytest.raises(UserError, match=r"has no city jena.*it has aachen, ulm.*val_cities"):
        open_dataset("cityscapes", cityscapes, {}).check()
    with pytest.raises(UserError, match="val_cities is"):
        open_dataset("cityscapes", cityscapes, {"val_cities": []})


def test_a_part_of_cityscapes_is_counted_and_what_it_lacks_is_said(cityscapes: Path) -> None:
    shutil.rmtree(cityscapes / "leftImg8bit" / "train")
    data = open_dataset("cityscapes", cityscapes, {})
    inspection = data.inspect()
    assert inspection.splits["test"].images == 1
    (problem,) = inspection.problems
    assert "has no folder leftImg8bit/train/" in problem


def test_a_frame_without_labels_is_named(cityscapes: Path) -> None:
    next(cityscapes.rglob("ulm_*_labelIds.png")).unlink()
    with pytest.raises(UserError, match=r"ulm_000000_000019_leftImg8bit\.png has neither"):
        open_dataset("cityscapes", cityscapes, {"val_cities": ["ulm"]}).check()


def test_real_bdd100k_is_read(shared: Path) -> None:
    data = open_dataset("bdd100k", shared / "fixtures" / "bdd100k_sample", {})
    data.check()
    assert {split: data.count(split) for split in SPLITS} == {"train": 2, "val": 1, "test": 3}
    labels = {int(v) for split in SPLITS for sample in data.load(split) for v in np.unique(sample.mask)}
    assert labels == {CLASSES.index("building"), CLASSES.index("vegetation")}


def test_a_real_bdd100k_mask_of_full_size_is_read(shared: Path) -> None:
    labels = TRAIN_IDS.read(shared / "fixtures" / "bdd100k_mask_720x1280.png")
    assert labels.shape == (720, 1280)
    assert {CLASSES.index(name) for name in ("road", "sky", "car")} <= set(np.unique(labels).tolist())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Ten images of three classes, with names as people give them."""
    names = [f"seq{i // 2}/写真 {i}" for i in range(10)]
    for number, name in enumerate(names):
        noise(tmp_path / "images" / f"{name}.jpg", seed=number)
        mask(tmp_path / "masks" / f"{name}.png", [0, 1, 2, 255])
    (tmp_path / "classes.yaml").write_text("classes: [road, car, sky]\nvoid: 255\n")
    return tmp_path


def names_of(root: Path, split: str) -> list[str]:
    data = open_dataset("folder", root, {})
    return [pair.name for pair in data.listing.pairs[split]]  # type: ignore[attr-defined]


def test_own_images_are_split_by_seed(own: Path) -> None:
    data = open_dataset("folder", own, {})
    data.check()
    assert data.classes == ("road", "car", "sky")
    assert sum(data.count(split) for split in SPLITS) == 10
    assert {data.count("val"), data.count("test")} == {2} or {data.count("val"), data.count("test")} == {1, 2}
    assert "split by seed 0" in data.describe()


def test_a_sequence_is_never_split(own: Path) -> None:
    with (own / "classes.yaml").open("a") as file:
        file.write('split: {group_by: "^(seq[0-9]+)/"}\n')
    sequences = {split: {name.split("/")[0] for name in names_of(own, split)} for split in SPLITS}
    assert all(sequences.values())
    assert not sequences["train"] & sequences["val"]
    assert not (sequences["train"] | sequences["val"]) & sequences["test"]


def test_a_group_that_no_name_has_is_a_problem(own: Path) -> None:
    """Frames of one sequence would train and test."""
    with (own / "classes.yaml").open("a") as file:
        file.write('split: {group_by: "^(Seq[0-9]+)/"}\n')
    with pytest.raises(UserError, match=r"group_by '\^\(Seq\[0-9\]\+\)/' is found in no name below images/"):
        open_dataset("folder", own, {}).check()


def test_both_files_of_a_pair_are_looked_at(own: Path) -> None:
    image, mask = (sorted((own / folder).rglob("*.*"))[0] for folder in ("images", "masks"))
    image.write_bytes(b"no picture")
    mask.write_bytes(b"no mask")
    problems = open_dataset("folder", own, {}).inspect().problems
    assert [name for name in (str(image), str(mask)) if any(name in problem for problem in problems)] == [
        str(image),
        str(mask),
    ]


def test_a_quote_that_is_not_closed_is_said(own: Path) -> None:
    (own / "split.csv").write_text('image,split\n"' + "x" * 200_000)
    with pytest.raises(UserError, match="Look for a quote that is not closed"):
        open_dataset("folder", own, {}).check()


def test_a_split_file_decides(own: Path) -> None:
    rows = [f"seq{i // 2}/写真 {i}.jpg,{'test' if i > 7 else 'val' if i > 5 else 'train'}" for i in range(10)]
    (own / "split.csv").write_text("image,split\n" + "\n".join(rows), encoding="utf-8")
    assert names_of(own, "test") == ["seq4/写真 8", "seq4/写真 9"]
    (own / "split.csv").write_text("image,split\n" + "\n".join([*rows[:9], "nowhere.jpg,train"]), encoding="utf-8")
    with pytest.raises(UserError, match=r"split.csv:11: 'nowhere.jpg' is no image.*does not list seq4/写真 9"):
        open_dataset("folder", own, {}).check()


def _colours(root: Path) -> None:
    colours = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180], [0, 0, 0]], np.uint8)
    for path in root.rglob("*.png"):
        Image.fromarray(colours[np.asarray(Image.open(path)) % 252]).save(path)


@pytest.mark.parametrize("void", ['"#000000"', "[0, 0, 0]", "[[0, 0, 0]]"])
def test_masks_may_hold_colours(own: Path, void: str) -> None:
    before = [sample.mask for sample in open_dataset("folder", own, {}).load("train")]
    _colours(own)
    (own / "classes.yaml").write_text(
        f'classes: {{road: [128, 64, 128], car: "#00008E", sky: [70, 130, 180]}}\nvoid: {void}\n'
    )
    after = [sample.mask for sample in open_dataset("folder", own, {}).load("train")]
    assert np.array_equal(before, after)


def test_masks_may_hold_any_indices(own: Path) -> None:
    for path in own.rglob("*.png"):
        mask(path, [7, 26, 33, 0])
    (own / "classes.yaml").write_text("classes: {road: 7, car: 26, sky: 33}\nvoid: [0]\n")
    sample = open_dataset("folder", own, {}).load("train")[0]
    assert sample.mask.ravel()[:4].tolist() == [0, 1, 2, IGNORE]


def _write(text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / "classes.yaml").write_text(text)

    return write


def _deep(root: Path) -> None:
    path = root / "images" / "seq0" / "写真 0.jpg"
    path.unlink()
    Image.fromarray(np.zeros((8, 16), np.uint16)).save(path.with_suffix(".png"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: (root / "classes.yaml").unlink(), "has no classes.yaml"),
        (_write("classes: [road, road, sky]"), "classes.yaml:1: classes: a class is listed twice"),
        (_write("classes: [road, no, sky]"), "classes.yaml:1: classes: False is no name. In quotes it is one"),
        (_write("classes: road"), "classes.yaml:1: classes should be a list of names, or a mapping of names"),
        (_write("classes: {road: 0, car: [1]}"), "classes.yaml:1: classes.car: [1] is neither an index, 0 to 255, nor"),
        (_write("classes: {road: 0, car: true}"), "classes.yaml:1: classes.car: True is neither an index"),
        (_write("classes: {road: 0, car: 300}"), "classes.yaml:1: classes.car: 300 is neither an index, 0 to 255, nor"),
        (
            _write('classes: {road: 0, car: "#8040"}'),
            "classes.car: '#8040' is neither an index, 0 to 255, nor a colour",
        ),
        (_write("classes: {road: 0, car: '#12'}"), "classes.yaml:1: classes.car"),
        (_write("classes: {road: 0, car: '#000001'}"), "some values are indices and some are colours"),
        (_write("classes: {road: 0, car: 0}"), "0 stands for two things"),
        (_write("classes: [road]"), "classes.yaml:1: classes"),
        (_write("- road"), "is not a mapping of classes, void, split"),
        (_write("classes: [road, car, sky]\nvoid: 255\nsplit: {val: 0.6, test: 0.5}"), "leave nothing to train on"),
        (_write("classes: [road, car, sky]\nvoid: 255\nsplit: {group_by: '('}"), "is no regular expression"),
        (_write("classes: [road, car]\nvoid: 255"), "has label 2; known are 0 to 1 and void 255"),
        (_deep, "has more than 8 bits a channel"),
    ],
)
def test_what_cannot_be_meant_is_refused(own: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(own)
    with pytest.raises(UserError) as refusal:
        open_dataset("folder", own, {}).check()
    assert words in str(refusal.value)


def test_an_unknown_colour_is_counted(own: Path) -> None:
    _colours(own)
    (own / "classes.yaml").write_text("classes: {road: [128, 64, 128], car: [0, 0, 142]}\nvoid: '#000000'\n")
    with pytest.raises(UserError, match=r"has colour \[70, 130, 180\] in 32 pixels"):
        open_dataset("folder", own, {}).check()


def test_a_photo_is_turned_as_its_camera_says(own: Path) -> None:
    path = own / "images" / "seq0" / "写真 0.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(np.zeros((16, 8, 3), np.uint8)).save(path, exif=exif)
    open_dataset("folder", own, {}).check()
    shutil.copy(own / "masks" / "seq0" / "写真 1.png", own / "masks" / "seq0" / "写真 0.png")


def test_a_photo_with_broken_exif_is_told(own: Path) -> None:
    path = own / "images" / "seq0" / "写真 0.jpg"
    exif = b"Exif\x00\x00garbage!"
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(path, exif=exif, dpi=(72, 72))
    with pytest.raises(UserError, match=r"写真 0\.jpg cannot be read \(EXIF: not a TIFF file"):
        open_dataset("folder", own, {}).check()


def test_a_split_depends_on_names_alone() -> None:
    names = [f"image{i}" for i in range(200)]
    first = seeded_split(names, 0.2, 0.1, seed=3)
    assert seeded_split(names[::-1], 0.2, 0.1, seed=3) == first
    assert seeded_split(names, 0.2, 0.1, seed=4) != first
    counts = {split: list(first.values()).count(split) for split in SPLITS}
    assert counts == {"train": 140, "val": 40, "test": 20}
    other_val = seeded_split(names, 0.5, 0.1, seed=3)
    assert [n for n in names if first[n] == "test"] == [n for n in names if other_val[n] == "test"]


def test_held_out_groups_stay_whole_and_never_take_all() -> None:
    names = [f"a{i}" for i in range(9)] + ["b0"]
    by_letter = grouped_by("^[a-z]")
    for seed in range(5):
        assert {name[0] for name in held_out(names, 0.5, seed, by_letter)} in ({"a"}, {"b"})
    assert held_out(["only"], 0.5, 0) == set()


def test_groups_that_overshoot_are_passed_over() -> None:
    names = [f"{group}{i}" for group, count in (("a", 800), ("b", 100), ("c", 50), ("d", 50)) for i in range(count)]
    for seed in range(6):
        split_of = seeded_split(names, 0.15, 0.15, seed, grouped_by("^[a-z]"))
        assert {split_of[name] for name in names if name[0] == "a"} == {"train"}
        assert set(split_of.values()) == set(SPLITS)


def test_bdd_images_of_one_prefix_stay_together(tmp_path: Path) -> None:
    for split, names in (("train", [f"{i // 2:08x}-{i:08x}" for i in range(20)]), ("val", ["ffffffff-0"])):
        for number, name in enumerate(names):
            noise(tmp_path / "images" / "10k" / split / f"{name}.jpg", seed=number + 100 * (split == "val"))
            mask(tmp_path / "labels" / "sem_seg" / "masks" / split / f"{name}.png", [0, 13, 255])
    data = open_dataset("bdd100k", tmp_path, {"val_share": 0.3})
    data.check()
    of_split = {
        split: {pair.name.split("-")[0] for pair in data.listing.pairs[split]}  # type: ignore[attr-defined]
        for split in ("train", "val")
    }
    assert of_split["val"]
    assert not of_split["train"] & of_split["val"]


def test_the_fingerprint_follows_what_the_values_mean(own: Path) -> None:
    def fingerprint(text: str) -> str:
        (own / "classes.yaml").write_text(text)
        return open_dataset("folder", own, {}).fingerprint()

    first = fingerprint("classes: {road: 0, car: 1, sky: 2}\nvoid: 255\n")
    assert fingerprint("classes: {road: 0, car: 1, sky: 2}\nvoid: [255]\n") == first
    assert fingerprint("classes: {road: 1, car: 0, sky: 2}\nvoid: 255\n") != first


def test_one_bit_masks_hold_zero_and_one(own: Path) -> None:
    for path in own.rglob("*.png"):
        Image.fromarray(np.resize(np.array([False, True]), (8, 16))).save(path)
    (own / "classes.yaml").write_text("classes: [background, object]\nvoid: 255\n")
    assert open_dataset("folder", own, {}).load("train")[0].mask.ravel()[:4].tolist() == [0, 1, 0, 1]


def test_colours_of_16_bits_are_refused_too(own: Path) -> None:
    path = own / "images" / "seq0" / "写真 0.jpg"
    path.unlink()
    rows = b"".join(b"\0" + bytes(16 * 6) for _ in range(8))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 16, 8, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    path.with_suffix(".png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    with pytest.raises(UserError, match="more than 8 bits a channel"):
        open_dataset("folder", own, {}).check()


@pytest.mark.parametrize("text", ["split,image\ntrain\n", "image,split\n,train\n"])
def test_a_short_row_is_named(own: Path, text: str) -> None:
    (own / "split.csv").write_text(text)
    with pytest.raises(UserError, match=r"split.csv:2: '' is no image"):
        open_dataset("folder", own, {}).check()


def test_a_split_file_in_another_encoding_is_refused(own: Path) -> None:
    (own / "split.csv").write_bytes("image,split\né,train\n".encode("cp1252"))
    with pytest.raises(UserError, match=r"cannot be read .* Save it as text in UTF-8"):
        open_dataset("folder", own, {}).check()


@pytest.mark.parametrize("cities", [5, None, [], [1]])
def test_cities_that_are_none_are_refused(cityscapes: Path, cities: object) -> None:
    with pytest.raises(UserError, match="option val_cities is"):
        open_dataset("cityscapes", cityscapes, {"val_cities": cities})


def test_one_city_may_stand_alone(cityscapes: Path) -> None:
    open_dataset("cityscapes", cityscapes, {"val_cities": "ulm"}).check()
