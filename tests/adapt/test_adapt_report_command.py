"""The reports of adaptations by the command, and their excerpts on the pages of sweeps."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.adapt.render.excerpt import save_excerpt
from bench.cli.report_command import renew_sweeps_behind
from bench.storage.store import Store
from tests.adapt.test_adapt_report import several
from tests.adaptations import MadeUp, ladder
from tests.conftest import RunBench
from tests.factories import measured


@pytest.mark.slow
def test_the_command_renders_checks_and_lists_adaptations(run_bench: RunBench, tmp_path: Path) -> None:
    several().write(tmp_path / "results")
    done = run_bench("report")
    assert done.returncode == 0, done.stderr
    assert "from 8 to 16 images" in done.stdout
    assert "reports/adapt/made_up/index.html" in done.stderr
    assert run_bench("report", "--check").stdout == "adapt/made_up: fresh\n"
    page = tmp_path / "reports" / "adapt" / "made_up" / "README.md"
    page.write_text(page.read_text().replace("full", "Full", 1))
    done = run_bench("report", "adapt/made_up", "--check")
    assert done.returncode == 1
    assert "adapt/made_up: STALE" in done.stdout
    assert "`bench report adapt/made_up`" in done.stderr
    done = run_bench("report", "adapt/other")
    assert done.returncode == 2
    assert "holds no records of 'other'; it holds: made_up" in done.stderr
    shown = run_bench("show", "net_a", "--sweep", "adapt/made_up", "--group", "adaptation")
    assert "net_a+fpn8 full, 8 labels, clahe seed 0: mIoU val" in shown.stdout
    assert "records in" in run_bench("show").stderr


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Path, str]:
    """Results with a sweep `trained`, and the key of its training."""
    records, results = measured("net_a", 0.6, 1e9, 5.0), tmp_path / "results"
    store = Store(results)
    store.write_plan("trained", [record.key for record in records])
    for record in records:
        store.append("trained", record)
    return results, next(record.key for record in records if record.group == "accuracy")


@pytest.mark.slow
def test_a_sweep_shows_what_became_of_its_weights(
    trained: tuple[Path, str], tmp_path: Path, run_bench: RunBench
) -> None:
    results, key = trained
    ladder({8: 0.5, 64: 0.6}, made=MadeUp(start=key)).write(results, "dusk")
    ladder({8: 0.5, 64: 0.6}, made=MadeUp(start="another")).write(results, "snow")
    assert run_bench("report").returncode == 0
    pages = tmp_path / "reports" / "trained"
    page = pages.joinpath("index.html").read_text()
    for text in (page, pages.joinpath("README.md").read_text()):
        assert "Adapted to other images: dusk" in text
        assert "Labels needed" in text
        assert "full fine-tuning" in text
        assert "snow" not in text
    assert page.count("what labels are worth") == 1, "the figure is inside the page"
    assert (pages / "curves_dusk.png").is_file()
    assert run_bench("report", "--check").returncode == 0
    ladder({8: 0.5, 64: 0.7}, made=MadeUp(start=key)).write(results, "dusk")
    stale = run_bench("report", "--check")
    assert stale.returncode == 1
    assert "trained: STALE" in stale.stdout
    renew_sweeps_behind("dusk", results, tmp_path / "reports")  # as `bench adapt` ends
    again = run_bench("report", "--check", "trained")
    assert again.returncode == 0, again.stdout

    ladder({8: 0.5, 64: 0.6}, made=MadeUp(start="another")).write(results, "dusk")  # planned anew, from other weights
    renew_sweeps_behind("dusk", results, tmp_path / "reports")
    assert "Adapted" not in pages.joinpath("README.md").read_text()
    assert not list(pages.glob("curves_*"))


def _planned_anew(folder: Path) -> None:
    Store(folder.parent).write_plan(folder.name, ["0123456789abcdef"])


def _without_plan(folder: Path) -> None:
    (folder / "plan.json").unlink()


def _without_matrices(folder: Path) -> None:
    shutil.rmtree(folder / "confusions")


def _with_a_broken_line(folder: Path) -> None:
    next(folder.glob("*.jsonl")).write_text("no record\n")


@pytest.mark.parametrize("damage", [_planned_anew, _without_plan, _without_matrices, _with_a_broken_line])
def test_an_adaptation_that_cannot_be_shown_takes_no_sweeps_report_along(
    trained: tuple[Path, str], run_bench: RunBench, damage: Callable[[Path], None]
) -> None:
    results, key = trained
    ladder({8: 0.5, 64: 0.6}, made=MadeUp(start=key)).write(results, "dusk")
    ladder({8: 0.5, 32: 0.6}, made=MadeUp(of=32, start=key)).write(results, "snow")
    damage(results / "adapt" / "dusk")
    done = run_bench("report", "trained")
    assert done.returncode == 0, done.stderr
    page = (results.parent / "reports" / "trained" / "README.md").read_text()
    assert "Adapted to other images: snow" in page
    assert "dusk" not in page


def test_a_sweep_that_cannot_be_shown_is_said_at_the_end_of_an_adaptation(
    trained: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    results, key = trained
    reports = results.parent / "reports"
    (results / "other").mkdir()
    (results / "other" / "machine.jsonl").write_text("")  # a sweep without a plan
    ladder({8: 0.5, 64: 0.6}, made=MadeUp(start=key)).write(results, "dusk")
    renew_sweeps_behind("dusk", results, reports)
    assert not reports.exists(), "a page that is not there is not asked for"
    (reports / "trained").mkdir(parents=True)
    shutil.rmtree(results / "trained" / "confusions", ignore_errors=True)
    next((results / "trained").glob("*.jsonl")).write_text("no record\n")
    renew_sweeps_behind("dusk", results, reports)
    assert "the page of trained does not show dusk yet" in capsys.readouterr().err


@pytest.mark.slow
def test_a_name_with_spaces_and_signs_makes_links_and_ids_that_hold(tmp_path: Path) -> None:
    made = several()
    stems = set()
    for name in ("my images", "my_images", 'a"b) ×'):
        section = save_excerpt(made.adaptation(name), tmp_path)
        assert re.fullmatch(r"curves_[\w-]+", section.figure, re.ASCII)
        assert (tmp_path / f"{section.figure}.svg").is_file()
        stems.add(section.figure)
    assert len(stems) == 3
