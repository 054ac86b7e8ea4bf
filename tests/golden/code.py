"""The code that the committed variants are built by, as keys see it. Loads `variants`, which loads torch for it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import version

from tests.golden.files import Golden, Lines, canonical
from tests.golden.keys import entries
from variants import fingerprint
from variants.networks import NETWORKS
from variants.spec import VariantSpec, make_spec

PACKAGES = ("segmentation_models_pytorch", "timm", "torchvision")
"""Those whose versions are in fingerprints."""


def spec_from(text: str) -> VariantSpec:
    """The spec of a line of specs.txt."""
    return make_spec(**json.loads(text)["axes"])


def code_of(specs: Lines) -> Golden:
    """The golden files of the code of some specs, as it is now."""
    built = {key: spec_from(text) for key, text in specs.items()}
    modules = set[str]().union(*map(fingerprint.source_modules, built.values()))
    hashes = {name: canonical(fingerprint._code(name)) for name in sorted(modules)}
    return {
        "code": hashes | {package: canonical(version(package)) for package in PACKAGES},
        "fingerprints": {key: canonical(fingerprint.code_fingerprint(spec)) for key, spec in sorted(built.items())},
    }


def fingerprint_with(spec: VariantSpec, versions: Mapping[str, str]) -> str:
    """The fingerprint of today's code beside packages of other versions than the installed ones.

    Written out here, so that it also checks `code_fingerprint`.
    """
    modules = [f"{name} {fingerprint._code(name)}" for name in sorted(fingerprint.source_modules(spec))]
    packages = [f"{name} {versions[name]}" for name in ("timm", *NETWORKS[spec.network].packages)]
    return hashlib.sha256("\n".join(modules + packages).encode()).hexdigest()[:12]


def golden_versions(golden: Golden) -> dict[str, str]:
    """The versions of packages that the golden fingerprints are of."""
    return {package: json.loads(golden["code"][package]) for package in PACKAGES}


def other_versions(golden: Golden) -> list[str]:
    """Say which of these packages have another version here."""
    return [
        f"{package} {version(package)} is installed; the golden files hold fingerprints of {package} {wanted}"
        for package, wanted in golden_versions(golden).items()
        if version(package) != wanted
    ]


def sweeps_built_by(module: str, golden: Golden) -> dict[str, int]:
    """By sweep, of how many committed keys the code of a module is a part, and is still the code that was measured."""
    built = {key for key, text in golden["specs"].items() if module in fingerprint.source_modules(spec_from(text))}
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries(golden):
        spec, code = entry.facts["spec"], json.loads(golden["keys"][entry.key])["code"]
        if spec in built and golden["fingerprints"][spec] == canonical(code):
            found[entry.sweep].add(entry.key)
    return {sweep: len(keys) for sweep, keys in sorted(found.items())}
