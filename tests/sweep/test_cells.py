"""Which cells a sweep plans."""

from bench.data import open_dataset
from bench.sweep.cells import Cell, plan_cells
from bench.sweep.spacefile import load_space


def trainings(device: str, done: set[str]) -> list[Cell]:
    space = load_space("quick")
    dataset = open_dataset(space.accuracy.data.name, None, space.accuracy.data.options)
    cells = plan_cells(space, space.specs[:2], dataset, {}, (), (device, "float32"), done)
    return [cell for cell in cells if cell.group == "accuracy"]


def test_a_training_that_a_gpu_has_done_is_not_done_again_without_one() -> None:
    on_gpu = trainings("cuda", set())
    done = {on_gpu[0].key}
    on_cpu = trainings("cpu", done)
    assert on_cpu[0].key == on_gpu[0].key
    assert {cell.setting.to_json()["device"] for cell in on_cpu[1:]} == {"cpu"}


def test_what_this_machine_has_done_itself_comes_first() -> None:
    own, other = trainings("cpu", set())[0], trainings("cuda", set())[0]
    assert trainings("cpu", {own.key, other.key})[0].key == own.key
