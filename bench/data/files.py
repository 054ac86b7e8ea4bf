"""A data set of files: pairs of an image and a mask, in three splits that never mix."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from bench.data.base import OnDemand, OnProgress, Sample
from bench.data.decode import image_endings, read_image
from bench.data.inspection import Inspection, MaskCount, SplitCount
from bench.data.labels import Coding
from bench.data.splits import SPLITS, Split
from bench.errors import UserError

_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The files of one sample, and its name: that of the image below the data set's root, without its ending."""

    name: str
    image: Path
    mask: Path
    coding: Coding


@dataclass(frozen=True)
class Listing:
    """The pairs of each split in the order of their names; `problems`: files that make no pair, and why."""

    pairs: dict[Split, list[Pair]]
    problems: list[str] = field(default_factory=list)
    note: str = ""
    """How the splits came to be, where that is not plain from the folders."""


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What reading one pair found."""

    split: Split
    pair: Pair
    problems: tuple[str, ...] = ()
    count: MaskCount | None = None
    """None where there are problems."""
    image_hash: str = ""
    pixel_hash: str = ""
    """The same for one picture in two files, however they are encoded."""
    mask_bytes: bytes = b""


class FileDataset:
    """Images and masks below one root, found by a layout."""

    def __init__(
        self, name: str, root: Path, classes: tuple[str, ...], find: Callable[[], Listing], meaning: str = ""
    ) -> None:
        """Lists and reads nothing yet.

        Args:
            find: lists the files, or raises a UserError where folders are missing.
            meaning: what decides the labels beside the files' bytes, for the fingerprint.
        """
        self.name = name
        self.root = root
        self.classes = classes
        self._find = find
        self._meaning = meaning
        self._inspection: Inspection | None = None

    @cached_property
    def listing(self) -> Listing:
        """All files by name; nothing is decoded."""
        return self._find()

    @property
    def inspection(self) -> Inspection:
        """What reading every file once found."""
        return self.inspect()

    def inspect(self, on_progress: OnProgress = lambda done, total: None) -> Inspection:
        """Read every file, the first time; see `Dataset.inspect`.

        Raises:
            UserError: folders are missing.
        """
        if self._inspection is None:
            reads: list[_Read] = []
            total = sum(map(len, self.listing.pairs.values()))
            for read in self._read_all():
                reads.append(read)
                on_progress(len(reads), total)
            self._inspection = self._judge(reads)
        return self._inspection

    def check(self) -> None:
        """Read every file once.

        Raises:
            UserError: a missing folder or file, an unreadable file, an unknown label, a mask of
                another size than its image, or one image in two splits; naming the files.
        """
        problems = self.inspection.problems
        if problems:
            more = len(problems) - _SHOWN_PROBLEMS
            shown = [*problems[:_SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            raise UserError(
                f"{self.name}: {count}, so the data cannot be used: "
                + "; ".join(shown)
                + ". Mend or remove them, then run the same command."
            )

    def fingerprint(self) -> str:
        """12 hex digits over names and contents of all files."""
        self.check()
        return self.inspection.fingerprint

    def load(self, split: Split) -> Sequence[Sample]:
        """A split in the order of the file names; each sample is decoded when it is asked for."""
        pairs = self.listing.pairs[split]
        return OnDemand(len(pairs), lambda index: _decode(pairs[index]))

    def count(self, split: Split) -> int:
        """Samples in a split."""
        return len(self.listing.pairs[split])

    def sizes(self, split: Split) -> set[tuple[int, int]]:
        """Widths and heights of a split's images, in pixels."""
        return set(self.inspection.splits[split].sizes)

    def typical_size(self) -> tuple[int, int]:
        """Width and height of the largest image, in pixels; known after `check`."""
        return max(self.inspection.sizes, key=lambda size: size[0] * size[1])

    def describe(self) -> str:
        """`367 train, 101 val, 233 test, images of 480x360`."""
        counts = ", ".join(f"{self.count(split)} {split}" for split in SPLITS)
        sizes = sorted(self.inspection.sizes)
        words = "x".join(map(str, sizes[0])) if len(sizes) == 1 else f"{len(sizes)} sizes"
        note = f" ({self.listing.note})" if self.listing.note else ""
        return f"{counts}, images of {words}{note}"

    def _read_all(self) -> Iterator[_Read]:
        """In the order of splits and names; files are decoded side by side."""
        pairs = [(split, pair) for split in SPLITS for pair in self.listing.pairs[split]]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            yield from pool.map(lambda at: self._read(*at), pairs)

    def _read(self, split: Split, pair: Pair) -> _Read:
        try:
            sample = _decode(pair)
            image, mask = pair.image.read_bytes(), pair.mask.read_bytes()
        except UserError as error:
            return _Read(split=split, pair=pair, problems=_problems_of(pair) or (str(error),))
        height, width = sample.image.shape[:2]
        if sample.mask.shape != (height, width):
            of_mask = f"{sample.mask.shape[1]}x{sample.mask.shape[0]}"
            return _Read(
                split=split, pair=pair, problems=(f"{pair.mask} is {of_mask} but its image is {width}x{height}",)
            )
        count = MaskCount.of(sample.mask, len(self.classes))
        pixels = hashlib.sha256(f"{width}x{height}".encode() + sample.image.tobytes()).hexdigest()
        return _Read(
            split=split,
            pair=pair,
            problems=(),
            count=count,
            image_hash=hashlib.sha256(image).hexdigest(),
            pixel_hash=pixels,
            mask_bytes=mask,
        )

    def _judge(self, reads: list[_Read]) -> Inspection:
        """Put together what reading found; a sum of all contents is their fingerprint."""
        problems = [*self.listing.problems, *(problem for read in reads for problem in read.problems)]
        seen: dict[str, _Read] = {}
        digest = hashlib.sha256(self._meaning.encode())
        counts: dict[Split, list[MaskCount]] = {split: [] for split in SPLITS}
        for read in reads:
            if read.count is None:
                continue
            counts[read.split].append(read.count)
            first = seen.setdefault(read.pixel_hash, read)
            if first.split != read.split:
                problems.append(f"{read.pair.image} is the same image as {first.pair.image} of another split")
            digest.update(f"{read.split} {read.pair.name} {read.image_hash}".encode())
            digest.update(read.mask_bytes)
        splits = {split: SplitCount.of(counts[split], len(self.classes)) for split in SPLITS}
        problems += self._empty(splits)
        return Inspection(
            classes=self.classes,
            splits=splits,
            problems=tuple(problems),
            fingerprint=digest.hexdigest()[:12],
            note=self.listing.note,
        )

    def _empty(self, splits: dict[Split, SplitCount]) -> list[str]:
        """Splits that would train or test nothing, unless files of them have problems of their own."""
        if self.listing.problems:
            return []
        listed = {split: len(self.listing.pairs[split]) for split in SPLITS}
        found = [f"{self.root} holds no image for {split}" for split in SPLITS if not listed[split]]
        for split, count in splits.items():
            if count.images == listed[split] > 0 and not sum(count.pixels):
                folder = self.listing.pairs[split][0].mask.parent
                found.append(f"{folder} holds nothing but void for {split}")
        return found


