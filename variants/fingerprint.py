"""What code builds a spec: a fingerprint that changes when a result may change, and only then."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from variants.context import context_source
from variants.spec import VariantSpec

_ALWAYS = ("variants.network", "variants.decoder", "variants.layers", "variants.backbones.timm_adapter")
_WITH_MODULE = ("variants.frm",)


def code_fingerprint(spec: VariantSpec) -> str:
    """12 hex digits over the code that builds `spec` and timm's version.

    An edited context block changes the fingerprint of the variants that use it and of no other.
    Comments, docstrings and layout do not count.
    """
    modules = set(_ALWAYS)
    if spec.fused_stages:
        modules |= set(_WITH_MODULE) | _closure(context_source(spec.context))
    parts = [f"{name} {_code(name)}" for name in sorted(modules)] + [f"timm {version('timm')}"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _closure(module: str) -> set[str]:
    """A context block's module and the modules beside it that it imports, to any depth."""
    package = module.rpartition(".")[0]
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += [m for m in _imports(name) if m.startswith(f"{package}.") and m not in found]
    return found


def _imports(module: str) -> set[str]:
    """Names of the modules that a module imports; also `from package import module`."""
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {node.module} | {name for name in whole if _is_module(name)}
    return names


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@lru_cache
def _code(module: str) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _tree(module: str) -> ast.Module:
    found = find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(module)
    return ast.parse(Path(found.origin).read_text(encoding="utf-8"))
