"""Whole networks: ours, and those to compare with. One file a family, one line in the table below.

The table is plain text, so that a spec is validated without loading torch. A builder is called as
`builder(spec, num_classes, pretrained, weights_dir)` and returns a `variants.network.Network`.
A package of your own adds one by an entry point of the group `segmentation_bench.networks` that names
a `NetworkEntry`.
"""

from __future__ import annotations

from dataclasses import dataclass

from variants.claims import Claim
from variants.registry import Registry


@dataclass(frozen=True)
class NetworkEntry:
    """Where a network's builder lives, whether it goes on any backbone, and what was published about it."""

    module: str
    builder: str
    summary: str
    takes_backbone: bool
    claims: tuple[Claim, ...] = ()
    packages: tuple[str, ...] = ()
    """Those whose version decides what is built."""


_SMP = "variants.networks.smp"
_TORCHVISION = "variants.networks.torchvision_networks"


def _smp(builder: str, summary: str) -> NetworkEntry:
    return NetworkEntry(
        _SMP, builder, f"{summary}, of segmentation-models-pytorch", True, packages=("segmentation_models_pytorch",)
    )


def _torchvision(builder: str, summary: str, parameters_m: float, macs_g: float, difference: str = "") -> NetworkEntry:
    """Published with its weights in torchvision: 21 classes, operations at 520x520."""
    source = "torchvision, meta data of the COCO_WITH_VOC_LABELS_V1 weights"
    claims = (
        Claim(
            metric="parameters_m",
            value=parameters_m,
            source=source,
            size=(520, 520),
            classes=21,
            tolerance=1e-6,
            difference=difference,
        ),
        Claim(
            metric="macs_g",
            value=macs_g,
            source=source,
            size=(520, 520),
            classes=21,
            tolerance=0.0005,
            difference=difference,
        ),
    )
    words = f"{summary}, on MobileNetV3-Large, of torchvision"
    return NetworkEntry(_TORCHVISION, builder, words, False, claims, ("torchvision",))


_HEAD_128 = "another build: with a head of 128 channels this one has 16.01 GMACs and 2.31 M; see bisenetv2.py"
_BISENETV2 = (
    Claim(metric="macs_g", value=98.4, source="RDRNet README"),
    Claim(metric="parameters_m", value=3.4, source="RDRNet README", tolerance=0.015),
    Claim(metric="macs_g", value=16.1, source="a public table", size=(1024, 512), difference=_HEAD_128),
    Claim(metric="parameters_m", value=2.3, source="a public table", size=(1024, 512), difference=_HEAD_128),
    Claim(
        metric="macs_g",
        value=21.15,
        source="BiSeNetV2 paper, 21.15 GFLOPs",
        size=(1024, 512),
        difference="not reproduced: it leaves the head's width open; see bisenetv2.py",
    ),
)
_DDRNET = (
    Claim(metric="macs_g", value=36.3, source="DDRNet README", tolerance=0.005),
    Claim(metric="parameters_m", value=5.7, source="DDRNet README", tolerance=0.01),
)

NETWORKS: Registry[NetworkEntry] = Registry(
    "network",
    "networks",
    "segmentation_bench.networks",
    NetworkEntry,
    {
        "frm": NetworkEntry(
            "variants.segmenter", "build_segmenter", "feature refinement module and FPN decoder, or the FPN alone", True
        ),
        "smp_fpn": _smp("build_fpn", "semantic FPN, Kirillov et al. 2019"),
        "smp_pan": _smp("build_pan", "pyramid attention network, Li et al. 2018"),
        "smp_deeplabv3plus": _smp("build_deeplabv3plus", "DeepLabV3+, Chen et al. 2018"),
        "smp_upernet": _smp("build_upernet", "UPerNet, Xiao et al. 2018"),
        "smp_segformer": _smp("build_segformer", "the all-MLP head of SegFormer, Xie et al. 2021"),
        "smp_unet": _smp("build_unet", "U-Net, Ronneberger et al. 2015"),
        "lraspp_mobilenet_v3_large": _torchvision("build_lraspp", "LR-ASPP, Howard et al. 2019", 3.221538, 2.086),
        "deeplabv3_mobilenet_v3_large": _torchvision(
            "build_deeplabv3",
            "DeepLabV3, Chen et al. 2017",
            11.029328,
            10.452,
            "theirs includes the auxiliary classifier of training, 3,851 parameters",
        ),
        "bisenetv2": NetworkEntry(
            "variants.networks.realtime", "build_bisenetv2", "BiSeNetV2, Yu et al. 2021", False, _BISENETV2
        ),
        "ddrnet23_slim": NetworkEntry(
            "variants.networks.realtime", "build_ddrnet23_slim", "DDRNet-23-slim, Hong et al. 2021", False, _DDRNET
        ),
    },
)
