"""Templates of the HTML pages, in which any text may stand."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


def page_environment() -> Environment:
    """Text is escaped; the filter `code` also sets what stands between backticks as code."""
    environment = Environment(
        loader=PackageLoader("bench.render.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = with_code
    return environment


def with_code(text: str) -> Markup:
    """A `command` in a line -> a <code>command</code> in a line; a backtick without a partner stays."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )
