"""Inside a host process: fork a child a measurement, which builds its network anew and takes one sample when told to.

A host loads torch once. What differs between processes lies in the memory of the network, which every child lays out
anew (`bench.latency.memory_layout`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import torch

from bench.errors import describe_failure
from bench.latency.job import GO, OUTSIDE_SIGNALS, Job
from bench.latency.memory_layout import memory_laid_out_anew
from bench.latency.runtimes import prepare_checked
from bench.latency.scope import make_pass, wait_for
from bench.latency.warmup import warm_up
from variants.errors import VariantError
from variants.names import parse_name
from variants.network import build

_THE_CLOCK = ("bench", "__main__")


def serve(answers: TextIO, root: Path) -> None:
    """Answer each line of stdin in JSON: a job to fork for; then, by the child, `go` for a sample and `end`.

    Args:
        root: of the project whose networks are timed.
    """
    warnings.simplefilter("ignore")  # of libraries about each other
    _say(answers, ready=True)
    while (line := _next_line()) is not None:
        if not line.startswith("{"):
            continue  # meant for a child that was killed before it read it, or all of it
        job = Job.from_json(json.loads(line))
        _load_code(job)
        child = os.fork()
        if child == 0:
            _be_child(job, answers, root)
        _, status = os.waitpid(child, 0)
        _say(answers, ended=True, reason=_reason(status), from_outside=_is_from_outside(status))


def _load_code(job: Job) -> None:
    """In the parent, so that no child reads a source file; an error is the child's to tell."""
    try:
        with torch.device("meta"):
            build(parse_name(job.variant), job.setting.classes)
    except Exception:  # noqa: S110 - the child meets it again, and says so
        pass


def _be_child(job: Job, answers: TextIO, root: Path) -> None:
    """Prepare, answer to each `go` with the nanoseconds of a sample, and end without the parent's clean-up."""
    try:
        with memory_laid_out_anew():
            sample = prepare_pass(job)
            _say(answers, ready=True, of_project=_has_code_of(root))
            while _next_line() == GO:
                _say(answers, ns=_time(sample))
        os._exit(0)
    except BaseException as error:
        refused = isinstance(error, VariantError)
        _say(answers, failed=describe_failure(error), from_outside=_lacks_memory(error), refused=refused)
        os._exit(1)


def _has_code_of(root: Path) -> bool:
    """Whether anything of what is loaded, but for the clock, is of the project."""
    installed, project = Path(sys.prefix).resolve(), root.resolve()
    others = (module for name, module in list(sys.modules.items()) if name.partition(".")[0] not in _THE_CLOCK)
    files = (Path(file).resolve() for module in others if (file := getattr(module, "__file__", None)))
    return any(file.is_relative_to(project) and not file.is_relative_to(installed) for file in files)


def _lacks_memory(error: BaseException) -> bool:
    """Several networks lie in memory at once, so that no one of them is to blame."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _time(sample: Callable[[], None]) -> int:
    start = time.perf_counter_ns()
    sample()
    return time.perf_counter_ns() - start


def _next_line() -> str | None:
    """The next line of stdin; None at its end. Read byte by byte: what is read ahead is lost to the other process."""
    line = bytearray()
    while (byte := os.read(sys.stdin.fileno(), 1)) != b"\n":
        if not byte:
            return None
        line += byte
    return line.decode()


def _reason(status: int) -> str:
    """Why a child ended; "" where it ended well."""
    if os.WIFSIGNALED(status):
        return f"its process was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return "" if os.WEXITSTATUS(status) == 0 else f"its process ended with exit code {os.WEXITSTATUS(status)}"


def _is_from_outside(status: int) -> bool:
    """Whether others ended a child, such as the system for lack of memory, and not an error of its own."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) in OUTSIDE_SIGNALS


def _say(answers: TextIO, **words: Any) -> None:
    answers.write(json.dumps(words) + "\n")
    answers.flush()


def prepare_pass(job: Job) -> Callable[[], None]:
    """Build the job's network from random weights, the same in every process, and warm it up.

    Returns:
        One sample, of all passes that the job wants.

    Raises:
        UserError: the runtime is not there, cannot take the network, or gives something else than eager.
        VariantError: the network cannot be built.
    """
    setting = job.setting
    torch.set_num_threads(setting.threads)
    torch.manual_seed(0)
    net = build(parse_name(job.variant), setting.classes).eval()
    ready, _ = prepare_checked(net, setting, Path(job.exported))
    with torch.inference_mode():
        one = make_pass(ready, setting)
    wait = wait_for(setting.device)

    def run(passes: int) -> None:
        with torch.inference_mode():
            for _ in range(passes):
                one()
        wait()

    warm_up(partial(run, 1), brief=True)
    return partial(run, job.passes)
