"""Where the boxes of a block diagram stand and which way its arrows go. All lengths are inches; y grows upward."""

from __future__ import annotations

from dataclasses import dataclass

from bench.render.diagram.info import IMAGE, Arrow, DiagramInfo
from bench.render.diagram.text import box_height


@dataclass(frozen=True, kw_only=True)
class Place:
    """A rectangle; y grows upward."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.bottom + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.bottom + self.height / 2


Places = dict[str, Place]
MARGIN = 0.12
_BACKBONE, _FPN = (0.14, 1.25), (4.05, 1.42)
"""Left and width of the columns of stages and of levels."""
SLOTS = {"F4": 0.585, "F3": 1.56, "F2": 2.49, "F1": 3.42}
"""Where a stage climbs to the module: F4 straight from its box, the others from their laterals."""
_SLOT_WIDTH, _WIDE = 0.89, 3.725
_RAIL, BUS = 3.78, 5.66
"""Where the refined map goes down to every level, and the levels to the head."""
_STAGE_GAP, _GAP, _MODULE_GAP = 0.3, 0.28, 0.44


def pyramid_places(info: DiagramInfo) -> Places:
    """Rows from bottom to top: classifier, head beside the image, F1 to F4, the module."""
    places: Places = {}
    names = {box.name for box in info.boxes}
    left, width = _BACKBONE
    row = max(box_height(info, f"P{i}", _FPN[1]) for i in (1, 2, 3, 4))
    low = max(box_height(info, "classifier", 1.6), box_height(info, "logits", 1.6))
    head = max(box_height(info, "head", 3.5), box_height(info, IMAGE, width))
    places["classifier"] = Place(left=_FPN[0] - 0.35, bottom=0, width=1.6, height=low)
    places["logits"] = Place(left=1.8, bottom=0, width=1.6, height=low)
    places["head"] = Place(left=1.8, bottom=low + _GAP, width=_FPN[0] + 1.25 - 1.8, height=head)
    places[IMAGE] = Place(left=left, bottom=0, width=width, height=box_height(info, IMAGE, width))
    label = box_height(info, "backbone", width)
    bottom = max(low + _GAP + head + 0.25, places[IMAGE].top + _GAP + label)
    for i in range(1, 5):
        y = bottom + (i - 1) * (row + _STAGE_GAP)
        places[f"F{i}"] = Place(left=left, bottom=y, width=width, height=row)
        places[f"P{i}"] = Place(left=_FPN[0], bottom=y, width=_FPN[1], height=row)
    top = places["F4"].top
    places["backbone"] = Place(
        left=left - 0.07, bottom=bottom - label, width=width + 0.14, height=top - bottom + label + 0.07
    )
    if "context" in names:
        unify = [name for name in names if name.startswith("unify")]
        second = max(box_height(info, "re-entry", _FPN[1]), *(box_height(info, name, _SLOT_WIDTH) for name in unify))
        first = max(box_height(info, "context", _FPN[1]), box_height(info, "fuse", _WIDE))
        y = top + _MODULE_GAP
        for name in unify:
            places[name] = Place(left=SLOTS[name[-2:]] - _SLOT_WIDTH / 2, bottom=y, width=_SLOT_WIDTH, height=second)
        places["re-entry"] = Place(left=_FPN[0], bottom=y, width=_FPN[1], height=second)
        places["fuse"] = Place(left=left, bottom=y + second + _GAP, width=_WIDE, height=first)
        places["context"] = Place(left=_FPN[0], bottom=y + second + _GAP, width=_FPN[1], height=first)
    return places


_NODE_WIDTH, _LANE = 2.15, 2.4


def graph_places(info: DiagramInfo) -> Places:
    """A part stands below all parts that it takes from, under their middle; parts of one row side by side."""
    sources = {box.name: [arrow.start for arrow in info.arrows if arrow.end == box.name] for box in info.boxes}
    rows: dict[str, int] = {}
    for name, above in sources.items():
        rows[name] = 1 + max((rows[source] for source in above), default=-1)
    lanes: dict[str, float] = {}
    places: Places = {}
    y = 0.0
    for row in range(max(rows.values()) + 1):
        names = [name for name in rows if rows[name] == row]
        middle = sum(_mean([lanes[source] for source in sources[name]]) for name in names) / len(names)
        height = max(box_height(info, name, _NODE_WIDTH) for name in names)
        y -= height + _GAP
        for i, name in enumerate(names):
            lanes[name] = middle + i - (len(names) - 1) / 2
            places[name] = Place(left=lanes[name] * _LANE - _NODE_WIDTH / 2, bottom=y, width=_NODE_WIDTH, height=height)
    return places


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


Route = list[tuple[float, float]]


def straight(arrow: Arrow, places: Places) -> Route:
    """From the lower edge to the upper one; arrows from and to the sides keep to their sides."""
    start, end = places[arrow.start], places[arrow.end]
    (x, _), (end_x, _) = start.middle, end.middle
    aside = 0.3 * max(-1.0, min(1.0, end_x - x))
    return [(x + aside, start.bottom), (end_x - aside, end.top)]


def pyramid_route(arrow: Arrow, places: Places) -> Route:
    """The corners of an arrow of the pyramid, from edge to edge."""
    start, end = places[arrow.start], places[arrow.end]
    (x, y), (end_x, end_y) = start.middle, end.middle
    if "re-entry" in (arrow.start, arrow.end) and (arrow.label or arrow.start == "F4"):
        return _rail_route(arrow, places)
    if arrow.end == "head":
        return [(start.right, y), *((BUS, level) for level in _passing(places, y, end_y, 0)), (end.right, end_y)]
    if climbs(arrow):
        return [(end_x, y), (end_x, end.bottom)]
    if abs(y - end_y) < 0.01:
        return [(start.right, y), (end.left, y)] if x < end_x else [(start.left, y), (end.right, y)]
    if y < end_y:
        way = end_x if arrow.end.startswith("unify") else x
        return [(way, start.top), (way, end.bottom)]
    x = start.left + 0.25 if arrow.start[0] == "P" else end_x
    return [(x, start.bottom), (x, end.top)]


def climbs(arrow: Arrow) -> bool:
    """From a lateral up to the module."""
    return arrow.end.startswith("unify") and arrow.start != "F4"


def _rail_route(arrow: Arrow, places: Places) -> Route:
    """F4 up to where it joins the refined map, or the refined map down to a level."""
    start, end = places[arrow.start], places[arrow.end]
    between, way = places["F4"].top + _MODULE_GAP / 2, places["re-entry"].left + 0.25
    if arrow.start == "F4":
        y = start.middle[1]
        return [(start.right, y), (_RAIL, y), (_RAIL, between), (way, between), (way, end.bottom)]
    rail = _passing(places, between, end.middle[1], _BESIDE)
    return [(way, start.bottom), (way, between), *((_RAIL, level) for level in rail), (end.left, rail[-1])]


_BESIDE = 0.17
"""How far above a lateral the refined map arrives."""


def _passing(places: Places, high: float, low: float, above: float) -> list[float]:
    """Heights at which a rail from `high` to `low` has corners or meets levels; the same for all its arrows."""
    levels = [places[f"P{i}"].middle[1] + above for i in (4, 3, 2, 1)]
    return [high, *(y for y in levels if low + above < y < high), low + above]
