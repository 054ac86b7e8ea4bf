"""Before any work: every node sees the same folders and has the same code and versions."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.errors import UserError, describe_failure
from bench.settings.accuracy import TrainPrecision
from bench.storage.store import LOCK_NAME
from bench.sweep.cluster.nodes import Node
from bench.system.fork_server import worker_context
from bench.system.installation import PROJECT_ROOT, install_command
from bench.system.machine import commit, versions

_ANSWER_S = 180.0
"""A node loads torch, perhaps from a shared disk."""
_SEEN_AFTER_S = 5.0
"""A file may come late to the other nodes of a network disk."""
_ANY_GPU = 0.01
_MEASURING_NOTHING = ("analysis", "cli", "decision", "guard", "render", "reports.py")
"""In `bench/`: what reads and shows records. A node may have another version of it."""


@dataclass(frozen=True)
class Folders:
    """Absolute paths, which travel to the nodes."""

    results: Path
    data_root: Path | None
    weights_dir: Path | None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a node found of itself. unseen: what it does not see, in words. precision: of its trainings; None without
    the device, or where nobody asked."""

    unseen: str | None
    source: str
    versions: dict[str, str]
    precision: TrainPrecision | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What every node must have, as the driver has it. commit: for words."""

    folders: Folders
    source: str
    versions: dict[str, str]
    commit: str

    @classmethod
    def of_driver(cls, folders: Folders) -> Wanted:
        return cls(folders=folders, source=source_digest(), versions=_measuring_versions(), commit=commit())


def refuse_this_node(name: str, wanted: Wanted) -> None:
    """Runs on a node that measures, which may have joined after the others were checked.

    Raises:
        UserError: it does not fit, with what to do there.
    """
    _refuse_other(
        name,
        Findings(unseen=_unseen(wanted.folders, LOCK_NAME), source=source_digest(), versions=_measuring_versions()),
        wanted,
    )


def look(folders: Folders, token: str, device: str) -> Findings:
    """Runs on the node that is checked."""
    with ProcessPoolExecutor(1, mp_context=worker_context("bench.sweep.measure")) as worker:
        precision = worker.submit(_own_precision, device).result()
    return Findings(
        unseen=_unseen(folders, token),
        source=source_digest(),
        versions=_measuring_versions(),
        precision=precision,
    )


def _own_precision(device: str) -> TrainPrecision | None:
    """In a process of its own: one that measures nothing need not hold torch."""
    import torch

    from bench.accuracy.precision import fastest_precision

    return fastest_precision(device) if device == "cpu" or torch.cuda.is_available() else None


def check_nodes(nodes: Sequence[Node], folders: Folders, device: str) -> TrainPrecision:
    """Check those that can take a cell, and say in which precision all of them train.

    Args:
        nodes: all that can take a cell; those without a GPU take no training on "cuda".
        folders: that must be seen by the same path.
        device: of the trainings.

    Raises:
        UserError: the first node that does not fit, with what to do there.
    """
    device_of = {node: device if node.gpus else "cpu" for node in nodes}
    with _token(folders.results) as token:
        asked = [(node, _ask(node, folders, token, device_of[node])) for node in nodes]
        findings = {node: _answer(node, ref) for node, ref in asked}
    wanted = Wanted.of_driver(folders)
    for node, found in findings.items():
        _refuse_other(node.name, found, wanted)
        _refuse_without_device(node.name, found)
    return _common_precision({node: found for node, found in findings.items() if device_of[node] == device}, device)


def _common_precision(findings: Mapping[Node, Findings], device: str) -> TrainPrecision:
    nodes_of = {found.precision: node.name for node, found in findings.items() if found.precision}
    if len(nodes_of) > 1:
        words = ", ".join(f"{precision} on {name}" for precision, name in nodes_of.items())
        raise UserError(
            f"the nodes would train on {device} in different precisions: {words}. Their mIoUs could not be compared: "
            "make a cluster of nodes of one kind."
        )
    (precision,) = nodes_of
    return precision


def _ask(node: Node, folders: Folders, token: str, device: str) -> ray.ObjectRef[Findings]:
    return (
        ray.remote(num_cpus=0, num_gpus=_ANY_GPU if device == "cuda" else 0)(look)
        .options(
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False),
        )
        .remote(folders, token, device)
    )


def _answer(node: Node, ref: ray.ObjectRef[Findings]) -> Findings:
    try:
        return ray.get(ref, timeout=_ANSWER_S)
    except ray.exceptions.GetTimeoutError:
        why = f"did not answer within {_ANSWER_S:g} s. `ray status` says whether it is busy"
    except (ray.exceptions.RayError, ImportError, RuntimeError) as error:
        why = f"cannot run bench: {describe_failure(error)}. Install this code ({commit()}) in Ray's environment there"
    raise UserError(f"node {node.name} {why}; then run the same command.")


def _refuse_other(name: str, found: Findings, wanted: Wanted) -> None:
    if found.unseen:
        raise UserError(f"node {name} {found.unseen}. Mount it there under the same path, then run the same command.")
    if found.source != wanted.source:
        raise UserError(
            f"node {name} has other code in bench/ or variants/ than the machine that sweeps. "
            f"Install the same code there ({wanted.commit}), then run the same command."
        )
    other = [
        f"{package} {version} (here {wanted.versions[package]})"
        for package, version in found.versions.items()
        if version != wanted.versions[package]
    ]
    if other:
        raise UserError(
            f"node {name} has {', '.join(other)}. `{install_command()}` there and here makes them "
            "the same; start Ray there again, then run the same command."
        )


def _refuse_without_device(name: str, found: Findings) -> None:
    if found.precision is None:
        raise UserError(
            f"node {name} has a GPU that torch cannot use. `bench doctor` there says more; or pass "
            "--gpus-per-variant 0."
        )


def _measuring_versions() -> dict[str, str]:
    """Without Python's: no number depends on it, and Ray itself wants the same everywhere."""
    return {name: version for name, version in versions().items() if name != "python"}


def _unseen(folders: Folders, token: str) -> str | None:
    """What is not there, in words."""
    deadline = time.monotonic() + _SEEN_AFTER_S
    while not (folders.results / token).is_file():
        if time.monotonic() > deadline:
            return f"does not see what this machine writes into {folders.results}, the results folder"
        time.sleep(0.1)
    if not os.access(folders.results, os.W_OK):
        return f"cannot write into {folders.results}, the results folder"
    for path, name in ((folders.data_root, "data"), (folders.weights_dir, "weights")):
        if path is not None and not path.is_dir():
            return f"does not see {path}, the {name} folder"
    return None


@contextmanager
def _token(results: Path) -> Iterator[str]:
    """A file that only those see who see this very folder."""
    was_there = results.is_dir()
    path = results / f".seen-{secrets.token_hex(8)}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise UserError(f"cannot write {results}: {error.strerror}. Pass --results FOLDER.") from None
    try:
        yield path.name
    finally:
        path.unlink(missing_ok=True)
        if not was_there:
            results.rmdir()


def source_digest() -> str:
    """16 hex digits over the files that decide what is measured and how, as they are on the disk now."""
    out = hashlib.sha256()
    for folder in ("bench", "variants"):
        for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
            inside = path.relative_to(PROJECT_ROOT)
            if inside.parts[1] not in _MEASURING_NOTHING:
                out.update(f"{inside.as_posix()}\n".encode() + path.read_bytes())
    return out.hexdigest()[:16]
