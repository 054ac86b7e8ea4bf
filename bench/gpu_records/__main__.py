"""`python -m bench.gpu_records`: says what is missing before it imports it."""

from __future__ import annotations

import sys

from bench.gpu_records.needs import missing_packages

_NOTHING_MEASURED = 3


def main() -> None:
    """Entry point: refuse where packages are missing, else run the command."""
    if missing := missing_packages():
        sys.stderr.write(
            f"gpu-records: {sys.executable} lacks {', '.join(missing)}. `make gpu-records` installs them into .venv; "
            "without a network, carry them in a folder on PYTHONPATH (docs/latency.md, GPU records).\n"
        )
        sys.exit(_NOTHING_MEASURED)
    from bench.cli.gpu_records import run

    run()


if __name__ == "__main__":
    main()
