"""The report is whole, self-contained, and says units, directions, settings and doubts."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from bench.analysis.displayed_values import as_shown
from bench.analysis.study import Study, make_study
from bench.metrics import METRICS, in_both_conventions
from bench.render.figures.front_figure import FrontInfo, Point, draw_front, front_info
from bench.render.figures.style import PALETTE, assign
from bench.render.page.templating import with_code
from bench.render.sweep.report import write_report
from bench.render.sweep.text import setting_lines, spread_words
from bench.render.tables import detail_table, result_table, signed
from bench.settings.runtimes import SCOPES
from bench.stats.pareto import pareto_front
from bench.storage.records import ProcessRecord, Record, parse_line
from tests.factories import MACHINE, measured, record


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
    assert "CPU with 1 thread, one 512x256 image, float32, channels_last, scope resize\non Test CPU" in latency.subtitle
    assert (latency.points[0].cost_low, latency.points[0].cost_high) == (29, 31)


@pytest.mark.parametrize("metric", ["macs", "parameters", "latency_cpu_ms"])
def test_axes_say_unit_and_direction(study: Study, metric: str) -> None:
    (axes,) = draw_front(front_info(study, metric)).axes
    assert METRICS[metric].heading in axes.get_xlabel()
    assert "lower is better" in axes.get_xlabel()
    assert "higher is better" in axes.get_ylabel()


@pytest.mark.slow
def test_report_has_three_fronts_as_png_and_svg_and_two_pages(study: Study, tmp_path: Path) -> None:
    write_report(study, tmp_path)
    folder = tmp_path / "demo"
    for metric in ("macs", "parameters", "latency_cpu_ms"):
        with Image.open(folder / f"front_{metric}.png") as image:
            assert min(image.size) > 500
        assert "<svg" in (folder / f"front_{metric}.svg").read_text()
    assert {path.name for path in folder.iterdir()} >= {"README.md", "index.html"}


@pytest.mark.slow
def test_the_table_is_there_for_programs_and_for_papers(study: Study, tmp_path: Path) -> None:
    folder = write_report(study, tmp_path).parent
    numbers = pd.read_csv(folder / "table.csv")
    assert numbers["miou_val"].tolist() == [0.7, 0.5, 0.4]
    assert numbers["latency_cpu_ms_low"].tolist() == [29, 9, 39]
    assert numbers["fused_stages"].astype(str).tolist() == ["1234"] * 3
    pd.testing.assert_frame_equal(
        pd.read_parquet(folder / "table.parquet")[["variant", "macs"]], numbers[["variant", "macs"]], check_dtype=False
    )
    latex = (folder / "table.tex").read_text()
    assert r"1 & \textbf{big $\cdot$ FRM dnl} & 70.0 (68.0--72.0)" in latex
    assert r"3 & \textless{}b\textgreater{}ad| $\cdot$ FRM dnl & 40.0" in latex, "not on a front, and escaped"
    assert r"mIoU val (\%) &" in latex


def test_processes_are_those_of_each_runtime(tmp_path: Path) -> None:
    records = [r for restart in range(2) for r in measured("small", 0.5, 1e9, 10, setting={"restart": restart})]
    records = [*records[:3], *(r for r in records[3:] if r.group == "latency")]
    compiled = {f"latency_cpu_compile_ms{end}": 8.0 for end in ("", "_low", "_high")}
    records.append(record("latency", "small", compiled, setting={"runtime": "compile"}))
    study = make_study("demo", records, [r.key for r in records])
    assert study.processes == {"latency_cpu_ms": (2, 2), "latency_cpu_compile_ms": (1, 1)}
    words = dict(setting_lines(study))
    assert "passes in each of 2 processes" in words["Latency (cpu, eager PyTorch)"]
    assert "passes in each of 1 process," in words["Latency (cpu, torch.compile)"]
    assert "(CPU latency 2, torch.compile CPU latency 1)" in spread_words(study)


def test_other_scores_are_shown_where_they_were_taken(tmp_path: Path) -> None:
    scores = {"scores_val": {"pixel_accuracy": 0.912, "boundary_iou": 0.456}}
    records = [
        r if r.group != "accuracy" else r.model_copy(update={"details": r.details | scores})
        for r in measured("small", 0.5, 1e9, 10)
    ]
    folder = write_report(make_study("demo", records, [r.key for r in records]), tmp_path).parent
    for page in ("README.md", "index.html"):
        text = (folder / page).read_text()
        assert "boundary IoU val (%)" in text
        assert "45.6" in text
        assert "frequency-weighted IoU" not in text
    assert pd.read_csv(folder / "table.csv")["pixel_accuracy_val"].tolist() == [0.912]


@pytest.mark.parametrize(("points", "shown"), [(-0.0068, "-0.007"), (0.04, "+0.04"), (0.06, "+0.1"), (-2e-16, "+0.0")])
def test_an_end_of_an_interval_shows_on_which_side_of_0_it_is(points: float, shown: str) -> None:
    assert signed(points) == shown


def test_the_front_does_not_depend_on_how_a_multiply_add_is_said() -> None:
    macs = [31.4e6, 31.6e6, 63.1e6]
    assert (as_shown("flops", [2 * value for value in macs]) == 2 * as_shown("macs", macs)).all()


def scattered(count: int, seed: int) -> FrontInfo:
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 10, count)
    miou = 60 + 10 * (1 - np.exp(-cost / 4)) + rng.normal(0, 1.5, count)
    on_front = pareto_front(list(cost), list(miou))
    points = [
        Point(
            number=i + 1,
            backbone=f"net_{i % 5}",
            module=f"block {i % 3}",
            cost=c,
            cost_low=c,
            cost_high=c,
            miou=m,
            miou_low=m - 0.5,
            miou_high=m + 0.5,
            on_front=on,
        )
        for i, (c, m, on) in enumerate(zip(cost, miou, on_front, strict=True))
    ]
    return FrontInfo(metric="macs", title="mIoU against MACs", subtitle="made up", points=points, band=[])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_labels_of_forty_points_do_not_overlap(seed: int) -> None:
    figure = draw_front(scattered(40, seed))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    texts = [text for text in figure.axes[0].texts if text.get_text().isdigit()]
    boxes = [text.get_window_extent() for text in texts]
    assert len(boxes) == 40
    assert not [(a, b) for a, b in itertools.combinations(boxes, 2) if a.overlaps(b)]


def test_a_latency_says_all_of_its_setting(study: Study) -> None:
    (heading,) = [name for name in result_table(study).headings if name.startswith("latency")]
    whole = "eager PyTorch, CPU with 1 thread, one 512x256 image, float32, channels_last, scope resize"
    assert heading == f"latency (ms): {whole}"
    words = dict(setting_lines(study))["Latency (cpu, eager PyTorch)"]
    for part in (whole, SCOPES["resize"], "Test CPU", "torch 2.15.0", "3 passes in each of 1 process,"):
        assert part in words


def test_what_a_label_leaves_out_of_a_backbone_is_said() -> None:
    records = [*measured("net@pad_type=same", 0.5, 1e9, 10), *measured("other", 0.6, 1e9, 10)]
    words = dict(setting_lines(make_study("demo", records, [r.key for r in records])))
    assert words["Backbones"] == "net stands for `net@pad_type=same`: built with these arguments"
    assert "Backbones" not in dict(setting_lines(make_study("demo", records[3:], [r.key for r in records[3:]])))


def test_trainings_of_two_machines_are_told_apart(tmp_path: Path) -> None:
    other = {"machine": MACHINE | {"cpu": "Other CPU"}, "setting": {"seed": 1}}
    records = [r for name in ("small", "big") for r in measured(name, 0.5, 1e9, 10)]
    records += [r for name in ("small", "big") for r in measured(name, 0.6, 1e9, 10, **other) if r.group == "accuracy"]
    words = dict(setting_lines(make_study("demo", records, [r.key for r in records])))
    first, second = words["Trained on"].split("; ")
    assert first.startswith("2 trainings of seed 0: Test CPU")
    assert second.startswith("2 trainings of seed 1: Other CPU")
    assert words["Versions"].count("torch 2.15.0") == 1, "of all trainings alike"


def of_the_old_clock(one: Record) -> Record:
    """As it was kept before scope, batch and layout were part of the setting."""
    if one.group != "latency":
        return one
    kept = {name: one.setting.to_json()[name] for name in ("size", "classes", "device", "threads", "runtime")}
    setting = kept | {"warmup": 5, "iterations": 30, "restart": 0, "method": 1}
    line = json.loads(one.to_line()) | {"setting": setting, "details": {"samples_ms": [10.0]}}
    return parse_line(json.dumps(line), "here")


def test_records_of_the_old_clock_are_shown_with_what_they_measured(tmp_path: Path) -> None:
    records = [of_the_old_clock(one) for one in measured("small", 0.5, 1e9, 10)]
    study = make_study("demo", records, [r.key for r in records])
    setting = "eager PyTorch, CPU with 1 thread, one 512x256 image, float32, channels_last, scope resize"
    assert f"latency (ms): {setting}" in result_table(study).headings
    assert front_info(study, "latency_cpu_ms").subtitle == f"{setting}\non Test CPU"
    page = write_report(study, tmp_path).with_name("README.md").read_text()
    assert "30 passes in each of 1 process, after a warm-up of a fixed number" in page
    assert "latency of small+dnl is of random start weights, as it was measured before trained weights" in page


def test_a_percentile_says_of_how_many_passes_it_is() -> None:
    samples = [float(ms) for ms in range(1, 34)]
    records = [
        one.model_copy(update={"details": one.details | {"samples_ms": samples}}) if one.group == "latency" else one
        for restart in range(2)
        for one in measured("small", 0.5, 1e9, 17, setting={"restart": restart})
        if restart == 0 or one.group == "latency"
    ]
    study = make_study("demo", records, [r.key for r in records])
    details = detail_table(study)
    (heading,) = [name for name in details.headings if name.startswith("90th")]
    assert heading.startswith("90th percentile of 66 passes (ms): eager PyTorch, CPU with 1 thread")
    assert details.rows[0].cells[details.headings.index(heading)] == "30.0"
    fewer = [r for r in records if not isinstance(r, ProcessRecord) or r.setting.restart == 0]
    assert not detail_table(make_study("demo", fewer, [r.key for r in fewer])).headings


def test_page_is_self_contained_and_escaped(study: Study, tmp_path: Path) -> None:
    page = write_report(study, tmp_path).read_text()
    assert page.count("<svg") == 3
    assert not re.search(r'(src|href)="(?!#)', page.replace('xlink:href="#', ""))
    assert "<b>ad" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_both_pages_say_with_what_it_was_measured(study: Study, tmp_path: Path) -> None:
    page = write_report(study, tmp_path)
    for text in (page.read_text(), page.with_name("README.md").read_text()):
        for words in ("Test CPU", "torch 2.15.0", "0123456789ab", "1 epoch", "out of memory", "lower is better"):
            assert words in text


@pytest.mark.slow
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


def test_eight_backbones_have_eight_colours() -> None:
    names = [f"net_{letter}" for letter in "abcdefgh"]
    assert len(set(assign(names, PALETTE).values())) == len(names)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("run `bench sweep <x>` again", "run <code>bench sweep &lt;x&gt;</code> again"),
        ("a & b", "a &amp; b"),
        ("one ` alone <b>", "one ` alone &lt;b&gt;"),
    ],
)
def test_commands_in_a_line_are_set_as_code_and_the_rest_is_escaped(text: str, html: str) -> None:
    assert str(with_code(text)) == html
