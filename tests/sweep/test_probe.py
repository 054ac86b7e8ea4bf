"""How long cells will take is measured in a process of its own, whose end ends nothing else."""

import os
import signal
import time
from dataclasses import replace
from typing import Any

import pytest

from bench.data import Split, open_dataset
from bench.settings.cost import CostSetting
from bench.sweep.cells import Cell, plan_cells
from bench.sweep.forecast import place_of
from bench.sweep.probe import probe_seconds
from bench.sweep.spacefile import load_space
from variants.names import parse_name

pytestmark = pytest.mark.slow
SAMPLES: dict[Split, int] = {"train": 8, "val": 3, "test": 3}


class Deadly(CostSetting):
    """A setting of which the size cannot be read without the death of the reader, as when memory runs out."""

    def __getattribute__(self, name: str) -> Any:
        if name == "size":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getattribute__(name)


def costs() -> list[Cell]:
    """Of four variants with a backbone each, of which two are deadly."""
    space = load_space("quick")
    dataset = open_dataset(space.accuracy.data.name, None, space.accuracy.data.options)
    names = ("lcnet_050", "mobilenetv3_small_050", "mobilenetv2_050", "tf_efficientnet_lite0")
    specs = [parse_name(f"{name}+frm34-dnl-w16+fpn8-head8") for name in names]
    first, *others, last = plan_cells(space, specs, dataset, {}, (), ("cpu", "float32"))[: len(specs)]
    return [first, *(replace(cell, setting=Deadly.from_json(cell.setting.to_json())) for cell in others), last]


def test_a_probe_that_is_killed_gets_a_guess_and_the_others_their_time() -> None:
    cells, began = costs(), time.monotonic()
    probed = probe_seconds(cells, SAMPLES, (96, 64))
    took = time.monotonic() - began
    assert list(probed) == [place_of(cell) for cell in cells]
    first, *guessed, last = probed.values()
    assert 0 < first + last < took
    assert len(set(guessed)) == 1
    assert guessed[0] not in (first, last)
