"""The ImageNet weights that trainings start from, by what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.settings.schedule import Pretraining
from variants.backbones.weights import weights_fingerprint
from variants.network import build
from variants.spec import VariantSpec


@dataclass(frozen=True)
class StartWeights:
    """Fingerprints of start weights; each backbone of each network is loaded once."""

    pretraining: Pretraining
    folder: Path | None
    _known: dict[tuple[str, str | None], str | None] = field(default_factory=dict)

    def of(self, specs: Iterable[VariantSpec]) -> dict[VariantSpec, str]:
        """By spec, where the pretraining has weights for its network.

        Raises:
            VariantError: weights that are missing or do not fit.
        """
        if self.pretraining == "none":
            return {}
        found = {spec: self._of(spec) for spec in specs}
        return {spec: fingerprint for spec, fingerprint in found.items() if fingerprint is not None}

    def _of(self, spec: VariantSpec) -> str | None:
        source = (spec.network, spec.backbone)
        if source not in self._known:
            backbone = build(spec, num_classes=2, pretrained=True, weights_dir=self.folder).backbone
            self._known[source] = None if backbone is None else weights_fingerprint(backbone)
        return self._known[source]
