"""What code builds a spec: a fingerprint that changes when a result may change, and only then."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from importlib.metadata import version as _uncached_version
from importlib.util import find_spec, resolve_name
from pathlib import Path

from variants.backbones import backbone_source
from variants.context import context_source
from variants.networks import NETWORKS
from variants.spec import VariantSpec

_version = lru_cache(_uncached_version)
_ALWAYS = ("variants.network", "variants.layers")
_TABLES = frozenset(
    f"variants{name}"
    for name in ("", ".axes", ".backbones", ".claims", ".context", ".errors", ".networks", ".registry", ".spec")
)
"""What says which parts there are, and builds none."""
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
    """A module and those that it imports, to any depth, as far as they build it.

    Of ours: the modules beside it. Of a package from elsewhere: all of that package, and what it takes
    from this one but its tables.
    """
    ours = module.startswith("variants.")
    inside = f"{module.rpartition('.')[0]}." if ours else f"{module.partition('.')[0]}."
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        found.add(name)
        imported = _imports(name)
        if ours:
            followed = {m for m in imported if m.startswith(inside)}
        else:
            followed = {m for m in imported if f"{m}.".startswith((inside, "variants.")) and m not in _TABLES}
        waiting += [m for m in followed - found if _source(m)]
    return frozenset(found)


def _imports(module: str) -> set[str]:
    """Names of the modules that a module imports, also `from package import module`; relative ones resolved.

    Modules inside packages that nobody follows, such as `torch.nn`, are left out: finding one loads its package.
    """
    package = module if _is_package(module) else module.rpartition(".")[0]
    followed = (f"{module.partition('.')[0]}.", "variants.")
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            inside = f"{origin}.".startswith(followed) and _is_package(origin)
            whole = {f"{origin}.{alias.name}" for alias in node.names} if inside else set()
            names |= {origin} | {name for name in whole if _source(name)}
    return names


def _is_package(module: str) -> bool:
    spec = find_spec(module)
    return spec is not None and bool(spec.submodule_search_locations)


def _source(module: str) -> Path | None:
    """The file of a module that is Python source; None for any other, and for what is no module."""
    try:
        spec = find_spec(module)
    except (ModuleNotFoundError, ValueError):
        return None
    origin = Path(spec.origin) if spec and spec.origin else None
    return origin if origin is not None and origin.suffix == ".py" else None


@lru_cache
def _code(module: str) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return hashlib.sha256(repr(_content(tree)).encode()).hexdigest()


def _content(node: object) -> object:
    """A syntax tree without what is empty: the same in all versions of Python, unlike its text and its dump.

    Newer versions give nodes more fields, which older code leaves empty.
    """
    if isinstance(node, list):
        return [_content(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    filled = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
    is_none = isinstance(node, ast.Constant) and node.value is None
    return type(node).__name__, *((name, _content(value)) for name, value in filled), *(["None"] if is_none else [])


def _tree(module: str) -> ast.Module:
    source = _source(module)
    if source is None:
        raise ModuleNotFoundError(module)
    return ast.parse(source.read_text(encoding="utf-8"))
