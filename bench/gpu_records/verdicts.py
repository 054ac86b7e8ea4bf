"""Whether a step gave what was wanted, read from what its command printed or stored."""

from __future__ import annotations

import json
from typing import Any

from bench.analysis.selection import settle
from bench.errors import ExitCode, UserError
from bench.gpu_records.process import Ended
from bench.storage.store import Store


class StepFailedError(UserError):
    """A step did not give what was wanted; says why."""


def judge_duel(ended: Ended) -> str:
    """Read the JSON of `bench duel`.

    Raises:
        StepFailedError: it ended with another exit code than 0, or printed no JSON.
    """
    data = _json_of(ended, ExitCode.FINE)
    ratio, (a, b) = data["b_over_a"], (data[side]["setting"]["runtime"] for side in ("a", "b"))
    return f"{b} over {a}: {_interval(ratio['ratio'], ratio['low'], ratio['high'])}, {data['restarts']} restarts"


def judge_guard(ended: Ended, wanted: str | None) -> str:
    """Read the JSON of `bench guard --latency` on one variant.

    Args:
        ended: how it ended.
        wanted: the state that is true of the variant; None takes any.

    Raises:
        StepFailedError: it printed no JSON, or called the variant something else.
    """
    data = _json_of(ended, ExitCode.FINE, ExitCode.CHECK_FAILED, ExitCode.NOTHING_MEASURED)
    if not data["variants"]:
        raise StepFailedError("the guard compared nothing")
    found = data["variants"][0]
    ratio, reason = found.get("ratio"), f": {found['reason']}" if found["reason"] else ""
    words = f"{found['state']}, ratio {_interval(**ratio)}" if ratio else f"{found['state']}{reason}"
    if wanted is not None and found["state"] != wanted:
        raise StepFailedError(f"the guard must say {wanted}, and it says {words}")
    return words


def judge_sweep(ended: Ended, store: Store, sweep: str) -> str:
    """Look at the records of a sweep.

    Raises:
        StepFailedError: a planned record is missing, or of a failure; or the command did not end well.
    """
    try:
        plan, records = store.read_plan(sweep).keys, settle(store.read(sweep))
    except UserError:
        raise StepFailedError(_how(ended)) from None
    there = [records[key] for key in plan if key in records]
    done = sum(record.status == "ok" for record in there)
    words = f"{done} of {len(plan)} records are there"
    failed = next((record for record in there if record.status == "failed"), None)
    if failed is not None:
        raise StepFailedError(f"{words}; {failed.group} of {failed.variant} failed: {failed.reason}")
    if ended.timed_out or ended.code != ExitCode.FINE:
        raise StepFailedError(f"{words}; {_how(ended)}")
    return words


def _json_of(ended: Ended, *codes: int) -> dict[str, Any]:
    if ended.timed_out or ended.code not in codes:
        raise StepFailedError(_how(ended))
    try:
        data: dict[str, Any] = json.loads(ended.output)
    except ValueError:
        raise StepFailedError(f"it printed no JSON; {_how(ended)}") from None
    return data


def _how(ended: Ended) -> str:
    if ended.timed_out:
        return f"stopped after {ended.seconds:.0f} s, its time was up"
    return f"it ended with exit code {ended.code}: {ended.last_line or 'it said nothing'}"


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"
