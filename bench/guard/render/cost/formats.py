"""The formats of the cost guard, by name; that for GitHub is made here."""

from __future__ import annotations

from collections.abc import Callable

from bench.guard.cost_comparison import GuardedVariant, GuardReport
from bench.guard.render.annotations import Level, workflow_commands
from bench.guard.render.cost.json_format import guard_json
from bench.guard.render.cost.junit import guard_junit
from bench.guard.render.cost.markdown import guard_markdown
from bench.guard.render.cost.table import guard_table
from bench.guard.render.cost.text import STATE_WORDS, fault_words, headline, next_steps, sentences, title


def guard_github(report: GuardReport) -> str:
    """Errors for what fails, warnings for growth that is allowed, notices for the rest; the verdict leads its level."""
    failed = report.fails or report.is_empty
    notes = [f"{space.space}: {note}" for space in report.spaces for note in space.notes]
    verdict = (f"bench guard: {title(report)}", "\n".join([headline(report), *notes, *next_steps(report)]))
    found: list[tuple[Level, str, str]] = [("error" if failed else "notice", *verdict)]
    for space in report.spaces:
        for fault in space.faults:
            found.append(("error", f"{space.space}: baseline", fault_words(fault, space, report.against)))
        for variant in space.variants:
            if variant.state != "same":
                heading = f"{space.space}: {variant.name}: {STATE_WORDS[variant.state]}"
                found.append((_level(variant, report), heading, "\n".join(sentences(variant))))
    return workflow_commands(found)


def _level(variant: GuardedVariant, report: GuardReport) -> Level:
    if variant.fails and not (report.accepted and variant.state == "grew"):
        return "error"
    return "warning" if variant.state == "within" else "notice"


FORMATS: dict[str, Callable[[GuardReport], str]] = {
    "table": guard_table,
    "json": guard_json,
    "junit": guard_junit,
    "github": guard_github,
    "markdown": guard_markdown,
}
