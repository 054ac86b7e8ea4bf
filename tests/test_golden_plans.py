"""The shipped spaces still plan what is committed: the same variants, the same settings to the byte, the same keys."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

from bench.data.base import Dataset
from bench.settings.accuracy import RANDOM, TRAINING_METHOD
from bench.settings.cost import COUNTING_METHOD
from bench.settings.latency import CLOCK_METHOD, ProcessSetting
from bench.storage.store import Store
from bench.sweep.cells import Cell, plan_cells, with_random_weights
from bench.sweep.spacefile import SHIPPED, load_space
from tests.conftest import PROJECT
from tests.golden.code import other_versions, spec_from
from tests.golden.figures import setting_text
from tests.golden.files import canonical, read_golden
from tests.golden.keys import Entry, entries

STORE = Store(PROJECT / "results")
GOLDEN = read_golden()
SWEEPS = [sweep for sweep in GOLDEN["plans"] if (SHIPPED / f"{sweep}.yaml").is_file()]
"""Those whose space is shipped."""
METHODS = {"cost": COUNTING_METHOD, "accuracy": TRAINING_METHOD, "latency": CLOCK_METHOD}
BY_KEY = {entry.key: entry for entry in entries(GOLDEN) if entry.sweep in SWEEPS}


@dataclass(frozen=True)
class RecordedData:
    """A data set as far as records tell of it: a plan looks at no image."""

    name: str
    classes: tuple[str, ...]
    recorded: str

    def fingerprint(self) -> str:
        return self.recorded

    def describe(self) -> str:
        return self.name


def setting_of(entry: Entry) -> dict[str, Any]:
    setting: dict[str, Any] = json.loads(GOLDEN["settings"][entry.facts["setting"]])
    return setting


def identity(group: str, axes: Mapping[str, Any], setting: Mapping[str, Any]) -> tuple[str, str, str]:
    """What is measured, to the byte; but for the versions of the installed runtimes."""
    changing = {"runtime_versions": None} if "runtime_versions" in setting else {}
    return group, canonical(axes), setting_text({**setting, **changing})


def is_current(entry: Entry) -> bool:
    """Whether a sweep would not measure it again: its code, its METHOD and those of its weights are today's."""
    code, setting = json.loads(GOLDEN["keys"][entry.key])["code"], setting_of(entry)
    weights = BY_KEY.get(setting.get("weights_of", RANDOM))
    return (
        canonical(code) == GOLDEN["fingerprints"][entry.facts["spec"]]
        and setting["method"] == METHODS[entry.facts["group"]]
        and (weights is None or is_current(weights))
    )


def plan_as_recorded(sweep: str, committed: list[Entry]) -> list[Cell]:
    """Plan a sweep with the data, start weights and devices of its records; each latency also with random weights."""
    space = load_space(sweep)
    trained = [(entry, setting_of(entry)) for entry in committed if entry.facts["group"] == "accuracy"]
    devices = [setting_of(entry)["device"] for entry in committed if entry.facts["group"] == "latency"]
    one = trained[0][1]
    data = RecordedData(one["dataset"], tuple(one["classes"]), one["data_fingerprint"])
    weights = {spec_from(GOLDEN["specs"][entry.facts["spec"]]): setting["weights"] for entry, setting in trained}
    way = one["device"], one["precision"]
    cells = plan_cells(
        space, space.specs, cast(Dataset, data), weights, tuple(dict.fromkeys(devices)), way, BY_KEY.keys()
    )
    timed = [with_random_weights(cell.spec, cell.setting) for cell in cells if isinstance(cell.setting, ProcessSetting)]
    return [*cells, *timed]


@pytest.mark.skipif(bool(other_versions(GOLDEN)), reason="other packages: test_golden.py tells which")
@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_space_plans_what_is_committed(sweep: str) -> None:
    committed = [BY_KEY[key] for key in STORE.read_plan(sweep).keys if key in BY_KEY]
    cells = {identity(c.group, c.spec.to_json(), c.setting.to_json()): c for c in plan_as_recorded(sweep, committed)}
    for entry in filter(is_current, committed):
        about = f"{entry.facts['variant']}, {entry.facts['group']} {entry.key}"
        axes = json.loads(GOLDEN["specs"][entry.facts["spec"]])["axes"]
        cell = cells.get(identity(entry.facts["group"], axes, setting_of(entry)))
        assert cell is not None, f"{about} is no longer planned"
        if cell.group != "latency":  # its key holds the machine and all versions
            assert cell.key == entry.key, f"{about} is planned with another key"
