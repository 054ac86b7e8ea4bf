"""Example predictions for the cards of the page: an island of its own, on one line, since git holds none of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.analysis.study import Study
from bench.render.figures.style import VOID_COLOUR, class_colours
from bench.stats.confusion import IGNORE
from bench.storage.predictions import Predictions

MOST_SHOWN = 64
"""Variants whose predictions go along, the best on validation: of more the page would be too large to mail."""
_QUALITY = 80


def page_examples(study: Study, predictions: Predictions | None) -> dict[str, Any] | None:
    """Images, masks and each variant's class maps as data URIs; None where there are none.

    Maps are in the order of the images; a variant of several seeds shows the first that left some.
    """
    if predictions is None:
        return None
    images, masks = predictions.load_images(study.accuracy.setting.data_fingerprint)
    if not images:
        return None
    classes = list(next(iter(study.class_iou.values())))
    palette = _palette(len(classes))
    found: dict[str, list[str]] = {}
    for row in study.rows[:MOST_SHOWN]:
        for record in study.records:
            if record.group == "accuracy" and record.variant == row["variant"]:
                maps = predictions.load(record.key)
                if len(maps) == len(images):
                    found[record.variant] = [_png(one, palette) for one in maps]
                    break
    if not found:
        return None
    return {
        "classes": classes,
        "colours": class_colours(len(classes)).tolist(),
        "images": [_jpeg(image) for image in images],
        "masks": [_png(m, palette) for m in masks],
        "maps": found,
    }


def _palette(classes: int) -> list[int]:
    table = np.tile(np.array(VOID_COLOUR, np.uint8), (256, 1))
    table[:classes] = class_colours(classes)
    table[IGNORE] = VOID_COLOUR
    return [int(value) for value in table.ravel()]


def _png(classes: NDArray[np.uint8], palette: Sequence[int]) -> str:
    image = Image.fromarray(classes, mode="L")
    image = image.convert("P")
    image.putpalette(list(palette))
    return _uri(image, "png", optimize=True)


def _jpeg(picture: NDArray[np.uint8]) -> str:
    return _uri(Image.fromarray(picture), "jpeg", quality=_QUALITY)


def _uri(image: Image.Image, kind: str, **options: Any) -> str:
    packed = BytesIO()
    image.save(packed, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(packed.getvalue()).decode()}"
