"""Where an adaptation starts: a trained checkpoint, whose head is fitted to the new classes, or ImageNet weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model
from torch import nn

from bench.accuracy.start_weights import StartWeights
from bench.accuracy.trained_weights import TrainedWeights
from bench.analysis.selection import select
from bench.errors import UserError
from bench.paths import is_file
from bench.settings.accuracy import AccuracySetting
from bench.storage.records import AccuracyRecord
from bench.storage.store import Store
from variants.network import Network, build
from variants.spec import VariantSpec

IMAGENET = "imagenet"


@dataclass(frozen=True, kw_only=True)
class Start:
    """file: of a checkpoint; None: ImageNet weights. classes: of the checkpoint's head; None: unknown.

    data: what the checkpoint was trained on, in words. weights: 12 hex digits of what is loaded.
    """

    file: Path | None
    weights: str
    classes: tuple[str, ...] | None = None
    data: str = ""

    def knows(self, classes: Sequence[str]) -> bool:
        """Whether the head has all of these, so that the network can be judged as it is."""
        return self.classes is not None and set(classes) <= set(self.classes)

    def describe(self, classes: Sequence[str]) -> str:
        """What becomes of the head, in words."""
        if self.file is None:
            return "from ImageNet weights"
        kept = [name for name in classes if name in (self.classes or ())]
        where = f"from {self.file.name}" + (f", trained on {self.data}" if self.data else "")
        if len(kept) == len(classes):
            return f"{where}, with the head that it has"
        if not kept:
            why = "has other classes" if self.classes else "does not say which classes it has"
            return f"{where}, which {why}: the head starts anew"
        return f"{where}; the head keeps {', '.join(kept)} and starts anew for the other {len(classes) - len(kept)}"


def find_start(source: str, spec: VariantSpec, results: Path, weights_dir: Path | None) -> Start:
    """Find what `--from` names for a variant.

    Args:
        source: `imagenet`, a .safetensors file that a sweep left, or the name of a sweep whose training of this
            variant is taken.
        results: folder of all sweeps, where a checkpoint's classes stand in its record.
        weights_dir: of ImageNet weights.

    Raises:
        UserError: there is no such checkpoint.
        VariantError: ImageNet weights that are missing or do not fit.
    """
    if source == IMAGENET:
        found = StartWeights("imagenet", weights_dir).of([spec])
        if spec not in found:
            raise UserError(f"{spec.name} has no backbone that ImageNet weights fit: pass --from FILE for it.")
        return Start(file=None, weights=found[spec])
    store = Store(results)
    path = Path(source)
    if path.suffix != ".safetensors":
        path = _of_sweep(source, spec, store)
    if not is_file(path):
        raise UserError(
            f"--from {source}: there is no file {path}. `bench sweep` leaves one in results/SWEEP/weights/."
        )
    setting = _setting_of(path.stem, store)
    weights = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    if setting is None:
        return Start(file=path, weights=weights)
    return Start(file=path, weights=weights, classes=setting.classes, data=setting.dataset)


def _of_sweep(sweep: str, spec: VariantSpec, store: Store) -> Path:
    trained = TrainedWeights(store.root, sweep)
    shown = select(store.read_known(sweep), store.read_plan(sweep).keys).shown
    own = [r for r in shown if isinstance(r, AccuracyRecord) and r.spec_hash == spec.content_hash]
    if not own:
        raise UserError(f"--from {sweep}: that sweep trained no {spec.name}. `bench show {sweep}` lists what it did.")
    for record in sorted(own, key=lambda r: r.setting.seed):
        found = trained.find(record.key)
        if found is not None:
            return found
    raise UserError(
        f"--from {sweep}: the weights of {spec.name} are not in {store.root / sweep / 'weights'} (they are not "
        "committed). `bench sweep` trains it here, or pass a .safetensors file."
    )


def _setting_of(key: str, store: Store) -> AccuracySetting | None:
    """Of the training whose record has this key."""
    trained = (r for r in store.read() if isinstance(r, AccuracyRecord) and r.key == key and r.status == "ok")
    return next((record.setting for record in trained), None)


def build_from(start: Start, spec: VariantSpec, classes: Sequence[str], weights_dir: Path | None) -> Network:
    """The network that adaptation starts with; what the checkpoint does not know is random, by torch's seed.

    Raises:
        UserError: the checkpoint does not fit the variant, or is broken.
        VariantError: ImageNet weights that are missing or do not fit.
    """
    if start.file is None:
        return build(spec, len(classes), pretrained=True, weights_dir=weights_dir)
    net = build(spec, len(classes))
    rows = class_rows(spec)
    trained = _load(start.file, spec, rows)
    known = start.classes or ()
    state = net.state_dict()
    for name, value in trained.state_dict().items():
        if name not in rows:
            state[name] = value
            continue
        for index, of in enumerate(classes):
            if of in known:
                state[name][index] = value[known.index(of)]
    net.load_state_dict(state)
    return net


def class_rows(spec: VariantSpec) -> set[str]:
    """Names of the tensors with a row a class."""
    with torch.device("meta"):
        two, three = (build(spec, classes).state_dict() for classes in (2, 3))
    return {name for name, value in two.items() if value.shape != three[name].shape}


def _load(file: Path, spec: VariantSpec, rows: set[str]) -> nn.Module:
    try:
        with safe_open(str(file), framework="pt") as stored:
            there = rows & set(stored.keys())
            classes = stored.get_slice(min(there)).get_shape()[0] if there else 0
        if not classes:
            raise ValueError(f"it has none of {', '.join(sorted(rows))}")
        net = build(spec, classes)
        load_model(net, str(file))
    except (SafetensorError, RuntimeError, ValueError, OSError) as error:
        raise UserError(
            f"--from {file} is broken or not of {spec.name}: {str(error).splitlines()[0]}. Name the variant that it "
            "was trained as."
        ) from None
    return net
