"""The report is whole, self-contained, and says units, directions, settings and doubts."""

import re
from pathlib import Path

import pytest
from PIL import Image

from bench.judge.study import Study, make_study
from bench.metrics import METRICS, in_both_conventions
from bench.render.front_figure import draw_front, front_info
from bench.render.report import write_report
from tests.factories import measured, record


@pytest.fixture
def study() -> Study:
    records = measured("small", 0.5, 1e9, 10) + measured("big", 0.7, 3e9, 30) + measured("<b>ad|", 0.4, 4e9, 40)
    records.append(record("accuracy", "broken", status="failed", reason="out of memory"))
    return make_study("demo", records, [r.key for r in records])


def test_points_carry_shown_units_and_the_front(study: Study) -> None:
    info = front_info(study, "macs")
    assert [(p.number, p.cost, p.on_front) for p in info.points] == [(1, 3.0, True), (2, 1.0, True), (3, 4.0, False)]
    assert [p.miou for p in info.points] == pytest.approx([70, 50, 40])
    assert "2048x1024" in info.subtitle
    latency = front_info(study, "latency_cpu_ms")
    assert "1 thread of Test CPU" in latency.subtitle
    assert (latency.points[0].cost_low, latency.points[0].cost_high) == (29, 31)


@pytest.mark.parametrize("metric", ["macs", "parameters", "latency_cpu_ms"])
def test_axes_say_unit_and_direction(study: Study, metric: str) -> None:
    (axes,) = draw_front(front_info(study, metric)).axes
    assert METRICS[metric].heading in axes.get_xlabel()
    assert "lower is better" in axes.get_xlabel()
    assert "higher is better" in axes.get_ylabel()


def test_report_has_three_fronts_as_png_and_svg_and_two_pages(study: Study, tmp_path: Path) -> None:
    write_report(study, tmp_path)
    folder = tmp_path / "demo"
    for metric in ("macs", "parameters", "latency_cpu_ms"):
        with Image.open(folder / f"front_{metric}.png") as image:
            assert min(image.size) > 500
        assert "<svg" in (folder / f"front_{metric}.svg").read_text()
    assert {path.name for path in folder.iterdir()} >= {"README.md", "index.html"}


def test_page_is_self_contained_and_escaped(study: Study, tmp_path: Path) -> None:
    page = write_report(study, tmp_path).read_text()
    assert page.count("<svg") == 3
    assert not re.search(r'(src|href)="(?!#)', page.replace('xlink:href="#', ""))
    assert "<b>ad" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_both_pages_say_with_what_it_was_measured(study: Study, tmp_path: Path) -> None:
    page = write_report(study, tmp_path)
    for text in (page.read_text(), page.with_name("README.md").read_text()):
        for words in ("Test CPU", "torch 2.15.0", "0123456789ab", "1 epoch", "out of memory", "lower is better"):
            assert words in text


def test_rendering_twice_gives_the_same_bytes(study: Study, tmp_path: Path) -> None:
    write_report(study, tmp_path / "first")
    write_report(study, tmp_path / "second")
    for path in (tmp_path / "first" / "demo").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / "demo" / path.name).read_bytes(), path.name


def test_cost_is_said_in_both_conventions() -> None:
    assert in_both_conventions(107.4e9) == "107.40 GMACs = 214.80 GFLOPs at 2 per MAC"


@pytest.mark.parametrize(
    ("macs", "words"), [(23.4567e9, "23.46"), (0.123e9, "0.12"), (0.00456e9, "0.0046"), (0, "0.00"), (None, "–")]
)
def test_small_numbers_are_not_shown_as_zero(macs: float | None, words: str) -> None:
    assert METRICS["macs"].show(macs) == words
