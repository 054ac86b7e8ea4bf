"""What others published about networks on a data set: reference points of a page, not measured here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from bench.metrics import METRICS

PUBLISHED_WORDS = (
    "Published, not measured here: by their authors, with schedules and input sizes of their own. mIoU is on the test "
    "split."
)


@dataclass(frozen=True, kw_only=True)
class PublishedScore:
    """A network with its published mIoU on the test split (0 to 1).

    parameters: None where they were not published. input: width x height. pretraining: "none" or of what.
    """

    name: str
    parameters: float | None
    input: str
    pretraining: str
    miou_test: float
    source: str


def published_scores(dataset: str) -> tuple[PublishedScore, ...]:
    """Those on a data set, in the order of the file; none where there is no file for it."""
    path = Path(__file__).with_name(f"published_{dataset}.csv")
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_score(row) for row in csv.DictReader(file))


def published_rows(dataset: str) -> list[dict[str, str]]:
    """Those on a data set as the rows of a table, in words."""
    return [
        {
            "name": score.name,
            "input": score.input,
            "pretraining": score.pretraining,
            "source": score.source,
            "parameters": METRICS["parameters"].show(score.parameters),
            "miou": METRICS["miou_test"].show(score.miou_test),
        }
        for score in published_scores(dataset)
    ]


def _score(row: dict[str, str]) -> PublishedScore:
    parameters = round(float(row["params_m"]) * 1e6) if row["params_m"] else None
    return PublishedScore(
        name=row["model"],
        parameters=parameters,
        input=row["input"],
        pretraining=row["pretraining"],
        miou_test=float(row["miou_test"]) / 100,
        source=row["source"],
    )
