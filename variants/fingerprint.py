"""What code builds a spec: a fingerprint that changes when a result may change, and only then."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from importlib.metadata import version as _uncached_version
from importlib.util import find_spec
from pathlib import Path

from variants.backbones import backbone_source
from variants.context import context_source
from variants.networks import NETWORKS
from variants.spec import VariantSpec

_version = lru_cache(_uncached_version)
_ALWAYS = ("variants.network", "variants.layers")
_OURS = ("variants.segmenter", "variants.decoder")
_MODULE = ("variants.frm", "variants.fusion")


def code_fingerprint(spec: VariantSpec) -> str:
    """12 hex digits over the code that builds `spec`, and the versions of the packages that do.

    An edited context block changes the fingerprint of the variants that use it and of no other.
    Comments, docstrings and layout do not count.
    """
    parts = [f"{name} {_code(name)}" for name in sorted(source_modules(spec))]
    parts += [f"{package} {_version(package)}" for package in ("timm", *NETWORKS[spec.network].packages)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def source_modules(spec: VariantSpec) -> set[str]:
    """The modules whose code builds `spec`."""
    entry = NETWORKS[spec.network]
    plugged = {entry.module} if spec.network != "frm" else set()
    if spec.backbone:
        plugged.add(backbone_source(spec.backbone))
    if spec.context:
        plugged.add(context_source(spec.context))
    modules = set(_ALWAYS).union(*(_closure(module) for module in plugged))
    if spec.network == "frm":
        modules |= set(_OURS) | (set(_MODULE) if spec.fused_stages else set())
    return modules


@lru_cache
def _closure(module: str) -> frozenset[str]:
    """A module and the modules beside it that it imports, to any depth; not its package's table."""
    package = module.rpartition(".")[0]
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        found.add(name)
        beside = [m for m in _imports(name) if package and m.startswith(f"{package}.")]
        waiting += [m for m in beside if m not in found]
    return frozenset(found)


def _imports(module: str) -> set[str]:
    """Names of the modules that a module imports; also `from package import module`."""
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(
                [*module.split(".")[: -node.level], node.module or ""] if node.level else [node.module or ""]
            )
            whole = {f"{origin.rstrip('.')}.{alias.name}" for alias in node.names}
            names |= {origin.rstrip(".")} | {name for name in whole if _is_module(name)}
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
