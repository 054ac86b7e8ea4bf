"""The report of an adaptation is whole, self-contained, says what labels are worth, and what is missing."""

import itertools
import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from bench.adapt.analysis.adaptation import Adaptation, Gain, Plateau
from bench.adapt.render.curves_figure import Curve, CurvesInfo, Panel, curves_info, draw_curves
from bench.adapt.render.end_labels import spread
from bench.adapt.render.report import write_adaptation
from bench.adapt.render.steps_figure import draw_steps, steps_info
from bench.adapt.render.tables import curve_table, missing_words, needed_table, sensible_targets, step_table
from bench.adapt.render.text import Names, arm_lines, gain_words, labels_needed, plateau_words, signed
from bench.analysis.accuracy_warnings import missing_width
from bench.stats.interval import Interval
from tests.adaptations import MadeUp, ladder

NET_B = "net_b<i>+fpn8"


def several() -> MadeUp:
    """Two variants, three arms, a step; of one arm a seed is missing at a budget, of another a budget."""
    made = ladder({0: 0.4, 8: 0.5, 16: 0.6, 64: 0.601})
    ladder({0: 0.42, 8: 0.55, 16: 0.62, 64: 0.61}, made=made, step="clahe")
    ladder({8: 0.51, 16: 0.58, 64: 0.58}, made=made, arm="frozen", seconds=4.0)
    ladder({8: 0.5, 16: 0.6, 64: 0.7}, made=made, variant=NET_B, seeds=2)
    ladder({8: 0.5, 16: 0.6}, made=made, variant=NET_B, arm="semi", seconds=25.0)
    return made


@pytest.fixture
def adaptation() -> Adaptation:
    return several().adaptation(planned=["0"])


def test_both_pages_say_what_labels_are_worth_and_with_what_it_was_measured(
    adaptation: Adaptation, tmp_path: Path
) -> None:
    page = write_adaptation(adaptation, tmp_path)
    assert page == tmp_path / "adapt" / "made_up" / "index.html"
    for text in (page.read_text(), page.with_name("README.md").read_text().replace("\\", "")):
        for words in (
            "from 8 to 16 images: +",
            "from no label to 8 images",
            "bring nothing that is known",
            "is ruled out",
            "Labels needed",
            "trains 2.5 times as fast as full fine-tuning",
            "trains 2.5 times as long as full",
            "1 of ",
            "is missing",
            "words of clahe",
            "Test CPU",
            "torch 2.15.0",
            "0123456789ab",
            "frames of one video",
            "from net.safetensors",
            "all 64",
            "2 of 3 seeds with 8, 16 and 64 labels",
        ):
            assert words in text, words
        assert "random weights" not in text, "training starts at a checkpoint"


def test_the_page_is_self_contained_and_escaped(adaptation: Adaptation, tmp_path: Path) -> None:
    page = write_adaptation(adaptation, tmp_path).read_text()
    assert page.count("<svg") == 2
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!#)', page.replace('xlink:href="#', ""))
    assert "<i>" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_row_a_point_is_there_for_programs(adaptation: Adaptation, tmp_path: Path) -> None:
    rows = pd.read_csv(write_adaptation(adaptation, tmp_path).with_name("table.csv"))
    assert len(rows) == sum(map(len, adaptation.curves.values()))
    full = rows[(rows.arm == "full") & (rows.step == "none") & (rows.variant != NET_B)]
    assert full.labels.tolist() == [8, 16, 64]
    assert full.gain.tolist() == pytest.approx(
        [gain.gain.value for gain in adaptation.gains(next(iter(adaptation.plain)))]
    )
    assert rows[rows.step == "clahe"].step_effect.notna().all()
    assert rows[rows.step == "none"].step_effect.isna().all()


@pytest.mark.slow
def test_rendering_twice_gives_the_same_bytes(adaptation: Adaptation, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        write_adaptation(adaptation, tmp_path / folder)
    for path in (tmp_path / "first" / "adapt" / "made_up").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / "adapt" / "made_up" / path.name).read_bytes(), path.name


def test_without_steps_or_trainings_their_figures_are_not_there(tmp_path: Path) -> None:
    made = MadeUp()
    made.add(0, 0, [0.4, 0.5, 0.6], arm="as_is")
    folder = write_adaptation(made.adaptation(), tmp_path).parent
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "index.html", "table.csv"]
    assert "mIoU test as it is" in (folder / "README.md").read_text()
    folder = write_adaptation(ladder({8: 0.5}, seeds=1).adaptation(), tmp_path).parent
    assert not list(folder.glob("steps.*"))
    text = (folder / "README.md").read_text()
    assert "One budget alone" in text
    assert "there is one seed" in text


