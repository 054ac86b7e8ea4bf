"""A pick from a pack is the pick from the records, to the byte; a pack never answers for what it does not hold."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.analysis.constraints import Limit
from bench.decision.decision import decide
from bench.decision.decision_data import load_grounds
from bench.decision.evidence import Source
from bench.decision.lazy_resampling import Drawn
from bench.decision.record_evidence import Records
from bench.errors import UserError
from bench.pack.manifest import PACK
from bench.pack.query import Pack
from bench.pack.write import Packed, pack_results
from bench.render.pick_text import pick_lines
from bench.speed.synthetic_records import MACHINE, likeness_of, make_results
from bench.storage.confusions import FOLDER
from bench.storage.records import Record
from bench.storage.store import Store
from tests.conftest import PROJECT, RunBench
from tests.factories import measured, record

SWEEPS = sorted(path.parent.name for path in (PROJECT / "results").glob("*/plan.json"))
QUERIES: dict[str, tuple[list[Limit], str, str]] = {
    "all": ([], "miou_val", ""),
    "least MACs": ([Limit("miou_val", 0.6)], "macs", ""),
    "two limits": ([Limit("macs", 2e9), Limit("parameters", 3e6)], "miou_val", ""),
    "latency": ([Limit("latency_cpu_ms", 100.0), Limit("miou_val", 0.6)], "latency_cpu_ms", ""),
    "no candidate": ([Limit("miou_val", 0.99), Limit("macs", 1e8)], "miou_val", ""),
    "another device": ([Limit("latency_cuda_cudagraph_ms", 2.0)], "miou_val", ""),
    "a machine": ([Limit("latency_cpu_ms", 90.0)], "miou_val", "nvidia"),
    "no machine": ([Limit("latency_cpu_ms", 90.0)], "miou_val", "elsewhere"),
}


def answer(source: Source, sweeps: Sequence[str], query: str) -> str:
    """All that a pick says, in JSON and in words, or why it refuses."""
    limits, objective, machine = QUERIES[query]
    try:
        decision = decide(source, sweeps, limits, objective, machine)
    except UserError as error:
        return f"{type(error).__name__}: {error}"
    return "\n".join([json.dumps(decision.to_json(), indent=2), *pick_lines(decision)])


def same_answers(results: Path, sweeps: Sequence[str], query: str) -> str:
    told = answer(Pack(results), sweeps, query)
    assert told == answer(Records(Store(results)), sweeps, query)
    return told


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed copy of the committed results."""
    results = tmp_path_factory.mktemp("committed") / "results"
    shutil.copytree(PROJECT / "results", results, ignore=shutil.ignore_patterns(PACK))
    pack_results(results)
    return results


@pytest.mark.slow
@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_committed_sweep_has_the_same_pick(committed: Path, sweep: str) -> None:
    told = [same_answers(committed, [sweep], query) for query in list(QUERIES)[:7]]
    assert any('"pick": {' in words for words in told)
    assert any('"pick": null' in words for words in told)


