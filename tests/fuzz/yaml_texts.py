"""YAML: a space file with every section, and pieces that are easily misread."""

from __future__ import annotations

from tests.conftest import TINY_SPACE

FULL_SPACE = """\
about: every section and key
axes:
- backbone: &small [lcnet_050, resnet18]
  context: [dnl, transformer]
  reduction: {values: [1, 4], when: {context: dnl}}
  module_width: [16, x0.5]
  transformer_depth: [1]
  transformer_heads: [2]
  transformer_ffn_ratio: [2]
- {network: [smp_unet, bisenetv2], backbone: *small}
variants: [frm-van-b0, resnet18+fpn64-head32]
cost: {size: [128, 64], max_gmacs: 20, max_params: 5M}
latency: {size: [64, 64], devices: [cpu, cuda], runtimes: [eager, onnxruntime], scope: argmax, threads: 2, samples: 70}
accuracy:
  data: {name: streets, options: {width: 96}}
  recipe: finetune
  schedule: {epochs: 2, policy: poly, power: 0.5, crop: [64, 64], scale: [0.5, 2], ema: 0.9, hard_pixels: {}}
  evaluation: {mode: sliding, window: [64, 64], scales: [1, 1.5], flip: true}
  seeds: [0, 1]
  validations: [0.5]
"""
TEXTS = (TINY_SPACE, FULL_SPACE)
NESTED_ANCHORS = "- &a0 [x, x, x]\n" + "".join(f"- &a{i} [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
"""A thousand letters that say more values than a memory holds."""
ANCHOR_CHAIN = "- &a0 [x]\n" + "".join(f"- &a{i} [*a{i - 1}]\n" for i in range(1, 2000))
"""Flat to read, and nested deeper than Python follows."""
FRAGMENTS = (
    "\n",
    "  ",
    "- ",
    ": ",
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "? ",
    "| ",
    "> ",
    "#",
    "---\n",
    "...\n",
    "!",
    "'",
    '"',
    "\t",
    "&a ",
    "*a",
    "<<: ",
    "<<: *a\n",
    "&a [*a]",
    "{&a a: *a}",
    "? [a]\n: b\n",
    "? *a\n: b\n",
    "axes[0]: 1\n",
    "!!str ",
    "!!int ",
    "!!int ''",
    "!!float '-'",
    "!!bool x",
    "!!null ",
    "!!timestamp x",
    "!!binary ",
    "!!binary YQ==",
    "!!set ",
    "!!set {a}",
    "!!omap ",
    "!!omap [a: 1]",
    "!!pairs ",
    "!!python/object:os.system ",
    "2024-02-30",
    "2024-02-29",
    "2024-02-29 25:00:00",
    "0001-01-01 00:00:00 +23:00",
    "1:30",
    "0x1F",
    "0b2",
    "0o8",
    ".inf",
    "-.inf",
    ".nan",
    "~",
    "yes",
    "no",
    '"\\ud800"',
    '"\\UFFFFFFFF"',
    "0x" + "f" * 5000,
    "1:" * 200 + "1.5",
    "[" * 700,
    "{a: " * 700,
    NESTED_ANCHORS,
    ANCHOR_CHAIN,
)
"""Signs, tags and values of YAML, with those that its own readers stumble over."""
