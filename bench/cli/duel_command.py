"""`bench duel`: two variants, runtimes or revisions in lock-step."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bench.cli.common.graceful_shutdown import polite_kill
from bench.cli.common.latency_options import restarts_option, say_if_unverified, seconds_option, setting_options
from bench.cli.common.options import json_option
from bench.cli.common.output import say
from bench.settings.runtimes import RUNTIME_LABELS, RuntimeName
from bench.stats.interval import CONFIDENCE

if TYPE_CHECKING:
    from bench.latency.duel import Duel, Duellist
    from bench.settings.latency import LatencySetting
    from bench.stats.paired_ratio import Ratio


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option("--runtime-b", type=click.Choice(list(RUNTIME_LABELS)), help="Of B.  [default: that of A]")
@click.option("--rev-a", default=".", show_default=True, help="Revision of A's code; `.` is the working tree.")
@click.option("--rev-b", help="Revision of B's code.  [default: that of A]")
@setting_options
@restarts_option
@seconds_option
@json_option
def command(
    first: str,
    second: str | None,
    runtime_b: RuntimeName | None,
    rev_a: str,
    rev_b: str | None,
    setting: LatencySetting,
    restarts: int,
    seconds: float,
    as_json: bool,
) -> None:
    """Time variants A and B (the same one without B) against each other.

    Each has a process of its own; a cycle is one pass of each, in shuffled order, so that what else happens on the
    machine weighs on both. Printed is the median over restarts of their median paired ratios, with its 95 % interval.

    \b
    bench duel resnet18+fpn64-head32 mobilenetv2_100+fpn64-head32
    bench duel resnet18+fpn64-head32 --runtime-b onnxruntime
    bench duel resnet18+fpn64-head32 --rev-a main --rev-b .
    """
    from bench.latency.duel import Duellist, fight
    from variants.names import parse_name

    name_a = parse_name(first).name
    a = Duellist(name_a, setting, rev_a)
    b = Duellist(
        parse_name(second).name if second else name_a,
        setting.replace(runtime=runtime_b) if runtime_b else setting,
        rev_b or rev_a,
    )
    say_if_unverified(a.setting, b.setting)
    say(f"A: {_describe(a)}")
    say(f"B: {_describe(b)}")
    with polite_kill("stopped; there is no result."):
        found = fight(
            a, b, restarts=restarts, seconds=seconds, on_restart=lambda done: say(f"restart {done} of {restarts}")
        )
    if found.restarts < restarts:
        say(f"time was up after {found.restarts} of {restarts} restarts; more --seconds than {seconds:g} give more")
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=1))
    else:
        _print(found)


def _describe(one: Duellist) -> str:
    from bench.latency.checkout import WORKING_TREE

    where = "" if one.revision == WORKING_TREE else f", revision {one.revision}"
    return f"{one.variant}{where}; {one.setting}"


def _print(found: Duel) -> None:
    from bench.analysis.latency_quality import doubts_of_conditions
    from bench.render.ratio_text import ratio_words

    click.echo(ratio_words(found.ratio, "A", "B"))
    click.echo(
        f"A {found.a_ms:.1f} ms, B {found.b_ms:.1f} ms, medians of {found.restarts} restarts of "
        f"{found.cycles} or more cycles; trust the ratio, not the times"
    )
    for doubt in doubts_of_conditions(found.conditions.to_json()):
        click.echo(f"doubtful: {doubt.words}. What to do: {doubt.mend}")


def _as_json(found: Duel) -> dict[str, Any]:
    from bench.system.machine import commit, machine_facts, versions

    ratio: Ratio = found.ratio
    sides = {
        side: asdict(one) | {"setting": one.setting.to_json(), "label": str(one.setting)}
        for side, one in (("a", found.a), ("b", found.b))
    }
    return sides | {
        "b_over_a": {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "level": CONFIDENCE},
        "could_hide": ratio.could_hide,
        "a_ms": found.a_ms,
        "b_ms": found.b_ms,
        "restarts": found.restarts,
        "cycles": found.cycles,
        "times_ns": found.times_ns,
        "conditions": found.conditions.to_json(),
        "machine": machine_facts(),
        "versions": versions(),
        "commit": commit(),
    }
