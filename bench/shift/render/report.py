"""The report folder of a measured shift: figure, sheet of pictures, page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.adapt.steps import Step
from bench.render.output_folder import report_folder
from bench.shift.render.figure import save_shift
from bench.shift.render.page import SHEET, save_page
from bench.shift.render.step_sheet import SheetRow, draw_step_sheet, typical
from bench.shift.result import ShiftReport
from bench.shift.run import Domain

_COLUMNS = 4
"""Pictures side by side on the sheet."""
_NOTE = "First column: the farthest new image. Distance: of the image, over the median of held-out training images."


def write_shift(
    report: ShiftReport, fitted: Mapping[str, Step], known: Domain, new: Domain, command: str, folder: Path
) -> None:
    """Draw the pictures and write the page.

    Args:
        fitted: the steps, by name.
        known: the training images.
        command: that measured it.

    Raises:
        UserError: the folder cannot be written.
    """
    with report_folder(folder):
        save_shift(report, folder)
        title = f"{report.target}: as it is and after each step, beside {report.source}"
        draw_step_sheet(title, _sheet_rows(report, fitted, known, new), _NOTE, folder / SHEET)
        save_page(report, command, folder)


def _sheet_rows(report: ShiftReport, fitted: Mapping[str, Step], known: Domain, new: Domain) -> list[SheetRow]:
    """Typical training images; the farthest new image and typical ones, without and with steps."""
    shown = typical(report.shift.source_per_image, _COLUMNS)
    rows = [SheetRow(report.source, [known.images[i] for i in shown], [known.images.names[i] for i in shown])]
    far = report.farthest[0]
    chosen = [far, *(i for i in typical(report.shift.raw.per_image, _COLUMNS) if i != far)][:_COLUMNS]
    pictures = [new.images[i] for i in chosen]
    for step in report.shift.steps:
        do = fitted.get(step.step)
        captions = [f"distance {step.per_image[i]:.2f}" for i in chosen]
        if do is None:
            captions = [f"{report.names[i]}, {caption}" for i, caption in zip(chosen, captions, strict=True)]
        rows.append(SheetRow(step.step if do else "no step", [do(p) if do else p for p in pictures], captions))
    return rows
