"""Several commands of `bench` in one fresh process, which loads torch and the code once: as many processes would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conftest import bench_environment

_CODE = """
import io, json, sys, warnings
from contextlib import redirect_stderr, redirect_stdout
from bench.cli import main
from bench.system.fork_server import announce

announce("bench.sweep.measure")
results = []
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors), warnings.catch_warnings():
        try:
            main()
        except SystemExit as end:
            results.append([int(end.code or 0), output.getvalue(), errors.getvalue()])
print(json.dumps(results))
"""


def run_commands(
    *commands: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
) -> list[subprocess.CompletedProcess[str]]:
    """What each command gave; one that raises an error, which is no exit of `bench`, raises it here."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, json.dumps([list(command) for command in commands])],
        cwd=cwd,
        env=bench_environment() | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    return [
        subprocess.CompletedProcess(list(command), *result) for command, result in zip(commands, results, strict=True)
    ]
