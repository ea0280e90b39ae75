"""The benchmark of large networks runs, here with small ones, and counts and times what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

Script = Callable[[str], ModuleType]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_small_networks_go_through_all_of_it(benchmark_script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    gpu = benchmark_script("gpu")
    how = ["--small", "--device", "cpu", "--seconds", "0"]
    assert gpu.main([*how, "--networks", "vitpose", "--batches", "1", "2"]) == 0
    assert gpu.main([*how, "--networks", "sdpose", "--batches", "1", "--precisions", "bf16"]) == 0
    printed = capsys.readouterr().out
    assert re.findall(r"^peak (\w+): [\d.]+ TFLOP/s", printed, re.MULTILINE) == ["f32", "bf16", "bf16"]
    rows = re.findall(r"^ +(f32|bf16) +(\d+) +[\d.]+ +[\d.]+ +\d+% +[\d.]+$", printed, re.MULTILINE)
    assert rows == [("f32", "1"), ("f32", "2"), ("bf16", "1"), ("bf16", "2"), ("bf16", "1")]
    assert "SDPose, narrow, 64x64 px" in printed


def test_without_a_gpu_it_says_so(
    benchmark_script: Script, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = benchmark_script("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main(["--networks", "vitpose", "--precisions", "f32", "--batches", "1", "--seconds", "0"])
    printed = capsys.readouterr().out
    assert printed.startswith("no GPU that torch can use: small networks on the CPU")
    assert "ViTPose, 2 layers" in printed


def test_operations_of_the_transformer_by_hand(benchmark_script: Script) -> None:
    gpu = benchmark_script("gpu")
    tokens, width = 16 * 12, 768
    layer = 2 * tokens * 12 * width**2 + 4 * tokens**2 * width
    head = 2 * tokens * 16 * width * 256 + 2 * 4 * tokens * 16 * 256 * 256 + 2 * 16 * tokens * 256 * 133
    expected = 12 * layer + 2 * tokens * 3 * 16 * 16 * width + head
    assert gpu.count_flops(gpu.networks(small=False)["vitpose"]) == expected


@pytest.mark.parametrize("name", ["hrnet", "vitpose", "sdpose"])
def test_what_is_counted_is_what_is_computed(benchmark_script: Script, name: str) -> None:
    gpu = benchmark_script("gpu")
    network = gpu.networks(small=True)[name]
    module = gpu.made(network, "cpu")
    plain = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)  # torch does not count a CPU's other one
    with plain, gpu.FlopCounterMode(display=False) as counter, torch.inference_mode():
        module(torch.zeros(1, 3, *network.input_hw))
    assert gpu.count_flops(network) == counter.get_total_flops() > 1e6


@pytest.mark.parametrize("name", ["hrnet", "vitpose", "sdpose"])
def test_seeded_numbers_are_the_same_again_and_stay_in_range(benchmark_script: Script, name: str) -> None:
    gpu = benchmark_script("gpu")
    network = gpu.networks(small=True)[name]
    first, second = gpu.made(network, "cpu"), gpu.made(network, "cpu")
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    heatmaps = first(torch.randn(1, 3, *network.input_hw))
    assert heatmaps.shape == (1, 133, network.input_hw[0] // 4, network.input_hw[1] // 4)
    assert heatmaps.isfinite().all()
    assert 0 < heatmaps.std() < 1e6


@pytest.mark.parametrize("people", [1, 8, 32])
def test_boxes_lie_on_the_picture_apart(benchmark_script: Script, people: int) -> None:
    frame, boxes = benchmark_script("gpu").picture_of(people)
    assert len(boxes) == people
    assert boxes.xyxy.min() >= 0
    assert (boxes.xyxy[:, 2:] <= (frame.image.shape[1], frame.image.shape[0])).all()
    assert len({tuple(corner) for corner in boxes.xyxy[:, :2].tolist()}) == people


def test_the_median_counts_after_three_warm_ups(benchmark_script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = benchmark_script("gpu")
    clock = [0.0]
    lengths = iter([50.0, 50.0, 50.0, 1.0, 9.0, 2.0, 3.0, 4.0])
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: clock[0])

    def run() -> None:
        clock[0] += next(lengths)

    assert gpu.seconds_per_run(run, lambda: None, seconds=14.0) == 2.5  # of 1, 9, 2, 3
