"""Labelled images in folders: `<split>/<name>.<any image ending>`, `<split>annot/<name>.png`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bench.accuracy.confusion import IGNORE
from bench.accuracy.datasets.base import SPLITS, Sample, Split
from bench.errors import UserError

CAMVID_CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree",
    "sign symbol", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
"""The 11 classes of SegNet's CamVid, in label order; 11 is void."""
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True)
class Pair:
    """The files of one sample."""

    image: Path
    mask: Path


class FolderDataset:
    """Images and masks below one root; masks hold class indices, `void` is ignored."""

    def __init__(self, name: str, root: Path, classes: tuple[str, ...], void: int) -> None:
        self.name = name
        self.root = root
        self.classes = classes
        self.void = void
        self._checked: str | None = None
        self._sizes: set[tuple[int, int]] = set()

    def check(self) -> None:
        """Read every file once.

        Raises:
            UserError: a missing folder or file, an unreadable file, an unknown label, a mask of
                another size than its image, or one image in two splits; naming the files.
        """
        self._check_folders()
        problems: list[str] = []
        seen: dict[str, Path] = {}
        digest = hashlib.sha256()
        for split in SPLITS:
            pairs, unpaired = self._pairs(split)
            problems += unpaired
            labelled = False
            for pair in pairs:
                found = self._problems_of(pair)
                problems += found
                if found:
                    continue
                content = hashlib.sha256(pair.image.read_bytes()).hexdigest()
                if content in seen and seen[content].parent != pair.image.parent:
                    problems.append(f"{pair.image} is the same image as {seen[content]} of another split")
                seen[content] = pair.image
                digest.update(f"{split} {pair.image.stem} {content}".encode())
                digest.update(pair.mask.read_bytes())
                labelled = labelled or bool((read_mask(pair.mask) != self.void).any())
            if pairs and not problems and not labelled:
                problems.append(f"{self.root / split}annot holds nothing but void")
        if problems:
            more = len(problems) - _SHOWN_PROBLEMS
            shown = problems[:_SHOWN_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
            raise UserError(
                f"{self.name}: {len(problems)} files cannot be used: " + "; ".join(shown)
                + ". Mend or remove them, then run the same command."
            )  # fmt: skip
        self._checked = digest.hexdigest()[:12]

    def fingerprint(self) -> str:
        """12 hex digits over names and contents of all files."""
        if self._checked is None:
            self.check()
        return str(self._checked)

    def load(self, split: Split) -> list[Sample]:
        """Decode a split, in the order of the file names."""
        return [Sample(read_image(pair.image), self._labels(read_mask(pair.mask))) for pair in self._pairs(split)[0]]

    def count(self, split: Split) -> int:
        """Samples in a split."""
        return len(self._pairs(split)[0])

    def typical_size(self) -> tuple[int, int]:
        """Width and height of the largest image, in pixels; known after `check`."""
        return max(self._sizes, key=lambda size: size[0] * size[1])

    def describe(self) -> str:
        """`367 train, 101 val, 233 test, images of 480x360`."""
        counts = ", ".join(f"{self.count(split)} {split}" for split in SPLITS)
        sizes = sorted(self._sizes)
        words = f"{sizes[0][0]}x{sizes[0][1]}" if len(sizes) == 1 else f"{len(sizes)} sizes"
        return f"{counts}, images of {words}"

    def _check_folders(self) -> None:
        wanted = [folder for split in SPLITS for folder in (split, f"{split}annot")]
        missing = [folder for folder in wanted if not (self.root / folder).is_dir()]
        if missing:
            raise UserError(
                f"--data-root {self.root} has no folder {missing[0]}/. A {self.name} root holds "
                f"{' '.join(f'{folder}/' for folder in wanted)}"
            )

    def _pairs(self, split: Split) -> tuple[list[Pair], list[str]]:
        """The samples of a split, and what keeps files from being one."""
        images, twice = _by_stem(self.root / split)
        masks, mask_twice = _by_stem(self.root / f"{split}annot")
        problems = twice + mask_twice
        problems += [f"{p} has no mask in {split}annot/" for s, p in images.items() if s not in masks]
        problems += [f"{p} has no image in {split}/" for s, p in masks.items() if s not in images]
        pairs = [Pair(path, masks[stem]) for stem, path in sorted(images.items()) if stem in masks]
        if not pairs and not problems:
            problems.append(f"{self.root / split} holds no image")
        return pairs, problems

    def _problems_of(self, pair: Pair) -> list[str]:
        try:
            image, mask = read_image(pair.image), read_mask(pair.mask)
        except UserError as error:
            return [str(error)]
        if image.shape[:2] != mask.shape:
            return [f"{pair.mask} is {_size(mask)} but its image is {_size(image)}"]
        self._sizes.add((image.shape[1], image.shape[0]))
        known = [*range(len(self.classes)), self.void]
        unknown = sorted(set(np.unique(mask).tolist()) - set(known))
        if unknown:
            return [f"{pair.mask} has label {unknown[0]}; known are 0 to {len(self.classes) - 1} and void {self.void}"]
        return []

    def _labels(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.where(mask == self.void, np.uint8(IGNORE), mask)


def read_image(path: Path) -> NDArray[np.uint8]:
    """Decode any image that Pillow opens to (H, W, 3) RGB.

    Raises:
        UserError: the file cannot be read to its end.
    """
    return np.asarray(_open(path).convert("RGB"))


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Decode a mask of class indices to (H, W).

    Raises:
        UserError: unreadable, or a colour image instead of indices.
    """
    mask = _open(path)
    if mask.mode not in ("L", "P"):
        raise UserError(f"{path} is a {mask.mode} image; a mask holds one 8-bit class index a pixel")
    return np.asarray(mask)


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UserError(f"{path} cannot be read ({reason})") from None


def _by_stem(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Image files of a folder by name without ending, and names that occur twice."""
    endings = {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    files: dict[str, Path] = {}
    twice = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings or path.name.startswith(".") or path.is_dir():
            continue
        if path.stem in files:
            twice.append(f"{path} has the same name as {files[path.stem].name}")
        files[path.stem] = path
    return files, twice


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"
