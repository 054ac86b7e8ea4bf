"""Runtimes: every one gives what eager gives, or is refused before it is timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.latency import runtimes
from bench.latency.clock import measure_latency
from bench.latency.parity import Parity, check_parity, compare
from bench.latency.runtimes import check_runtime, onnx_runtime, open_vino, prepare_checked
from bench.latency.runtimes.exporting import keep
from bench.latency.scope import Run, Scoped, make_images
from bench.settings.latency import LatencySetting
from bench.settings.runtimes import SCOPES, RuntimeName, Scope
from tests.conftest import bench_environment
from variants.names import parse_name
from variants.network import Network, build

DNL = "lcnet_050+frm34-dnl-w16+fpn16-head16"
TRANSFORMER = "lcnet_050+frm4-transformer-w16-depth1-heads2-ffn2+fpn16-head16"
EAGER = LatencySetting(size=(64, 64), classes=5, scope="argmax")
EXPORTING: tuple[RuntimeName, ...] = ("onnxruntime", "openvino")


SEEDS = {DNL: 3, TRANSFORMER: 0}
"""With others the class map has one class, and nothing to compare."""
NEAR_TIES = 0.002


def network(name: str = DNL) -> Network:
    torch.manual_seed(SEEDS[name])
    return build(parse_name(name), 5).eval()


def output_of(run: Run, setting: LatencySetting) -> Tensor:
    with torch.inference_mode():
        return run(make_images(setting)).clone()


def eager_output(name: str, setting: LatencySetting) -> Tensor:
    run, parity = prepare_checked(network(name), setting.replace(runtime="eager"), Path("unused"))
    assert parity is None
    return output_of(run, setting)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of DNL, shared as processes share them."""
    return tmp_path_factory.mktemp("exports") / "not" / "there" / "dnl"


@pytest.mark.slow
@pytest.mark.parametrize("runtime", EXPORTING)
def test_exported_graph_gives_eagers_class_map(runtime: RuntimeName, kept: Path) -> None:
    check_class_map(DNL, EAGER.replace(runtime=runtime), kept)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", EXPORTING)
def test_exported_graph_takes_either_layout_and_transformers(runtime: RuntimeName, tmp_path: Path) -> None:
    check_class_map(TRANSFORMER, EAGER.replace(runtime=runtime, layout="contiguous"), tmp_path / "a")


BFLOAT16 = EAGER.replace(runtime="openvino", precision="bfloat16", scope="resize")


@pytest.mark.slow
def test_openvino_reads_bfloat16_weights_that_lie_channels_last(tmp_path: Path) -> None:
    """Where the CPU computes in bfloat16; elsewhere the setting is refused."""
    setting = BFLOAT16
    if "bfloat16" not in open_vino.precisions():
        with pytest.raises(UserError, match="serves every precision"):
            check_runtime(setting)
        return
    _, parity = prepare_checked(network(), setting, tmp_path / "a")
    assert parity is not None
    assert parity.largest_logit_difference > 0


@pytest.mark.slow
def test_network_that_would_be_compiled_in_part_is_refused(tmp_path: Path) -> None:
    class Breaking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            torch._dynamo.graph_break()
            return x

    net = network()
    net.classifier.append(Breaking())  # type: ignore[operator]
    with pytest.raises(UserError, match=r"torch\.compile cannot take this network: .* `--runtime eager`"):
        prepare_checked(net, EAGER.replace(runtime="compile"), tmp_path / "a")


@pytest.mark.slow
def test_compiled_graph_gives_eagers_class_map(tmp_path: Path) -> None:
    check_class_map(DNL, EAGER.replace(runtime="compile", scope="resize"), tmp_path / "a")


def check_class_map(name: str, setting: LatencySetting, exported: Path) -> None:
    run, parity = prepare_checked(network(name), setting, exported)
    given, eager = output_of(run, setting), eager_output(name, setting)
    if setting.scope != "argmax":
        given, eager = given.argmax(dim=1), eager.argmax(dim=1)
    assert eager.min() < eager.max()
    assert (given != eager).float().mean() <= NEAR_TIES
    assert parity is not None
    assert parity.largest_logit_difference < 1e-4
    assert parity.share_of_other_pixels <= NEAR_TIES


@pytest.mark.slow
@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_has_its_own_output(scope: Scope, kept: Path) -> None:
    setting = EAGER.replace(runtime="onnxruntime", scope=scope)
    run, _ = prepare_checked(network(), setting, kept)
    given, eager = output_of(run, setting), eager_output(DNL, setting)
    assert given.dtype == eager.dtype
    assert given.shape == eager.shape
    assert ((given.float() - eager.float()).abs() > 1e-4).float().mean() <= NEAR_TIES


def test_new_image_gives_a_new_output(kept: Path) -> None:
    setting = EAGER.replace(runtime="onnxruntime", scope="resize")
    run, _ = prepare_checked(network(), setting, kept)
    first = output_of(run, setting)
    with torch.inference_mode():
        assert not torch.equal(run(1 - make_images(setting)), first)


def test_parity_reaches_the_record(kept: Path) -> None:
    timing = measure_latency(network, EAGER.replace(runtime="onnxruntime"), 2, kept)
    assert timing.parity is not None
    assert json.loads(json.dumps(timing.to_json()))["parity"] == asdict(timing.parity)