def test_tables_have_a_row_a_line_and_a_dash_where_nothing_was_trained(adaptation: Adaptation) -> None:
    names = Names(adaptation)
    table = curve_table(adaptation, names)
    assert table.head[2:] == ["as it is", "8", "16", "all 64", "mIoU test with 64"]
    assert [row[1] for row in table.rows] == ["full fine-tuning", "frozen backbone", "full fine-tuning", "mean teacher"]
    assert [row[2] == "–" for row in table.rows] == [False, False, True, True], "its head has other classes"
    assert [row[5] == "–" for row in table.rows] == [False, False, False, True]
    assert all(len(row) == len(table.head) for row in table.rows)
    steps = step_table(adaptation, names)
    assert [row[:3] for row in steps.rows] == [["net_a · plain FPN", "full fine-tuning", "clahe"]], "tried on no other"
    assert all(cell.startswith("+") for cell in steps.rows[0][3:])


def test_steps_of_a_second_training_and_of_a_network_as_it_is() -> None:
    made = ladder({8: 0.51, 16: 0.58}, made=several(), arm="frozen", step="clahe")
    made.add(0, 0, [0.5] * 12, arm="as_is", variant="net_c+fpn8")
    made.add(0, 0, [0.6] * 12, arm="as_is", variant="net_c+fpn8", step="clahe")
    adaptation = made.adaptation()
    rows = step_table(adaptation, Names(adaptation)).rows
    assert [row[1] for row in rows] == ["full fine-tuning", "frozen backbone", "as it is"]
    assert rows[1][3:] == ["as above", "0.0 (0.0 to 0.0)", "0.0 (0.0 to 0.0)", "–"]
    assert rows[2][3].startswith("+")
    assert rows[2][4:] == ["–"] * 3
    assert [len(points) for points in steps_info(adaptation, Names(adaptation)).panels.values()] == [4, 3, 1]


def test_targets_are_round_and_span_the_curves(adaptation: Adaptation) -> None:
    targets = [100 * target for target in sensible_targets(adaptation)]
    mious = [100 * point.miou.value for points in adaptation.plain.values() for point in points]
    assert 3 <= len(targets) <= 6
    assert min(mious) < targets[0] <= targets[-1] < max(mious)
    assert targets == pytest.approx([35, 40, 45, 50])
    table = needed_table(adaptation, Names(adaptation))
    assert len(table.head) == 2 + len(targets)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(23.4, 12, 40), "23 (12 to 40)"),
        (Interval(8, 8, 8), "≤ 8"),
        (Interval(0, 0, 8), "0 (0 to ≤ 8)"),
        (Interval(40, 20, float("inf")), "40 (20 to > 64)"),
        (Interval(float("inf"), float("inf"), float("inf")), "> 64"),
    ],
)
def test_labels_beyond_the_ladder_are_said_by_its_ends(interval: Interval, words: str) -> None:
    assert labels_needed(interval, [0, 8, 16, 64]) == words


def test_sentences_of_gains() -> None:
    gain = Gain(32, 64, Interval(0.031, 0.014, 0.048))
    assert gain_words(gain) == "from 32 to 64 images: +3.1 points, 95 % +1.4 to +4.8; +0.10 an image"
    assert (
        gain_words(Gain(0, 2, Interval(-0.01, -0.02, 0.0)))
        == "from no label to 2 images: −1.0 points, 95 % −2.0 to 0.0"
    )
    words = plateau_words(Plateau(16, Gain(16, 64, Interval(0.004, -0.01, 0.023)), 0.03), [gain])
    assert words == (
        "From 16 images on, more labels bring nothing that is known: 64 against 16, +0.4 points, 95 % −1.0 to +2.3; "
        "up to 3.0 points could hide there."
    )
    words = plateau_words(Plateau(0, Gain(0, 64, Interval(-0.02, -0.03, -0.01)), 0.004), [gain])
    assert words.startswith("Labels bring nothing that is known: 64 against none")
    assert words.endswith("a gain above 0.4 points is ruled out.")
    assert "still help at the end: from 32 to 64 images" in plateau_words(None, [gain])
    assert (signed(0.0004), signed(-0.0004), signed(-0.0123)) == ("0.0", "0.0", "−1.2")


def test_arms_say_time_and_difference_with_the_same_labels(adaptation: Adaptation) -> None:
    (first, frozen), (second, semi) = arm_lines(adaptation, Names(adaptation))
    assert (first.endswith("frozen backbone"), second.endswith("mean teacher")) == (True, True)
    assert re.search(r"known to be .*worse with .*64 labels; with 64: −", frozen)
    assert "with 16:" in semi, "the largest budget in common"


