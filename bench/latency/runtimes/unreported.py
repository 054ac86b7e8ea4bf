"""OpenVINO and ONNX Runtime without their telemetry, which is on by default and would work beside a timed pass."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_SILENCE = {"CI": "true", "ORT_DISABLE_TELEMETRY": "1"}
"""OpenVINO sends no usage data from where it takes for CI; the other is ONNX Runtime's own, read as it loads."""


@contextmanager
def unreported() -> Iterator[None]:
    """Neither tells anybody of what the block does: for importing them, and for converting to OpenVINO."""
    before = {name: os.environ.get(name) for name in _SILENCE}
    os.environ.update(_SILENCE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