@pytest.mark.parametrize(
    ("sweeps", "words"),
    [
        (["camvid", "camvid_modules"], "2 data sets or schedules do not stand side by side"),
        ([], "do not stand side by side"),
        (["camvid", "nothing"], "holds no records of 'nothing'"),
        (["guard"], "holds no records of 'guard'"),
    ],
)
def test_what_is_refused_is_refused_in_the_same_words(committed: Path, sweeps: list[str], words: str) -> None:
    assert words in same_answers(committed, sweeps, "least MACs")
    assert "Latencies that are there: latency_cpu_ms on intel" in same_answers(committed, ["camvid"], "no machine")


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed results of many sweeps on eight machines, with matrices."""
    results = tmp_path_factory.mktemp("synthetic") / "results"
    make_results(results, likeness_of(PROJECT / "results", "camvid", with_matrices=True), 1200)
    pack_results(results)
    return results


@pytest.mark.slow
@pytest.mark.parametrize("with_matrices", [True, False])
def test_many_sweeps_and_machines_have_the_same_pick(
    synthetic: Path, tmp_path: Path, with_matrices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = synthetic
    if not with_matrices:
        results = tmp_path / "results"
        shutil.copytree(synthetic, results, ignore=shutil.ignore_patterns(FOLDER, PACK))
        pack_results(results)
    monkeypatch.setitem(QUERIES, "one", ([Limit("latency_cpu_ms", 40.0)], "miou_val", MACHINE.format(3)))
    for query in ("least MACs", "no candidate", "one"):
        assert "UserError" not in same_answers(results, [], query)
    assert "8 machines or settings of the clock do not stand side by side" in same_answers(results, [], "latency")
    same_answers(results, ["synthetic_01", "synthetic_07"], "latency")


@pytest.mark.parametrize("metric", ["miou_val", "latency_cpu_ms"])
@pytest.mark.parametrize("with_matrices", [True, False])
def test_draws_lie_between_their_ends(synthetic: Path, tmp_path: Path, metric: str, with_matrices: bool) -> None:
    results = synthetic
    if not with_matrices:
        results = tmp_path / "results"
        shutil.copytree(synthetic, results, ignore=shutil.ignore_patterns(FOLDER, PACK))
        pack_results(results)
    drawn = load_grounds(Pack(results), ["synthetic_00"], ["miou_val", "latency_cpu_ms"]).draws[metric]
    assert isinstance(drawn, Drawn)
    low, high = drawn.ends(list(drawn))
    assert len(drawn) > 3
    for i, draws in enumerate(drawn.values()):
        assert low[i] <= draws.min() <= draws.max() <= high[i]


def save(results: Path, sweep: str, records: list[Record], plan: list[str] | None = None) -> None:
    for one in records:
        Store(results).append(sweep, one)
    Store(results).write_plan(sweep, [r.key for r in records] if plan is None else plan)


@pytest.mark.slow
def test_of_several_records_of_a_key_the_same_one_counts(tmp_path: Path) -> None:
    """A failure after a success, a newer success, another machine's, another sweep's, one that no plan names."""
    results = tmp_path / "results"
    first, second = measured("a", 0.6, 1e9, 5), measured("b", 0.7, 2e9, 6)
    cost, accuracy = first[0], first[2]
    newer = cost.model_copy(update={"metrics": {"macs": 9e8, "parameters": 7.0}, "started": "2026-02-01"})
    failed = accuracy.model_copy(update={"status": "failed", "metrics": {}, "started": "2026-03-01"})
    same_time = cost.model_copy(update={"metrics": {"macs": 8e8, "parameters": 7.0}, "machine_id": "a-first-machine"})
    unplanned = record("accuracy", "c", {"miou_val": 0.9, "miou_val_low": 0.8, "miou_val_high": 1.0})
    save(results, "one", [*first, newer, failed, same_time, unplanned, *second], [r.key for r in first + second])
    seeds = [
        record("accuracy", "b", accuracy.metrics | {"miou_val": 0.6 + seed / 50}, setting={"seed": seed})
        for seed in range(3)
    ]
    save(results, "two", [*measured("a", 0.65, 3e9, 7), *seeds, *measured("d", 0.5, 1e8, 4)])
    pack_results(results)
    for sweeps in ([], ["one"], ["two"], ["two", "one"], ["one", "one"]):
        for query in QUERIES:
            same_answers(results, sweeps, query)
    assert '"macs": 900000000.0' in same_answers(results, ["one"], "least MACs")


def test_a_stale_pack_never_answers(run_bench: RunBench, tmp_path: Path) -> None:
    results = tmp_path / "results"
    save(results, "mine", measured("a", 0.6, 1e9, 5))
    asked = ("pick", "mine", "--json")
    none = run_bench(*asked, "--packed")
    assert (none.returncode, none.stdout) == (2, "")
    assert "results has no pack that this version of bench reads. Run `bench pack`, then again." in none.stderr
    assert "packed 3 records of 1 sweep and 1 machine" in run_bench("pack").stdout
    assert run_bench(*asked, "--packed").stdout == run_bench(*asked).stdout

    save(results, "mine", measured("b", 0.7, 2e9, 6))
    stale = run_bench(*asked, "--packed")
    assert (stale.returncode, stale.stdout) == (2, "")
    assert "stale: changed since are mine/test-cpu-2-cores-abcdef.jsonl. Run `bench pack`" in stale.stderr
    assert run_bench("pack").returncode == 0
    fresh = run_bench(*asked, "--packed").stdout
    assert fresh == run_bench(*asked).stdout
    assert json.loads(fresh)["pick"]["variant"] == "b+dnl"

    save(results, "other", measured("c", 0.5, 1e9, 5))
    assert "stale: changed since are other/" in run_bench(*asked, "--packed").stderr
    run_bench("pack")
    (results / "mine" / FOLDER).mkdir()
    shutil.copy(next((PROJECT / "results" / "camvid" / FOLDER).glob("*.npz")), results / "mine" / FOLDER)
    assert "stale: changed since are mine/confusions" in run_bench(*asked, "--packed").stderr
    run_bench("pack")
    next((results / PACK / "records" / "mine").glob("*.parquet")).unlink()
    assert "stale: changed since are .packed/records/mine/" in run_bench(*asked, "--packed").stderr


def test_only_what_changed_is_packed_again(tmp_path: Path) -> None:
    results = tmp_path / "results"
    for sweep in ("one", "two"):
        save(results, sweep, measured("a", 0.6, 1e9, 5))
    assert pack_results(results).anew == 6
    os.utime(results / "one" / "test-cpu-2-cores-abcdef.jsonl", ns=(0, 0))
    assert "stale" in answer(Pack(results), [], "all")
    touched: Packed = pack_results(results)
    assert (touched.anew, touched.records) == (0, 6)
    save(results, "two", measured("b", 0.6, 1e9, 5))
    assert pack_results(results).anew == 6
    assert len(list((results / PACK).glob("records/*/*.parquet"))) == 2


def test_a_line_that_was_cut_off_is_no_record(tmp_path: Path) -> None:
    results = tmp_path / "results"
    save(results, "mine", measured("a", 0.6, 1e9, 5))
    with (results / "mine" / "test-cpu-2-cores-abcdef.jsonl").open("a") as file:
        file.write(measured("b", 0.7, 2e9, 6)[0].to_line()[:200])
    assert pack_results(results).records == 3
    assert '"candidates": 1' in same_answers(results, ["mine"], "all")


def test_a_broken_line_is_refused_and_the_pack_before_stays(tmp_path: Path) -> None:
    results = tmp_path / "results"
    save(results, "mine", measured("a", 0.6, 1e9, 5))
    pack_results(results)
    before = {path: path.read_bytes() for path in (results / PACK).rglob("*.*") if path.is_file()}
    with (results / "mine" / "test-cpu-2-cores-abcdef.jsonl").open("a") as file:
        file.write("broken\n")
    with pytest.raises(UserError, match=r"abcdef.jsonl:4: broken line"):
        pack_results(results)
    assert {path: path.read_bytes() for path in (results / PACK).rglob("*.*") if path.is_file()} == before


def test_without_duckdb_the_extra_is_named(
    run_bench: RunBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "results", "mine", measured("a", 0.6, 1e9, 5))
    run_bench("pack")
    monkeypatch.setattr("bench.pack.query.find_spec", lambda name: None)  # as where it is not installed
    done = run_bench("pick", "mine", "--packed")
    assert done.returncode == 2
    assert "pip install 'segmentation-bench[scale]'" in done.stderr


def test_the_columns_are_open_to_any_tool(synthetic: Path) -> None:
    import duckdb

    files = str(synthetic / PACK / "records" / "*" / "*.parquet")
    query = 'SELECT count(*), count(DISTINCT sweep), count(miou_val), max(macs) FROM read_parquet(?) WHERE "group" = ?'
    found = duckdb.connect().execute(query, [files, "cost"]).fetchone()
    costs = [r for r in Store(synthetic).read() if r.group == "cost"]
    assert found == (len(costs), 24, 0, max(r.metrics["macs"] for r in costs))


@pytest.mark.slow
def test_the_speed_command_compares_both_ways(run_bench: RunBench) -> None:
    done = run_bench("speed", "pick", "--records", "1000", "--results", str(PROJECT / "results"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("equal") == 2


@pytest.mark.timing
def test_the_speed_command_keeps_its_promise(run_bench: RunBench) -> None:
    done = run_bench("speed", "pick", "--records", "1000", "--results", str(PROJECT / "results"), "--check")
    assert done.returncode == 0, done.stderr
    assert "promised 10 s, and the same answers: met" in done.stdout
