"""Image files -> arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.errors import UserError

_DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def image_endings() -> set[str]:
    """Endings that Pillow opens, such as ".png"."""
    return {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def read_image(path: Path) -> NDArray[np.uint8]:
    """Decode any 8-bit image that Pillow opens to (H, W, 3) RGB, upright as its EXIF orientation says.

    Raises:
        UserError: the file cannot be read to its end, or has more than 8 bits a channel.
    """
    image = ImageOps.exif_transpose(open_image(path))
    if image.mode in _DEEP:
        raise UserError(f"{path} has more than 8 bits a channel ({image.mode}); save it with 8")
    return np.asarray(image.convert("RGB"))


def open_image(path: Path) -> Image.Image:
    """Read a file to its end, as it is.

    Raises:
        UserError: it is missing, no image, or cut off.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error)
        raise UserError(f"{path} cannot be read ({reason})") from None
