"""One variant part by part: what each part does, gives and costs. The parts' costs add up to the whole's.

The network is built on the meta device and one pass of shapes goes through it; nothing real is computed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.cost.explanation import IMAGE, Explanation, Part
from bench.cost.flow import Measured, new_tensors
from bench.cost.parameters import count_parameters
from bench.cost.part_words import context_words, fuse_words, head_words, layer_words, top_words, unify_words
from bench.cost.trace import trace
from variants.network import build
from variants.networks import NETWORKS
from variants.segmenter import Segmenter
from variants.spec import VariantSpec


def explain(spec: VariantSpec, num_classes: int, width: int, height: int) -> Explanation:
    """Take the network of a spec apart, for one RGB image of `width` x `height` pixels.

    Raises:
        VariantError: the network cannot be built, see `variants.network.build`.
    """
    with torch.device("meta"):
        net = build(spec, num_classes).eval()
    traced = trace(net, width, height)
    measured = Measured(net, traced, width, height)
    parts = list(_our_parts(measured, spec, net) if isinstance(net, Segmenter) else _their_parts(measured, spec))
    return Explanation(
        variant=spec.name,
        content_hash=spec.content_hash,
        network=spec.network,
        about=NETWORKS[spec.network].summary,
        size=(width, height),
        classes=num_classes,
        parameters=count_parameters(net),
        macs=traced.macs,
        unknown_operators=traced.unknown,
        parts=tuple(parts),
    )


def _our_parts(measured: Measured, spec: VariantSpec, net: Segmenter) -> Iterator[Part]:
    """Backbone, module, FPN and head of network `frm`."""
    stages = measured.maps(measured.given["backbone"])
    yield Part(
        name="backbone", does=str(spec.backbone), role="backbone", inputs=(IMAGE,), maps=(), **measured.cost("backbone")
    )
    for i, stage in enumerate(stages):
        source = f"F{i}" if i else IMAGE
        yield Part(
            name=f"F{i + 1}",
            does=f"stage {i + 1}",
            role="backbone",
            inputs=(source,),
            maps=(stage,),
            parameters=None,
            macs=None,
        )
    if net.refine is not None:
        yield from _module_parts(measured, spec, net)
    for i in (3, 2, 1, 0):
        yield _level_part(measured, net, i)
    levels = tuple(f"P{i}" for i in (1, 2, 3, 4))
    features = measured.maps(measured.taken["head.classify"])
    cost = measured.cost("head", without="head.classify")
    yield Part(name="head", does=head_words(spec), role="decoder", inputs=levels, maps=features, **cost)
    logits = measured.maps(measured.given["head.classify"])
    words = f"1x1 conv to {measured.logits.shape[1]} classes"
    yield Part(
        name="classifier", does=words, role="decoder", inputs=("head",), maps=logits, **measured.cost("head.classify")
    )
    yield _resize_part(measured, ("classifier",))


def _module_parts(measured: Measured, spec: VariantSpec, net: Segmenter) -> Iterator[Part]:
    stages = spec.fused_stages or ()
    for i, stage in enumerate(stages):
        maps = measured.maps(measured.given[f"refine.unify.{i}"])
        words, cost = unify_words(spec, stage), measured.cost(f"refine.unify.{i}")
        yield Part(name=f"unify F{stage}", does=words, role="module", inputs=(f"F{stage}",), maps=maps, **cost)
    unified = tuple(f"unify F{stage}" for stage in stages)
    fused = measured.maps(measured.given["refine.fuse"])
    yield Part(
        name="fuse",
        does=fuse_words(spec, fused[0].channels),
        role="module",
        inputs=unified,
        maps=fused,
        **measured.cost("refine.fuse"),
    )
    refined = measured.maps(measured.given["refine.context"])
    cost = measured.cost("refine.context")
    yield Part(name="context", does=context_words(spec), role="module", inputs=("fuse",), maps=refined, **cost)
    if spec.reenter == "every":
        words = f"every level: 1x1 conv to {spec.decoder_width}, resized and added to its lateral"
        added, cost = measured.maps(measured.given["fpn.refined_lateral"]), measured.cost("fpn.refined_lateral")
        yield Part(name="re-entry", does=words, role="module", inputs=("context",), maps=added, **cost)
    else:
        keeps_f4 = net.refine is not None and net.refine.keeps_f4
        top = measured.maps(measured.taken["fpn.laterals.3"])
        inputs = ("context", "F4") if keeps_f4 else ("context",)
        yield Part(
            name="re-entry",
            does=top_words(spec, keeps_f4),
            role="module",
            inputs=inputs,
            maps=top,
            parameters=0,
            macs=0,
        )


def _level_part(measured: Measured, net: Segmenter, i: int) -> Part:
    """P(i+1): lateral, sum with the level above it, output."""
    every = net.refine is not None and not net.refine.at_top
    in_place_of_f4 = i == 3 and net.refine is not None and not every
    inputs = ["re-entry"] if in_place_of_f4 else [f"F{i + 1}"] + ["re-entry"] * every
    above = [] if i == 3 else [f"P{i + 2}"]
    terms = ["1x1 conv of " + ("the refined map" if in_place_of_f4 else f"F{i + 1}")]
    terms += ["the refined map"] * every + ["the sum above, enlarged" for _ in above]
    cost = measured.cost(f"fpn.laterals.{i}", f"fpn.outputs.{i}")
    maps = measured.maps(measured.given["fpn"][i : i + 1])
    words = f"{' + '.join(terms)}, 3x3 conv"
    return Part(name=f"P{i + 1}", does=words, role="decoder", inputs=(*inputs, *above), maps=maps, **cost)


def _their_parts(measured: Measured, spec: VariantSpec) -> Iterator[Part]:
    """The parts of a network from elsewhere, in the order in which they run, and whatever they leave."""
    own, groups = measured.net.backbone, measured.groups
    left = {
        "parameters": count_parameters(measured.net),
        "macs": measured.traced.macs,
        "unknown": measured.traced.unknown_by_module.get("", 0),
    }
    for name in [*measured.inputs, *(group for group in groups if group not in measured.inputs)]:
        cost, modules = measured.cost(*groups[name]), [measured.modules[key] for key in groups[name]]
        left = {key: left[key] - cost[key] for key in left}
        given, taken = (of.get(groups[name][-1], []) for of in (measured.given, measured.taken))
        maps = measured.maps(new_tensors(given, taken))
        words, role = layer_words(modules), "body" if own is None else "decoder"
        if own is not None and own in modules:
            words, role = spec.backbone or "the network's own backbone", "backbone"
        if maps or any(cost.values()):
            yield Part(name=name, does=words, role=role, inputs=measured.inputs.get(name, ()), maps=maps, **cost)
    role = "body" if own is None else "decoder"
    if any(left.values()):
        yield Part(name="rest", does="what belongs to no part above", role=role, inputs=(), maps=(), **left)
    yield _resize_part(measured, measured.logits_from, role)


def _resize_part(measured: Measured, inputs: tuple[str, ...], role: str = "decoder") -> Part:
    return Part(
        name="logits",
        does="resized to the input",
        role=role,
        inputs=inputs,
        maps=measured.maps([measured.logits]),
        parameters=0,
        macs=0,
    )
