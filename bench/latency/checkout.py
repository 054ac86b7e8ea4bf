"""Checkouts of the project under test: the git repository of the current folder, at one revision or as it is."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError

WORKING_TREE = "."
"""Names the files as they are, committed or not."""
_REF_FORMS = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
"""The references that a short name may mean, by git's rules for revisions (gitrevisions(7))."""
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


class UnknownRevisionError(UserError):
    """A name that git takes for no commit."""


@dataclass(frozen=True)
class Checkout:
    """A project's folder.

    label: the revision as asked for, and its commit. code: the same of two checkouts of the same code.
    """

    root: Path
    label: str
    code: str


@contextmanager
def checked_out(revision: str, folder: Path | None = None) -> Iterator[Checkout]:
    """The project at a revision, in a git worktree that goes with the block; or the working tree itself.

    Args:
        revision: what git takes for a commit, or `.`.
        folder: in the project; the current one.

    Raises:
        UserError: there is no git repository for a revision, or no such revision, or the revision has no such project.
    """
    if revision == WORKING_TREE:
        yield _working_tree((folder or Path.cwd()).resolve())
        return
    repository = repository_of(folder or Path.cwd())
    project = project_of((folder or Path.cwd()).resolve(), repository)
    commit = _short(repository, revision)
    inside = project.relative_to(repository)
    with _worktree(repository, commit) as root:
        if not (root / inside).is_dir():
            raise UserError(f"{revision} has no folder {inside}, so there is no project of then to compare with.")
        yield Checkout(root / inside, _label(revision, commit), commit)


@contextmanager
def checked_out_folder(revision: str, folder: Path) -> Iterator[tuple[Path, str]]:
    """A folder of a git repository as it was at a revision; it may not have been there.

    Args:
        revision: what git takes for a commit.
        folder: as it is now; it need not exist.

    Returns:
        Where it is, for as long as the block lasts, and the revision with its commit.

    Raises:
        UserError: the folder is in no git repository, or there is no such revision.
    """
    place = folder.resolve()
    repository = repository_of(next(one for one in (place, *place.parents) if one.is_dir()))
    commit = _short(repository, revision)
    with _worktree(repository, commit) as root:
        yield root / place.relative_to(repository), _label(revision, commit)


@contextmanager
def _worktree(repository: Path, commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        root = Path(temporary) / "tree"
        _git(repository, "worktree", "add", "--quiet", "--detach", str(root), commit, or_else=_no_worktree)
        try:
            yield root
        finally:
            _git(repository, "worktree", "remove", "--force", str(root), or_else=lambda _: None)


def _label(revision: str, commit: str) -> str:
    """The revision with its commit; an abbreviated or a whole commit stands for itself, in 12 digits."""
    is_commit = commit.startswith(revision) or revision.startswith(commit)
    return commit if is_commit else f"{revision} ({commit})"


def _working_tree(folder: Path) -> Checkout:
    """The project as it is; the folder itself where there is no git repository."""
    try:
        repository = repository_of(folder)
    except UserError:
        return Checkout(folder, "this folder", "this folder")
    last = _short(repository, "HEAD")
    code = f"{last} and changes" if uncommitted(folder) else last
    return Checkout(project_of(folder, repository), f"working tree on {last}", code)


def repository_of(folder: Path) -> Path:
    """The top of the git repository that a folder is in.

    Raises:
        UserError: it is in none.
    """
    return Path(_git(folder, "rev-parse", "--show-toplevel", or_else=_no_repository)).resolve()


def project_of(folder: Path, repository: Path) -> Path:
    """The folder, or the nearest above it in its repository, that a Python project is in; else the repository's top."""
    inside = [one for one in (folder, *folder.parents) if one.is_relative_to(repository)]
    return next((one for one in inside if any((one / name).is_file() for name in _PROJECT_FILES)), repository)


def uncommitted(folder: Path | None = None) -> bool:
    """Whether tracked files differ from the last commit."""
    return bool(_git(folder or Path.cwd(), "status", "--porcelain", "--untracked-files=no", or_else=_no_repository))


def _short(repository: Path, revision: str) -> str:
    def refuse(words: str) -> None:
        raise UnknownRevisionError(
            f"{revision!r} is no commit of {repository}. `git log --oneline` shows them; a shallow clone "
            "has only a few (`git fetch --unshallow`)."
        )

    if revision.startswith("-"):
        refuse("")
    commit = _commit(repository, revision, or_else=refuse)
    _refuse_ambiguous(repository, revision)
    return commit


def _commit(repository: Path, revision: str, or_else: object = None) -> str:
    """12 hex digits of the commit that a name means; "" where it means none and `or_else` does not raise."""
    arguments = ("rev-parse", "--short=12", "--verify", "--quiet", f"{revision}^{{commit}}")
    return _git(repository, *arguments, or_else=or_else)


def _refuse_ambiguous(repository: Path, revision: str) -> None:
    """Refuse a name of two references, or of a reference and an abbreviated commit, that mean different commits."""
    found = {ref: commit for form in _REF_FORMS if (commit := _commit(repository, ref := form.format(revision)))}
    if found and re.fullmatch("[0-9a-f]{4,39}", revision):
        objects = _git(repository, "rev-parse", f"--disambiguate={revision}", or_else=None).split()
        found |= {name: commit for name in objects if (commit := _commit(repository, name))}
    if len(set(found.values())) > 1:
        named = " and ".join(f"{name} ({commit})" for name, commit in found.items())
        raise UserError(f"{revision!r} is ambiguous: {named}. Write one of them in full.")


def _git(folder: Path, *arguments: str, or_else: object) -> str:
    """What git prints; where it fails, `or_else` is called with its last line."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UserError("git is not installed, and checkouts need it.") from None
    if done.returncode and callable(or_else):
        or_else((done.stderr.strip().splitlines() or ["git failed"])[-1])
    return done.stdout.strip()


def _no_repository(words: str) -> None:
    raise UserError(f"{Path.cwd()} is in no git repository, so there is nothing to check out. Run it in the project.")


def _no_worktree(words: str) -> None:
    raise UserError(f"git cannot make a worktree: {words}. `git worktree prune` clears away old ones.")
