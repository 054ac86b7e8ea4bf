"""Where this code comes from: a git checkout, or a package that pip installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_THIS_FILE = Path(__file__).resolve()
PROJECT_ROOT = _THIS_FILE.parent.parent.parent
"""The folder that holds `bench/` and `variants/`: a checkout, or `site-packages`."""
_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Git sets these in its hooks. They name the hook's repository, which need not be this project's."""


def checkout_commit() -> str:
    """Return the commit of the git checkout that this code is in.

    Returns:
        12 hex digits, followed by `+changes` where tracked code differs from the commit. Space files are not code.
        Empty where git does not track this file, as in a virtual environment inside another project's repository.
    """
    if not _git("ls-files", "--", str(_THIS_FILE)):
        return ""
    head = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "bench", "variants", ":!variants/spaces")
    return f"{head}+changes" if head and changed else head


def installed_release() -> str:
    """Return the release that pip installed.

    Returns:
        The commit that pip fetched from git, 12 hex digits; for any other source `version 0.2.0`. Empty where this
        file is not one of an installed package.
    """
    package = _installed_package()
    if package is None:
        return ""
    source = json.loads(package.read_text("direct_url.json") or "{}")  # PEP 610
    fetched: str = source.get("vcs_info", {}).get("commit_id", "")
    return fetched[:12] or f"version {package.version}"


def install_command() -> str:
    """Return the pip command that installs this project with its dependencies once more."""
    package = _installed_package()
    if package is None:
        return "pip install -e . -c constraints.txt"
    return f"pip install segmentation_bench-{package.version}-py3-none-any.whl"


def _installed_package() -> Distribution | None:
    try:
        package = distribution("segmentation-bench")
    except PackageNotFoundError:
        return None
    namesakes = (package.locate_file(file) for file in package.files or () if file.name == _THIS_FILE.name)
    return package if any(Path(str(path)).resolve() == _THIS_FILE for path in namesakes) else None


def _git(*arguments: str) -> str:
    """Return what git prints in this project's folder; empty where it fails."""
    if shutil.which("git") is None:
        return ""
    environment = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    command = ["git", "-C", str(PROJECT_ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return done.stdout.strip() if done.returncode == 0 else ""
