"""A real sweep of tiny networks: whole, stopped politely, timed out, dry, or beside another."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import INTERRUPTED, TINY_SPACE, RunBench
from tests.sweeps import running_sweep, stored, wait_for

PAIR = TINY_SPACE.replace("[mobilenetv3_small_050, lcnet_050]", "[lcnet_050]")
CELLS = 2 + 2 * 2 + 2
"""Of it: costs, two restarts of each latency, accuracies."""


@pytest.mark.slow
def test_sweep_measures_everything_and_reports_once(run_bench: RunBench, tiny_space: Path) -> None:
    tiny_space.write_text(PAIR)
    done = run_bench("sweep", tiny_space.name)
    assert done.returncode == 0, done.stderr
    records = stored(tiny_space.parent)
    assert Counter(r["group"] for r in records) == {"cost": 2, "latency": 4, "accuracy": 2}
    for record in records:
        assert record["status"] == "ok"
        assert record["commit"]
        assert record["machine"]["cpu"]
        assert record["versions"]["torch"]
        assert record["setting"]
        if record["group"] == "latency":
            assert len(record["details"]["samples_ms"]) == 5
            assert record["details"]["warmup"]["passes"] >= 8
        if record["group"] == "accuracy":
            assert record["setting"]["seed"] == 0
            assert record["setting"]["schedule"]["epochs"] == 2
            assert 0 <= record["metrics"]["miou_val"] <= 1
    assert "plain FPN" in done.stdout
    assert (tiny_space.parent / "reports" / "tiny" / "index.html").is_file()

    again = run_bench("sweep", tiny_space.name)
    assert again.returncode == 0
    assert f"to measure: nothing; {CELLS} done before" in again.stderr
    assert stored(tiny_space.parent) == records

    nowhere = run_bench("sweep", tiny_space.name, "--reports", f"{tiny_space.name}/reports")
    assert nowhere.returncode == 2, "a sweep that measured everything is not one that measured nothing"
    assert "cannot write" in nowhere.stderr

    renamed = tiny_space.with_name("renamed.yaml")
    renamed.write_text(PAIR.replace("name: tiny", "name: renamed"))
    reusing = run_bench("sweep", renamed.name)
    assert "to measure: 4 latency; 0 done before, 4 taken from other sweeps" in reusing.stderr
    assert "measured 4, failed 0; 0 done before, 4 taken from other sweeps" in reusing.stderr
    assert len(list((tiny_space.parent / "results" / "renamed").glob("*.jsonl"))) == 1


@pytest.mark.slow
def test_polite_stop_says_how_to_go_on(tiny_space: Path) -> None:
    with running_sweep(tiny_space) as process:
        wait_for(lambda: stored(tiny_space.parent), process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert process.returncode in INTERRUPTED
    assert "the same command goes on from here" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_time_out_is_a_record(tiny_space: Path, run_bench: RunBench) -> None:
    tiny_space.write_text(PAIR.replace("epochs: 2", "epochs: 9000").replace("[[], [3, 4]]", "[[3, 4]]"))
    done = run_bench("sweep", tiny_space.name, "--timeout", "6")
    failed = [r for r in stored(tiny_space.parent) if r["status"] == "failed"]
    assert {r["group"] for r in failed} == {"accuracy"}
    assert all("time-out: not done after 6 s" in r["reason"] for r in failed)
    assert done.returncode == 3
    assert "no accuracy record to show, 1 failed" in done.stderr


def test_dry_run_measures_nothing_and_forecasts(tiny_space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", tiny_space.name, "--dry-run")
    assert done.returncode == 0
    assert "4 variants of 4 combinations" in done.stderr
    assert "to measure: 4 cost, 4 accuracy, 8 latency; 0 done before" in done.stderr
    assert "about " in done.stderr
    assert len(done.stdout.splitlines()) == 4
    assert not (tiny_space.parent / "results").exists()


@pytest.mark.slow
def test_matrices_that_are_gone_are_said_and_trained_again(tiny_space: Path, run_bench: RunBench) -> None:
    text = TINY_SPACE.replace("[[], [3, 4]]", "[[3, 4]]").replace("latency: {", "latency: null\n_: {")
    tiny_space.write_text("\n".join(line for line in text.splitlines() if not line.startswith("_")))
    assert run_bench("sweep", tiny_space.name).returncode == 0
    first, second = sorted((tiny_space.parent / "results" / "tiny" / "confusions").glob("*.npz"))
    was = first.read_bytes()
    first.write_bytes(was[:100])
    broken = run_bench("report", "tiny")
    assert broken.returncode == 2
    assert f"{first.name} is broken" in broken.stderr
    assert "--retry-doubtful" in broken.stderr

    first.unlink()
    assert "the confusion matrices of 1 of 2 trainings are not in results/" in run_bench("report", "tiny").stdout
    assert "to measure: nothing" in run_bench("sweep", tiny_space.name).stderr
    again = run_bench("sweep", tiny_space.name, "--retry-doubtful")
    assert "measured 1, failed 0; 3 done before" in again.stderr
    assert first.read_bytes() == was
    assert second.is_file()
    assert "the confusion matrices of" not in again.stdout


@pytest.mark.slow
def test_a_page_says_which_limit_left_variants_out(tiny_space: Path, run_bench: RunBench) -> None:
    tiny_space.write_text(
        TINY_SPACE.replace("latency: {size: [64, 64], devices: [cpu], samples: 10, restarts: 2}", "latency: null")
    )
    assert run_bench("sweep", tiny_space.name).returncode == 0
    page = tiny_space.parent / "reports" / "tiny" / "README.md"
    assert "chosen by" not in page.read_text()
    most = int(min(r["metrics"]["parameters"] for r in stored(tiny_space.parent) if r["group"] == "cost"))
    done = run_bench("sweep", tiny_space.name, "--max-params", str(most))
    assert f"budget: at most {most:,} parameters: 3 of 4 variants are beyond and not measured" in done.stderr
    chosen = f"chosen by cost: of the space's 4 variants all but 3 beyond the budget of at most {most:,} parameters"
    assert chosen in page.read_text()
    assert "left out: 3 cost records that the newest run did not ask for" in page.read_text()


def test_options_that_would_change_nothing_are_refused(tiny_space: Path, run_bench: RunBench) -> None:
    for options, words in (
        (("--trials", "3"), "--trials is of --search nsga2, tpe or random"),
        (("--search-seed", "1", "--schedule", "halving"), "--search-seed is of --search"),
        (("--spend", "0.5"), "--spend is of --schedule halving"),
        (("--data-root", "."), "data set 'streets' has no files: it would not look into ."),
    ):
        done = run_bench("sweep", tiny_space.name, *options)
        assert done.returncode == 2
        assert words in done.stderr
    assert not stored(tiny_space.parent)


def test_a_report_that_could_not_be_written_is_refused_before(tiny_space: Path, run_bench: RunBench) -> None:
    done = run_bench("sweep", tiny_space.name, "--reports", f"{tiny_space.name}/reports")
    assert done.returncode == 2
    assert "cannot write tiny.yaml/reports: Not a directory. Pass --reports FOLDER." in done.stderr
    assert not stored(tiny_space.parent)


def test_refusal_comes_before_any_measurement(tiny_space: Path, run_bench: RunBench) -> None:
    tiny_space.write_text(TINY_SPACE.replace("lcnet_050", "lcnet_005"))
    done = run_bench("sweep", tiny_space.name)
    assert done.returncode == 2
    assert "Did you mean" in done.stderr
    assert "Traceback" not in done.stderr
    assert not stored(tiny_space.parent)
