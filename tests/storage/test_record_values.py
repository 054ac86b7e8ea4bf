"""A record that nothing can have measured is refused where it is read, with its line, by every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from bench.settings.cost import CostSetting
from bench.storage.records import parse_line
from bench.storage.store import Store
from bench.sweep.cells import Cell, Measurement
from bench.sweep.pool import Finished
from bench.sweep.run import make_record
from tests.conftest import RunBench
from tests.decision.test_pick import saved
from tests.factories import record
from variants.names import parse_name


def line(**metrics: Any) -> str:
    """A record of these metrics as it would stand in a file; also with what JSON does not know."""
    data = json.loads(record("accuracy").to_line()) | {"metrics": metrics}
    return json.dumps(data)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("miou_val", float("inf")),
        ("miou_val", float("nan")),
        ("miou_val", 99),
        ("miou_val", -0.1),
        ("miou_test_high", 1.01),
        ("macs", -5e9),
        ("macs", 0),
        ("parameters", float("inf")),
        ("peak_bytes", -1),
        ("latency_cuda_compile_ms_low", 0),
        ("added_ms", float("-inf")),
        ("a_metric_of_tomorrow", float("nan")),
    ],
)
def test_numbers_that_cannot_be_are_refused(metric: str, value: float) -> None:
    with pytest.raises(UserError, match=r"mine\.jsonl:7: "):
        parse_line(line(**{metric: value}), "mine.jsonl:7")


def test_a_number_that_only_reads_as_infinite_is_refused_anywhere() -> None:
    text = line(miou_val=0.5).replace('"class_iou_val": [0.5', '"class_iou_val": [1e999')
    assert "1e999" in text
    with pytest.raises(UserError, match="class_iou_val"):
        parse_line(text, "mine.jsonl:7")


def test_numbers_at_the_ends_are_taken() -> None:
    ends = {"miou_val": 1, "miou_val_low": 0, "macs": 1, "rest_operations": 0, "added_ms": -2.5, "of_tomorrow": -1}
    assert parse_line(line(**ends), "mine.jsonl:7").metrics == ends


def test_no_command_chooses_by_them(run_bench: RunBench, tmp_path: Path) -> None:
    saved(tmp_path, {"mine": [0.60, 0.66]})
    store = Store(tmp_path / "results")
    bad = next(r for r in store.read() if r.group == "cost")
    store.append("mine", bad.model_copy(update={"metrics": bad.metrics | {"macs": -5.0}, "started": "2027"}))
    for arguments in (("pick", "mine"), ("report", "mine"), ("show",), ("guard", "--front", "mine", "--against", "x")):
        done = run_bench(*arguments)
        assert done.returncode == 2, arguments
        assert "macs is -5, which is not above 0" in done.stderr


def test_a_sweep_keeps_such_a_measurement_as_a_failure() -> None:
    setting = CostSetting(size=(64, 64), classes=2, method=4)
    cell = Cell(group="cost", spec=parse_name("lcnet_050+fpn8-head8"), setting=setting, words={}, key="k")
    made = make_record(
        Finished(cell=cell, started="2026-01-01T00:00:00+00:00", seconds=1.0, measurement=Measurement({"macs": 0.0}))
    )
    assert (made.status, made.metrics) == ("failed", {})
    assert made.reason is not None
    assert "macs" in made.reason