def _problems_of(pair: Pair) -> tuple[str, ...]:
    """Of both files: the mask may be broken too where the image is."""
    problems: list[str] = []
    reads: tuple[Callable[[], object], ...] = (partial(read_image, pair.image), partial(pair.coding.read, pair.mask))
    for read in reads:
        try:
            read()
        except UserError as error:
            problems.append(str(error))
    return tuple(problems)


def _decode(pair: Pair) -> Sample:
    return Sample(read_image(pair.image), pair.coding.read(pair.mask))


def images_below(folder: Path, root: Path | None = None) -> tuple[dict[str, Path], list[str]]:
    """Image files of a folder by name without ending, sorted, and problems: names that occur twice.

    root: names are paths below it, and folders below `folder` count; without it they do not.
    """
    endings = image_endings()
    files: dict[str, Path] = {}
    twice = []
    for path in sorted(folder.rglob("*") if root else folder.iterdir()):
        if path.suffix.lower() not in endings or path.name.startswith(".") or path.is_dir():
            continue
        name = path.relative_to(root).with_suffix("").as_posix() if root else path.stem
        if name in files:
            twice.append(f"{path} has the same name as {files[name].name}")
        files[name] = path
    return files, twice


def require_folders(root: Path, name: str, wanted: list[str]) -> None:
    """Refuse a root that lacks a folder.

    Raises:
        UserError: naming the first that is missing, and all that belong there.
    """
    missing = [folder for folder in wanted if not (root / folder).is_dir()]
    if missing:
        raise UserError(
            f"--data-root {root} has no folder {missing[0]}/. A {name} root holds "
            f"{' '.join(f'{folder}/' for folder in wanted)}"
        )
