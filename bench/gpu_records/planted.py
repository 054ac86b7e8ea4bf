"""A git repository with revisions whose difference is known: equal networks, and networks that do twice the work.

The guard compares revisions. A copy of the project may have no history, and nobody knows by how much two of its own
revisions differ. So the networks as they are get a small history of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.errors import UserError
from bench.gpu_records.needs import PROJECT_ROOT

BASE, EQUAL, DOUBLED = "base", "equal_code", "twice_the_work"
"""Tags: the networks as they are, the same with a comment more, and with every pass made twice."""
_NETWORK = Path("variants/network.py")
_COMMENT = "\n# A comment, so that this is another commit of equal code.\n"
_TWICE = '''

_forward = Network.forward


def _forward_twice(self: Network, image: Tensor) -> Tensor:
    """A slow-down that is planted on purpose."""
    _forward(self, image)
    return _forward(self, image)


Network.forward = _forward_twice
'''


def make_repository(folder: Path) -> Path:
    """Commit the networks to a new repository in `folder`, with the tags `BASE`, `EQUAL` and `DOUBLED`.

    Returns:
        Its top.

    Raises:
        UserError: there is no git, or it fails.
    """
    if shutil.which("git") is None:
        raise UserError("git is not installed, and the guard compares revisions that git checks out. Install git.")
    top = folder / "planted"
    top.mkdir()
    shutil.copytree(PROJECT_ROOT / "variants", top / "variants", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_ROOT / "pyproject.toml", top)
    _git(top, "init", "--quiet")
    _commit(top, BASE)
    for tag, text in ((EQUAL, _COMMENT), (DOUBLED, _TWICE)):
        with (top / _NETWORK).open("a", encoding="utf-8") as file:
            file.write(text)
        _commit(top, tag)
    return top


def _commit(top: Path, tag: str) -> None:
    _git(top, "add", "--all")
    _git(top, "commit", "--quiet", "--no-verify", "--message", tag)
    _git(top, "tag", tag)


def _git(top: Path, *arguments: str) -> None:
    """Run git by its own defaults: the user's settings may ask for signatures, hooks or another default branch."""
    who = {f"GIT_{role}_{fact}": "bench" for role in ("AUTHOR", "COMMITTER") for fact in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(top), *arguments], capture_output=True, text=True, check=False, env=inherited | who | alone
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UserError(f"git {arguments[0]} failed in {top}: {said}. Run the step again.")
