"""Search for input that breaks a parser: `python -m tests.fuzz --minutes 10`.

Each file has the same share of the time, and in it each property; each round has new random examples. The first failure
of a property is printed with its input and how to repeat it; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import inspect
import time
import traceback
from collections.abc import Iterator, Sequence
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from hypothesis import is_hypothesis_test, settings

from tests.fuzz.profiles import FUZZ

Part = TypeVar("Part")


def find_properties() -> list[list[tuple[str, Any]]]:
    """The properties of each file, with the id that pytest has for them."""
    return [
        [
            (f"tests/fuzz/{path.name}::{name}", test)
            for name, test in inspect.getmembers(import_module(f"tests.fuzz.{path.stem}"), is_hypothesis_test)
        ]
        for path in sorted(Path(__file__).parent.glob("test_*.py"))
    ]


def in_equal_shares(parts: Sequence[Part], end: float) -> Iterator[tuple[Part, float]]:
    """Each part, and until when by the clock it may run: its share of what is left when it starts."""
    for done, part in enumerate(parts):
        now = time.monotonic()
        yield part, now + (end - now) / (len(parts) - done)


class Counter:
    """Counts the examples that a property was tried on to the end."""

    def __init__(self, test: Any) -> None:
        self.count = 0
        inner = test.hypothesis.inner_test

        @wraps(inner)
        def counted(*arguments: Any, **named: Any) -> None:
            inner(*arguments, **named)
            self.count += 1

        test.hypothesis.inner_test = counted


def search(name: str, test: Any, end: float) -> tuple[int, bool]:
    """Try a property until then by the clock.

    Returns:
        The number of examples, and whether it failed on one; that one is printed.
    """
    counter = Counter(test)
    while True:
        try:
            test()
        except Exception:
            traceback.print_exc()
            click.echo(f"{name} fails. Add the input above to it as @example(...) and run: pytest {name}\n", err=True)
            return counter.count, True
        if time.monotonic() > end:
            return counter.count, False


def main() -> int:
    """Run all properties, print the number of examples of each, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of all properties together (default: 10)")
    minutes = parser.parse_args().minutes
    settings.load_profile(FUZZ)
    total, failed = 0, []
    for properties, end_of_file in in_equal_shares(find_properties(), time.monotonic() + 60 * minutes):
        for (name, test), end in in_equal_shares(properties, end_of_file):
            count, fails = search(name, test, end)
            total += count
            failed += [name] * fails
            click.echo(f"{count:9,}  {name}{'  FAILED' if fails else ''}")
    click.echo(f"{total:9,}  examples in all, {len(failed)} properties failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
