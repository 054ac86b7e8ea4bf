"""The code that measures: a digest that nodes compare."""

from __future__ import annotations

import hashlib

from bench.system.installation import PROJECT_ROOT

_MEASURING_NOTHING = ("cli", "judge", "render")


def source_digest() -> str:
    """16 hex digits over the files that decide what is measured and how, as they are on the disk now."""
    out = hashlib.sha256()
    for folder in ("bench", "variants"):
        for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
            inside = path.relative_to(PROJECT_ROOT)
            if inside.parts[1] not in _MEASURING_NOTHING:
                out.update(f"{inside.as_posix()}\n".encode() + path.read_bytes())
    return out.hexdigest()[:16]
