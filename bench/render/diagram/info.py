"""What the block diagram of a variant shows: boxes, arrows and a legend."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.metrics import METRICS

if TYPE_CHECKING:
    from bench.cost.explanation import Explanation, FeatureMap, Part

IMAGE = "image"
ROLES = {
    "backbone": "backbone",
    "module": "feature refinement module",
    "decoder": "decoder",
    "body": "the whole network",
}
NO_BREAK = "\u00a0"
"""A space that holds a phrase together."""


@dataclass(frozen=True)
class Box:
    """One part: its name in bold, and what stands below it."""

    name: str
    role: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """From box to box, by name."""

    start: str
    end: str
    role: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class DiagramInfo:
    """All that the diagram shows. pyramid: one of our networks. legend: by role, its share of the cost."""

    title: str
    subtitle: str
    pyramid: bool
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    legend: dict[str, str]

    def box(self, name: str) -> Box | None:
        return next((box for box in self.boxes if box.name == name), None)


def diagram_info(explanation: Explanation) -> DiagramInfo:
    """Collect boxes and arrows."""
    width, height = explanation.size
    pyramid = explanation.network == "frm"
    boxes = [Box(IMAGE, IMAGE, (f"3×{height}×{width}",))]
    boxes += [Box(part.name, part.role, _box_lines(part, pyramid)) for part in explanation.parts]
    every = any(part.name == "P1" and "re-entry" in part.inputs for part in explanation.parts)
    arrows = [
        Arrow(
            start=source,
            end=part.name,
            role=_arrow_role(source, part),
            label=_arrow_label(source, part.name, every) if pyramid else "",
        )
        for part in explanation.parts
        for source in part.inputs
        if not (pyramid and part.name == "F1")
    ]
    macs = f"{METRICS['macs'].show(explanation.macs)} GMACs"
    subtitle = (
        f"{width}×{height} pixels, {explanation.classes} classes: {macs}, "
        f"{METRICS['parameters'].show(explanation.parameters)} M parameters"
    )
    return DiagramInfo(
        title=explanation.variant,
        subtitle=subtitle,
        pyramid=pyramid,
        boxes=tuple(boxes),
        arrows=tuple(arrows),
        legend=_legend(explanation),
    )


def _box_lines(part: Part, pyramid: bool) -> tuple[str, ...]:
    """What the part does where arrows do not show it, its maps, its cost."""
    words = part.does.removeprefix("top: ")
    if pyramid and part.name[:1] in "FP" and part.name[1:].isdigit():
        words = "1x1, 3x3 conv" if part.name.startswith("P") else ""
    lines = (_readable(words), *map(_shape, part.maps), *_cost_lines(part))
    return tuple(line for line in lines if line)


def _cost_lines(part: Part) -> list[str]:
    if part.macs is None:
        return []
    macs = f"{METRICS['macs'].show(part.macs)} GMACs" if part.macs else "no MACs"
    return [macs, f"{METRICS['parameters'].show(part.parameters)} M"] if part.name == "backbone" else [macs]


def _readable(words: str) -> str:
    """True multiplication signs; short phrases between commas stay on one line."""
    phrases = re.sub(r"(?<=\d)x(?=\d)", "×", words).split(", ")
    return ", ".join(p.replace(" ", NO_BREAK) if len(p) <= 20 else p for p in phrases)


def _shape(shape: FeatureMap) -> str:
    return f"{shape.channels}×{shape.height}×{shape.width}"


def _arrow_role(source: str, part: Part) -> str:
    return "module" if source == "re-entry" else part.role


def _arrow_label(source: str, target: str, every: bool) -> str:
    if target[0] == "P" and target[1:].isdigit():
        return {"F": "lateral", "P": "sum, enlarged", "r": "added" if every else ""}[source[0]]
    return ""


def _legend(explanation: Explanation) -> dict[str, str]:
    found = {}
    for role, words in ROLES.items():
        parts = [part for part in explanation.parts if part.role == role]
        macs, parameters = (sum(getattr(part, key) or 0 for part in parts) for key in ("macs", "parameters"))
        if macs or parameters:
            share = f"{100 * macs / explanation.macs:.0f} %" if macs >= explanation.macs / 100 else "under 1 %"
            gmacs = f"{METRICS['macs'].show(macs)} GMACs ({share})"
            found[role] = f"{words}: {gmacs}, {METRICS['parameters'].show(parameters)} M parameters"
    return found
