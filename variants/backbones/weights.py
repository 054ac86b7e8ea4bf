"""ImageNet weights: from timm's hub, or from a folder with one file per timm name."""

from __future__ import annotations

import hashlib
from collections.abc import Container
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from variants.errors import VariantError

ENDINGS = (".safetensors", ".pth", ".pt", ".bin")
_OPTIONAL = "num_batches_tracked"
"""Batch norm's counter: older files lack it and no result depends on it."""


def load_backbone_weights(net: nn.Module, timm_name: str, weights_dir: Path) -> None:
    """Load `weights_dir/<timm name>.<ending>` into a `features_only` network, as float32.

    The file may hold the keys of the `features_only` network or of timm's whole classifier.

    Raises:
        VariantError: no such file, unreadable, or keys or shapes that do not fit.
    """
    path = find_weights(weights_dir, timm_name)
    load_matching(net, read_state(path), path, timm_name, ignored=_classifier_keys(timm_name))


def load_matching(
    net: nn.Module, state: dict[str, Tensor], path: Path, name: str, ignored: Container[str] = ()
) -> None:
    """Load a state dict whose keys, but for `ignored` ones, are those of `net`, as its own types.

    Raises:
        VariantError: keys or shapes that do not fit; naming the file.
    """
    own = net.state_dict()
    by_flat_key = {_flat(key): key for key in state}
    pairs = {key: by_flat_key.get(_flat(key)) for key in own}
    missing = [key for key, found in pairs.items() if found is None and _OPTIONAL not in key]
    wrong_shape = [key for key, found in pairs.items() if found and state[found].shape != own[key].shape]
    used = set(pairs.values())
    foreign = [key for key in state if key not in used and key not in ignored]
    _refuse_misfit(path, name, {"missing": missing, "of another shape": wrong_shape, "unknown": foreign})
    loaded = {key: state[found].to(own[key].dtype) for key, found in pairs.items() if found}
    net.load_state_dict(loaded, strict=False)


def load_hub_weights(net: nn.Module, timm_name: str, arguments: dict[str, Any]) -> None:
    """Load timm's pretrained weights, downloading them where they are not cached.

    Raises:
        VariantError: timm has none for this network, or the hub cannot be reached.
    """
    try:
        donor = timm.create_model(timm_name, pretrained=True, features_only=True, **arguments)
    except Exception as error:  # the hub's clients raise a dozen unrelated types
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise VariantError(
            f"no ImageNet weights for {timm_name!r} from timm's hub: {reason}. Without a network: put "
            f"{timm_name}.safetensors in a folder and pass --weights-dir FOLDER, or set pretraining: none."
        ) from None
    net.load_state_dict(donor.state_dict())


def find_weights(weights_dir: Path, timm_name: str) -> Path:
    """Return the file of `timm_name` in the folder.

    Raises:
        VariantError: no file with that name and a known ending.
    """
    for ending in ENDINGS:
        path = weights_dir / f"{timm_name}{ending}"
        if path.is_file():
            return path
    if not weights_dir.is_dir():
        raise VariantError(f"--weights-dir {weights_dir} is not a folder")
    there = sorted(p.name for p in weights_dir.iterdir() if p.suffix in ENDINGS) or ["none"]
    raise VariantError(
        f"--weights-dir {weights_dir} has no {timm_name}.safetensors (or .pth, .pt, .bin). "
        f"Weights there: {', '.join(there)}."
    )


def weights_fingerprint(net: nn.Module) -> str:
    """12 hex digits of the SHA-256 of all parameters and buffers: the same weights, the same text."""
    digest = hashlib.sha256()
    for key, tensor in sorted(net.state_dict().items()):
        if _OPTIONAL not in key:
            digest.update(key.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict of tensors; also one under the key `state_dict`.

    Raises:
        VariantError: the file cannot be read or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise VariantError(f"weights file {path} cannot be read: {error}") from None
    except Exception as error:  # torch.load: pickle errors of many types
        raise VariantError(f"weights file {path} is not a state dict: {error}") from None
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise VariantError(f"weights file {path} is not a state dict of tensors")
    return state


def _flat(key: str) -> str:
    """timm's `features_only` writes `stages_0.x` where the whole network says `stages.0.x`."""
    return key.replace(".", "_")


def _classifier_keys(timm_name: str) -> set[str]:
    with torch.device("meta"):
        return set(timm.create_model(timm_name).state_dict())


def _refuse_misfit(path: Path, name: str, problems: dict[str, list[str]]) -> None:
    found = {what: keys for what, keys in problems.items() if keys}
    if found:
        words = "; ".join(f"{len(keys)} {what}, first {keys[0]!r}" for what, keys in found.items())
        raise VariantError(
            f"weights file {path} does not fit {name!r}: keys {words}. "
            "It must hold the published state dict of the network of that name."
        )
