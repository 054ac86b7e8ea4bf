"""A run under `BENCH_SKIPS=gpu`: what is skipped, for another reason than a GPU, fails it and is named."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

ONLY_GPU = """
import pytest

@pytest.mark.gpu
@pytest.mark.skipif(True, reason="no GPU here")
def test_on_a_gpu():
    pass

@pytest.mark.xfail(reason="known")
def test_that_is_expected_to_fail():
    assert False

def test_that_passes():
    pass
"""
ALSO = """
import pytest

def test_of_data():
    pytest.skip("needs the data")

@pytest.mark.skip(reason="on no machine")
def test_never():
    pass
"""
WHOLE_FILE = "import pytest\npytest.importorskip('no_such_package', reason='needs the extra: none')\n"
ON_ONE, ON_TWO = ("-p", "no:xdist"), ("-n", "2")


def outcome(pytester: pytest.Pytester, processes: tuple[str, ...], **files: str) -> pytest.RunResult:
    pytester.makeconftest("from tests.skips import pytest_configure")
    pytester.makeini("[pytest]\nmarkers =\n  gpu: of a GPU\n")
    pytester.makepyfile(**files)
    quick = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")  # which collects garbage at the end
    return pytester.runpytest_inprocess(*quick, *processes)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [ON_ONE, ON_TWO], ids=["one process", "two processes"])
def test_a_skip_for_another_reason_fails_the_run_and_is_named(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, processes: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BENCH_SKIPS", "gpu")
    done = outcome(pytester, processes, test_gpu_alone=ONLY_GPU, test_also=ALSO, test_whole=WHOLE_FILE)
    assert done.ret == 1
    listed = done.stdout.str().partition("BENCH_SKIPS=gpu allows only")[2].splitlines()
    assert [line for line in listed if line.startswith("test_")] == [
        "test_also.py::test_never: on no machine",
        "test_also.py::test_of_data: needs the data",
        "test_whole.py: needs the extra: none",
    ]


def test_gpu_tests_may_be_skipped(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_SKIPS", "gpu")
    done = outcome(pytester, ON_ONE, test_gpu_alone=ONLY_GPU)
    assert done.ret == 0
    assert "allows only" not in done.stdout.str()


def test_elsewhere_a_skip_is_no_failure(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_SKIPS", raising=False)
    assert outcome(pytester, ON_ONE, test_also=ALSO, test_gpu_alone=ONLY_GPU).ret == 0


def test_a_misspelt_value_is_refused(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_SKIPS", "cpu")
    done = outcome(pytester, ON_ONE, test_gpu_alone=ONLY_GPU)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "BENCH_SKIPS=cpu" in done.stderr.str()