@pytest.mark.parametrize(
    ("planned", "words"), [(["0"], "1 of 11 planned results is"), (["0", "1"], "2 of 12 planned results are")]
)
def test_what_is_missing_is_said_in_the_right_number(planned: list[str], words: str) -> None:
    made = ladder({0: 0.4, 8: 0.5, 16: 0.6, 32: 0.6}, images=30)
    lines = missing_words(made.adaptation(planned=planned))
    assert lines == [f"{words} missing: the same `bench adapt` command goes on with them"]


def test_few_images_are_said_with_what_they_do_to_intervals() -> None:
    """By tables of Student's t: 2.131 with 15 degrees of freedom, over 1.960."""
    adaptation = ladder({8: 0.5}, images=16).adaptation()
    assert missing_width(adaptation.images) == pytest.approx(2.131 / 1.960 * (16 / 15) ** 0.5 - 1, abs=1e-3)
    assert missing_words(adaptation) == [
        "the validation split has 16 images: intervals drawn from so few should be about 12 % wider"
    ]


def test_failures_are_said_once_a_network(adaptation: Adaptation) -> None:
    made = several()
    for step in ("none", "clahe"):
        made.add(64, 2, [0.5] * 12, variant=NET_B, step=step, status="failed", reason="loss is nan", metrics={})
    lines = [line for line in missing_words(made.adaptation()) if line.startswith("failed")]
    assert lines == [f"failed: {NET_B}, full, 64 labels, seed 2: loss is nan"]


def test_labels_keep_their_order_and_distance_and_move_as_little_as_they_can() -> None:
    assert spread([0.2, 0.8], 0.1, 0, 1) == [0.2, 0.8]
    assert spread([0.52, 0.5], 0.1, 0, 1) == pytest.approx([0.56, 0.46])
    assert spread([0.5, 0.5, 0.5], 0.1, 0, 1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.99, 0.98], 0.1, 0, 1) == pytest.approx([1.0, 0.9])
    assert spread([0.0, 0.01], 0.1, 0, 1) == pytest.approx([0.0, 0.1])


def crowded(budgets: list[int]) -> CurvesInfo:
    """Eight variants that end within a point, each with its start beside."""
    curves = [
        Curve(
            name=f"a_long_backbone_name_{i} · FRM transformer",
            look=i,
            labels=budgets,
            mious=[50 + 0.1 * i] * len(budgets),
            lows=[49.0] * len(budgets),
            highs=[52.0] * len(budgets),
        )
        for i in range(8)
    ]
    starts = [(f"{i + 1} as it is", 40 + 0.05 * i, i) for i in range(8)]
    return CurvesInfo(
        title="crowded",
        subtitle="mean of 3 seeds",
        panels=[Panel(title="full fine-tuning", curves=curves, as_is=starts, numbered=True)],
        budgets=budgets,
        everything=budgets[-1],
    )


def overlaps_of(figure: Figure) -> list[str]:
    """Pairs that lie on each other."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label, axes._left_title]  # type: ignore[attr-defined]
        texts += axes.get_yticklabels()
        texts += axes.get_xticklabels() if axes is figure.axes[-1] else []
        legend = axes.get_legend()
        texts += [*legend.get_texts(), legend.get_title()] if legend else []
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    return [
        f"{a.get_text()} / {b.get_text()}"
        for a, b in itertools.combinations(shown, 2)
        if _text_box(a).overlaps(_text_box(b))
    ]


def _text_box(text: Text) -> BboxBase:
    """Without the arrow of an annotation."""
    return Text.get_window_extent(text)


@pytest.mark.slow
def test_no_text_of_the_figures_lies_on_another(adaptation: Adaptation) -> None:
    names = Names(adaptation)
    assert not overlaps_of(draw_curves(curves_info(adaptation, names)))
    assert not overlaps_of(draw_steps(steps_info(adaptation, names)))
    for budgets in ([8, 16, 32, 64, 128, 256, 367], [8, 16, 32, 33], [8, 512, 1024, 1030, 2975], [8]):
        assert not overlaps_of(draw_curves(crowded(budgets)))


def test_with_one_arm_variants_share_a_panel(adaptation: Adaptation) -> None:
    made = ladder({0: 0.4, 8: 0.5, 16: 0.6})
    ladder({0: 0.4, 8: 0.5, 16: 0.6}, made=made, variant="net_b+fpn8")
    (panel,) = curves_info(made.adaptation(), Names(made.adaptation())).panels
    assert (len(panel.curves), len(panel.as_is), panel.numbered) == (2, 2, True)
    info = curves_info(adaptation, Names(adaptation))
    assert [len(panel.curves) for panel in info.panels] == [2, 2]
    assert [len(panel.as_is) for panel in info.panels] == [1, 0]
