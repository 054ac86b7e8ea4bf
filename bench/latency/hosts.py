"""Host processes seen from outside: started side by side, told what to fork for, one pass at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import psutil

from bench.errors import UserError
from bench.latency.job import END, GO, OUTSIDE_SIGNALS, Job

_SCRIPT = Path(__file__).with_name("host_main.py")
_LOG_BYTES = 4000
_KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 26)}
"""Bytes, of glibc's malloc (its manual, "Malloc Tunable Parameters"): what a pass frees is never given back to the
system. Else a pass of a large image takes thousands of page faults, more or fewer by where its memory came to lie."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a host, or its child, could not measure.

    from_outside: it was ended by others, not by an error of its own. refused: its project has no such variant.
    """

    label: str
    reason: str
    from_outside: bool = False
    refused: bool = False


class SideFailedError(UserError):
    """Networks that cannot be measured, with all that failed at that moment; the words are of the first."""

    def __init__(self, *failures: Failure) -> None:
        super().__init__(f"{failures[0].label}: {failures[0].reason}")
        self.failures = failures


@dataclass(kw_only=True)
class Host:
    """A host process. Talks in lines of JSON. has_child: whether it waits for a child that runs passes."""

    label: str
    process: subprocess.Popen[str]
    log: IO[bytes]
    has_child: bool = False

    def tell(self, line: str) -> None:
        """Send one line."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._gone() from None

    def hear(self) -> dict[str, Any]:
        """Wait for the answer.

        Raises:
            SideFailedError: the process or its child failed or ended.
        """
        answer = self._hear_line()
        if "failed" in answer:
            self._hear_line()  # of the parent, that its child has ended
        if "failed" in answer or "ended" in answer:
            self.has_child = False
        reason = answer.get("failed") or answer.get("reason")
        if reason:
            kind = {key: answer.get(key, False) for key in ("from_outside", "refused")}
            raise SideFailedError(Failure(label=self.label, reason=reason, **kind))
        return answer

    def cpu_seconds(self) -> float:
        """That the process and those of its children that have ended took so far; 0 of one that is gone."""
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return float(times.user + times.system + times.children_user + times.children_system)

    def close(self) -> None:
        """End the process; its child, if it has one, ends by itself when nobody talks to it any more."""
        self.process.kill()
        self.process.communicate()
        self.log.close()

    def _hear_line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise self._gone()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _gone(self) -> SideFailedError:
        self.has_child = False
        killed = -self.process.wait() in OUTSIDE_SIGNALS  # its end of the pipe is closed: it has ended, or is about to
        return SideFailedError(Failure(label=self.label, reason=self._last_words(), from_outside=killed))

    def _last_words(self) -> str:
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - _LOG_BYTES))
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return f"its process ended: {lines[-1] if lines else 'it said nothing'}"


@contextmanager
def started(roots: Sequence[tuple[str, Path]], keep_memory: bool = False) -> Iterator[list[Host]]:
    """Hosts for checkouts, each with its label; they load torch side by side and end with the block.

    Args:
        keep_memory: from pass to pass, where the C library is glibc: times are shorter and differ less between
            processes, but are not those of a process as users start it.

    Raises:
        SideFailedError: some could not load their checkouts.
    """
    hosts: list[Host] = []
    try:
        for label, root in roots:
            hosts.append(_start(label, root, _KEEP_MEMORY if keep_memory else {}))
        _hear_all(hosts)
        yield hosts
    finally:
        for host in hosts:
            host.close()


@contextmanager
def children(hosts: Sequence[Host], jobs: Sequence[Job]) -> Iterator[list[dict[str, Any]]]:
    """A child of each host, for its job; gives what the children say of themselves. They prepare side by side.

    Raises:
        SideFailedError: networks that cannot be measured.
    """
    try:
        for host, job in zip(hosts, jobs, strict=True):
            host.tell(json.dumps(job.to_json()))
            host.has_child = True
        yield _hear_all(hosts)
    finally:
        _end_children(hosts)


def _hear_all(hosts: Sequence[Host]) -> list[dict[str, Any]]:
    """What each answers; all are heard before the failed ones are told of."""
    answers: list[dict[str, Any]] = []
    failures: list[Failure] = []
    for host in hosts:
        try:
            answers.append(host.hear())
        except SideFailedError as error:
            failures += error.failures
    if failures:
        raise SideFailedError(*failures)
    return answers


def _end_children(hosts: Sequence[Host]) -> None:
    """End all that still run, so that every host listens for its next job."""
    running = [host for host in hosts if host.has_child]
    for host in running:
        with suppress(SideFailedError):  # of a host that is gone, which hearing it tells again
            host.tell(END)
    _hear_all(running)


def take_sample(host: Host) -> int:
    """Nanoseconds of one sample by the host's child."""
    host.tell(GO)
    return int(host.hear()["ns"])


def _start(label: str, root: Path, variables: Mapping[str, str]) -> Host:
    log = TemporaryFile()  # noqa: SIM115 - closed with the host
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONDONTWRITEBYTECODE": "1", **variables}
    process = subprocess.Popen(
        [sys.executable, str(_SCRIPT), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=environment,
    )
    return Host(label=label, process=process, log=log)
