"""Image files -> arrays."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import UserError

_BROKEN_EXIF = (struct.error, SyntaxError, ValueError, TypeError, KeyError, IndexError, OSError)
"""What Pillow raises of data that it cannot make out."""
_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def image_endings() -> set[str]:
    """Endings that Pillow opens, such as ".png"."""
    return {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def read_image(path: Path) -> NDArray[np.uint8]:
    """Decode any 8-bit image that Pillow opens to (H, W, 3) RGB, upright as its EXIF orientation says.

    Raises:
        UserError: as `open_image`, or its EXIF data is broken.
    """
    image = open_image(path)
    try:
        upright = ImageOps.exif_transpose(image)
    except _BROKEN_EXIF as error:
        raise UserError(f"{path} cannot be read (EXIF: {error}); save it without") from None
    return np.asarray(upright.convert("RGB"))


def open_image(path: Path) -> Image.Image:
    """Read a file to its end, as it is.

    Raises:
        UserError: it is missing, no image, cut off, too large, or has more than 8 bits a channel.
    """
    try:
        with Image.open(path) as image:
            deep = _is_deep(image)
            if not deep:
                image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UserError(f"{path} cannot be read ({reason})") from None
    if deep:
        raise UserError(f"{path} has more than 8 bits a channel; save it with 8")
    return image


def _is_deep(image: Image.Image) -> bool:
    """Whether a channel has more than 8 bits; of colours Pillow would drop the lower ones without a word."""
    raw_modes = [tile[3][0] if isinstance(tile[3], tuple) else tile[3] for tile in getattr(image, "tile", ())]
    return image.mode in _DEEP or any(isinstance(mode, str) and ";16" in mode for mode in raw_modes)
