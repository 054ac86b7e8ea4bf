"""A page as data: sections of bullets, a figure, a table and notes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class TextTable:
    """head: of all columns. texts: how many columns at the left hold text."""

    head: list[str]
    rows: list[list[str]]
    texts: int = 2


@dataclass(frozen=True)
class Bullet:
    """lead: in bold type before the text. below: bullets of its own."""

    text: str
    lead: str = ""
    below: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Section:
    """In this order: bullets, terms, a figure's file without ending, a table, notes.

    doubtful: whether it is a warning.
    """

    title: str
    bullets: list[Bullet] = field(default_factory=list)
    terms: list[tuple[str, str]] = field(default_factory=list)
    figure: str = ""
    figure_words: str = ""
    table: TextTable | None = None
    notes: str = ""
    doubtful: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """title, the sentence below it, and the sections. has_step_times: whether steps.csv holds some."""

    title: str
    words: str
    sections: list[Section]
    has_step_times: bool = False
