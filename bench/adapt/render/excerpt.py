"""What an adaptation says, in one section of the page of the sweep that it starts from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from bench.adapt.analysis.adaptation import Adaptation
from bench.adapt.render.curves_figure import STEM, curves_info, save_curves
from bench.adapt.render.page import FIGURE_WORDS, needed_words, opening_words
from bench.adapt.render.tables import needed_table
from bench.adapt.render.text import Names
from bench.render.document import Bullet, Section
from bench.storage.store import PREFIX

_NO_FILE_NAME = r"[^\w-]"
"""Characters that would need care in a link or as part of an id."""


def save_excerpt(adaptation: Adaptation, folder: Path) -> Section:
    """Draw the curves into the report folder of a sweep; returns the section with them and the labels needed.

    Raises:
        OSError: the folder cannot be written.
    """
    names, figure = Names(adaptation), f"{STEM}_{_plain(adaptation.name)}"
    save_curves(curves_info(adaptation, names), folder, figure)
    bullets = [
        Bullet(opening_words(adaptation, names)),
        Bullet(f"bench report {PREFIX}{adaptation.name}", "All that was measured"),
    ]
    return Section(
        title=f"Adapted to other images: {adaptation.name}",
        bullets=bullets,
        figure=figure,
        figure_words=FIGURE_WORDS,
        table=needed_table(adaptation, names),
        notes=f"Labels needed. {needed_words(adaptation)}",
    )


def _plain(name: str) -> str:
    """The name as part of a file's name and of ids; another name gives another."""
    plain = re.sub(_NO_FILE_NAME, "_", name, flags=re.ASCII)
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