@pytest.mark.parametrize("runtime", EXPORTING)
def test_export_is_kept_for_the_next_process(runtime: RuntimeName, kept: Path) -> None:
    setting = EAGER.replace(runtime=runtime)
    prepare_checked(network(), setting, kept)
    before = {file: file.stat().st_mtime_ns for file in kept.parent.iterdir()}
    prepare_checked(network(), setting, kept)
    assert {file: file.stat().st_mtime_ns for file in kept.parent.iterdir()} == before


def test_export_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def write_half(file: Path) -> None:
        file.with_suffix(".bin").write_bytes(b"half")
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        keep([tmp_path / "a.b.bin", tmp_path / "a.b.xml"], write_half)
    assert not list(tmp_path.iterdir())


def test_half_an_export_of_a_killed_process_is_made_again(tmp_path: Path) -> None:
    def write(file: Path) -> None:
        file.with_suffix(".bin").write_bytes(b"whole")
        file.write_bytes(b"whole")

    bin_file, xml = tmp_path / "a.b.bin", tmp_path / "a.b.xml"
    (tmp_path / "a.b.1-writing.xml").write_bytes(b"half")
    bin_file.write_bytes(b"half")
    keep([bin_file, xml], write)
    assert bin_file.read_bytes() == xml.read_bytes() == b"whole"


def test_export_of_another_network_is_refused(kept: Path) -> None:
    setting = EAGER.replace(runtime="onnxruntime")
    prepare_checked(network(), setting, kept)
    with pytest.raises(UserError, match="something else than eager"):
        prepare_checked(network(TRANSFORMER), setting, kept)


@pytest.mark.parametrize("scope", ["resize", "argmax"])
def test_wrong_output_is_refused(scope: Scope) -> None:
    setting = EAGER.replace(runtime="openvino", scope=scope)
    graph, right = Scoped(network(), scope), Scoped(network(), "resize")
    with pytest.raises(UserError, match=r"OpenVINO gives something else .* `--runtime eager`"):
        check_parity(graph, lambda image: graph(image) + 1, lambda: right, setting)


def test_right_class_map_from_wrong_logits_is_refused() -> None:
    graph, right = Scoped(network(), "argmax"), Scoped(network(), "resize")
    with pytest.raises(UserError, match="logits differ"):
        check_parity(graph, graph, lambda: lambda image: right(image) * 2, EAGER)


def test_nan_and_another_size_are_no_parity() -> None:
    eager = torch.rand(1, 5, 8, 8)
    nan = torch.full_like(eager, float("nan"))
    assert compare(nan, nan.argmax(dim=1), eager).largest_logit_difference == float("inf")
    small = eager[..., :4]
    assert compare(small, small.argmax(dim=1), eager) == Parity(float("inf"), 1.0)


@pytest.mark.timing
@pytest.mark.parametrize("runtime", EXPORTING)
def test_one_thread_is_one_thread(runtime: RuntimeName, kept: Path) -> None:
    setting = EAGER.replace(runtime=runtime, threads=1)
    run, _ = prepare_checked(network(), setting, kept)
    images = make_images(setting)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(200):
        run(images)
    assert time.process_time() - cpu < 1.3 * (time.perf_counter() - wall)


@pytest.mark.parametrize("threads", sorted({1, len(os.sched_getaffinity(0))}))
def test_threads_reach_onnx_runtime_and_openvino(kept: Path, threads: int) -> None:
    setting = EAGER.replace(threads=threads)
    session, _ = prepare_checked(network(), setting.replace(runtime="onnxruntime"), kept)
    assert isinstance(session, onnx_runtime.Session)
    assert session.session.get_session_options().intra_op_num_threads == threads
    request, _ = prepare_checked(network(), setting.replace(runtime="openvino"), kept)
    assert isinstance(request, open_vino.Request)
    assert request.compiled.get_property("INFERENCE_NUM_THREADS") == threads


@pytest.mark.parametrize(("runtime", "extra"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_missing_package_is_named_with_its_extra(
    runtime: RuntimeName, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"{runtime}.* not installed here. `pip install '.*\[{extra}\]'`"):
        check_runtime(EAGER.replace(runtime=runtime))


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_graph_without_cuda_is_refused() -> None:
    with pytest.raises(UserError, match=r"'cudagraph' is asked for on cuda, .* no CUDA device .* `--device cpu`"):
        check_runtime(EAGER.replace(runtime="cudagraph", device="cuda"))


def test_cuda_graph_on_the_cpu_is_refused() -> None:
    with pytest.raises(UserError, match="'cudagraph' does not run on cpu"):
        check_runtime(EAGER.replace(runtime="cudagraph"))


def test_bfloat16_on_a_cpu_without_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_vino, "precisions", lambda: ("float32",))
    with pytest.raises(UserError, match=r"OpenVINO .* float32 on this CPU; `--runtime eager` serves every precision"):
        check_runtime(BFLOAT16)


def test_half_precision_that_would_be_converted_is_refused() -> None:
    with pytest.raises(UserError, match=r"ONNX Runtime .* float16.* float32 on this CPU"):
        check_runtime(EAGER.replace(runtime="onnxruntime", precision="float16"))


def test_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match="'no-such-compiler' is not installed"):
        check_runtime(EAGER.replace(runtime="compile"))


@pytest.mark.slow
def test_runtimes_report_to_nobody(tmp_path: Path) -> None:
    """Each would leave an identifier of the machine in the home folder as it loads."""
    code = "import bench.latency.runtimes.onnx_runtime, bench.latency.runtimes.open_vino"
    environment = bench_environment() | {"HOME": str(tmp_path)}
    for name in ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list(tmp_path.iterdir())
