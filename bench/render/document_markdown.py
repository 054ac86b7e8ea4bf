"""A document as Markdown, and pieces of it whose text may hold anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.render.document import Bullet, Page, Section, TextTable


def markdown_rows(head: Sequence[str], align: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; `align` holds `:--` or `--:` a column."""
    return "\n".join(_row(cells) for cells in (head, align, *rows))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def code(text: str) -> str:
    """A name, as it is."""
    quoted = f"`` {text} ``" if "`" in text else f"`{text}`"
    return quoted.replace("|", "\\|")


def escape(text: str) -> str:
    """Text of a cell or line: names of operators hold underscores."""
    for character in ("\\", "|", "_", "*", "<"):
        text = text.replace(character, f"\\{character}")
    return text


def markdown(page: Page, name: str) -> str:
    """The whole page, of the adaptation of this name."""
    parts = [f"# {escape(page.title)}", escape(page.words)]
    for section in page.sections:
        parts += section_parts(section)
    parts.append(
        "`index.html` beside this file is the same as one self-contained page; `table.csv` holds every point"
        f"{', `steps.csv` the time of every step' if page.has_step_times else ''}. "
        f"Rendered by `bench report adapt/{name}` from `results/adapt/{name}/`."
    )
    return "\n\n".join(parts) + "\n"


def section_parts(section: Section) -> list[str]:
    """Its paragraphs; figures lie beside the file."""
    parts = [f"## {section.title}"]
    parts.append("\n".join(map(_bullet, section.bullets)))
    parts.append("\n".join(f"- **{escape(what)}**: {escape(words)}" for what, words in section.terms))
    parts.append(f"![{section.figure_words}]({section.figure}.png)" if section.figure else "")
    parts.append(_table(section.table) if section.table else "")
    parts.append(escape(section.notes))
    return [part for part in parts if part]


def _bullet(bullet: Bullet) -> str:
    lead = f"**{escape(bullet.lead)}**: " if bullet.lead else ""
    return "\n".join([f"- {lead}{escape(bullet.text)}", *(f"  - {escape(line)}" for line in bullet.below)])


def _table(table: TextTable) -> str:
    align = [":--"] * table.texts + ["--:"] * (len(table.head) - table.texts)
    return markdown_rows([escape(cell) for cell in table.head], align, [[*map(escape, row)] for row in table.rows])
