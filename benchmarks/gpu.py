"""Owns the figures of large networks on a GPU: crops and pictures per second, and the share of what the card can do.

    python benchmarks/gpu.py [--networks hrnet vitpose sdpose] [--precisions f32 bf16] [--batches 1 8 32] [--seconds 2]

HRNet-W48, ViTPose-B and SDPose, all with 133 keypoints and their published input sizes, under random numbers: how quick
a network is does not depend on what it has learned. *Crops* per second are the network alone, its input on the card
already; *pictures* per second are a 720p picture with as many people as the batch, through everything that a user
waits for: cutting out, both ways of the copy, the network, reading the heatmaps. The *share* is that of the card's
measured peak: a large matrix product in the same arithmetic. Without CUDA, or with --small, the same code runs with
small networks, which says that it works and nothing else.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from holopose.models.heatmap import HeatmapModel
from holopose.runtimes.torch import TorchRuntime, exact_convolutions
from holopose.skeletons import WHOLEBODY133
from holopose.types import Boxes, Frame
from speed_still import machine

PRECISIONS = ("f32", "bf16")
PICTURE_HW = (720, 1280)
MATRIX = 8192
"""Side of the matrices whose product is taken for the peak."""
COLUMNS = {"arithmetic": 12, "batch": 7, "crops/s": 11, "TFLOP/s": 11, "share": 8, "pictures/s": 13}
"""Heading -> width."""


@dataclass(frozen=True)
class Network:
    """What is measured.

    Attributes:
        title: Its name in the table.
        build: Makes the module, on the device ``meta`` where possible.
        input_hw: Height and width of its crops, px.
        udp: Whether crops are cut and heatmaps read the unbiased way.
    """

    title: str
    build: Callable[[], torch.nn.Module]
    input_hw: tuple[int, int]
    udp: bool


def networks(small: bool) -> dict[str, Network]:
    """By the name that the command line knows."""
    return {
        "hrnet": Network(
            "HRNet-W32, small input" if small else "HRNet-W48",
            lambda: build_hrnet(32 if small else 48),
            (64, 64) if small else (384, 288),
            udp=False,
        ),
        "vitpose": Network(
            "ViTPose, 2 layers" if small else "ViTPose-B",
            lambda: build_vitpose((48, 2, 4) if small else "base", (64, 48) if small else (256, 192)),
            (64, 48) if small else (256, 192),
            udp=True,
        ),
        "sdpose": Network(
            "SDPose, narrow" if small else "SDPose",
            lambda: build_sdpose(small),
            (64, 64) if small else (1024, 768),
            udp=True,
        ),
    }


def build_hrnet(width: int) -> torch.nn.Module:
    from holopose.nets.hrnet import HRNet

    return HRNet(len(WHOLEBODY133), width=width)


def build_vitpose(size: str | tuple[int, int, int], input_hw: tuple[int, int]) -> torch.nn.Module:
    from holopose.nets.vitpose import ViTPose

    return ViTPose(size, keypoints=len(WHOLEBODY133), input_hw=input_hw)


def build_sdpose(small: bool) -> torch.nn.Module:
    from holopose.nets.sdpose import SdPose

    narrow = {"block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 16, "attention_head_dim": (2, 2, 4, 4)}
    thin = {"block_out_channels": (8, 8, 16, 16), "norm_num_groups": 4, "layers_per_block": 1}
    net = SdPose(unet=narrow if small else None, vae=thin if small else None)
    net.text_embedding = torch.zeros(1, 2, net.text_embedding.shape[2], device="meta")
    return net


def made(network: Network, device: str) -> torch.nn.Module:
    """The module on the device, with seeded numbers that keep its values in range."""
    with torch.device("meta"):
        module = network.build()
    module = module.to_empty(device=device).eval().requires_grad_(False)
    random = torch.Generator(device).manual_seed(0)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        kind = name.rpartition(".")[2]
        if tensor.ndim > 1:
            tensor.normal_(0, math.prod(tensor.shape[1:]) ** -0.5, generator=random)
        else:
            tensor.fill_(1 if kind in ("weight", "running_var") else 0)
    return module


def count_flops(network: Network) -> int:
    """Floating-point operations for one crop, two per multiplication with addition; nothing is computed for it."""
    with torch.device("meta"):
        module = network.build().eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        module(torch.empty(1, 3, *network.input_hw, device="meta"))
    return int(counter.get_total_flops())


@contextmanager
def arithmetic(precision: str, device: str) -> Iterator[None]:
    """What the torch runtime computes in at this precision."""
    if precision == "bf16":
        inside: AbstractContextManager[Any] = torch.autocast(device.split(":", maxsplit=1)[0], dtype=torch.bfloat16)
    else:
        inside = exact_convolutions(torch)
    with torch.inference_mode(), inside:
        yield


def seconds_per_run(run: Callable[[], object], wait: Callable[[], object], seconds: float) -> float:
    """Median over runs for so long, at least three; three more before them warm up."""
    times: list[float] = []
    begun = math.inf
    for turn in range(-3, 10_000):
        if turn == 0:
            begun = time.perf_counter()
        wait()
        start = time.perf_counter()
        run()
        wait()
        end = time.perf_counter()
        if turn >= 0:
            times.append(end - start)
        if len(times) >= 3 and end - begun > seconds:
            break
    return statistics.median(times)


def measure_peak(precision: str, device: str, side: int, seconds: float) -> float:
    """Floating-point operations per second of a matrix product."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    return 2 * side**3 / seconds_per_run(lambda: torch.mm(left, right, out=out), waiter(device), seconds)


def waiter(device: str) -> Callable[[], object]:
    """Waits until the device is done."""
    return torch.cuda.synchronize if device.startswith("cuda") else lambda: None


def crops_per_second(
    module: torch.nn.Module, network: Network, batch: int, *, precision: str, device: str, seconds: float
) -> float:
    """The network alone."""
    crops = torch.randn(batch, 3, *network.input_hw, device=device)
    with arithmetic(precision, device):
        return batch / seconds_per_run(lambda: module(crops), waiter(device), seconds)


def picture_of(people: int) -> tuple[Frame, Boxes]:
    """A picture of noise and boxes that lie in rows on it."""
    height, width = PICTURE_HW
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    columns = math.ceil(math.sqrt(people * width / height))
    rows = math.ceil(people / columns)
    cell = np.array([width / columns, height / rows])
    corners = np.array([(number % columns, number // columns) for number in range(people)]) * cell
    boxes = np.hstack([corners, corners + 0.9 * cell]).astype(np.float32)
    return Frame(image), Boxes(boxes, np.ones(people, np.float32))


def pictures_per_second(
    module: torch.nn.Module, network: Network, batch: int, *, precision: str, device: str, seconds: float
) -> float:
    """A picture with `batch` people, from its pixels to their keypoints."""
    runtime = TorchRuntime(module, device=device, precision=precision)
    model = HeatmapModel(
        runtime,
        skeleton=WHOLEBODY133,
        input_hw=network.input_hw,
        decoder="udp" if network.udp else "dark",
        udp=network.udp,
        batch=batch,
    )
    frame, boxes = picture_of(batch)
    return 1 / seconds_per_run(lambda: model.locate([frame], [boxes]), lambda: None, seconds)


def row(cells: Sequence[object]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, COLUMNS.values(), strict=True))


def measure(network: Network, batches: Sequence[int], device: str, peaks: Mapping[str, float], seconds: float) -> None:
    """Print the network's rows, for each arithmetic whose peak is known; what does not fit into memory is told."""
    flops = count_flops(network)
    size = "x".join(str(side) for side in network.input_hw)
    module = made(network, device)
    count = sum(tensor.numel() for tensor in module.parameters())
    print(f"\n{network.title}, {size} px: {count / 1e6:.1f} million parameters, {flops / 1e9:.2f} GFLOP per crop")
    print(row(list(COLUMNS)))
    for precision, peak in peaks.items():
        how: dict[str, Any] = {"precision": precision, "device": device, "seconds": seconds}
        for batch in batches:
            try:
                crops = crops_per_second(module, network, batch, **how)
                pictures = pictures_per_second(module, network, batch, **how)
            except torch.OutOfMemoryError:
                print(f"{row([precision, batch, '', '', '', ''])}  does not fit into memory")
                gc.collect()
                torch.cuda.empty_cache()
                continue
            rate = crops * flops
            cells = [f"{crops:.1f}", f"{rate / 1e12:.2f}", f"{rate / peak:.0%}", f"{pictures:.2f}"]
            print(row([precision, batch, *cells]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description="Large networks on a GPU: crops and pictures per second.")
    parser.add_argument("--networks", nargs="+", choices=("hrnet", "vitpose", "sdpose"), help="default: all")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--batches", nargs="+", type=int, default=(1, 8, 32))
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="small networks")
    options = parser.parse_args(arguments)
    device, small = options.device, options.small
    if device.startswith("cuda") and not torch.cuda.is_available():
        device, small = "cpu", True
        print("no GPU that torch can use: small networks on the CPU, to see that this works; no figure of it counts")
    print(torch.cuda.get_device_name(device) if device.startswith("cuda") else machine())
    print(f"torch {torch.__version__}; batch = people per picture; share = of the peak measured in the same arithmetic")
    side = 512 if small else MATRIX
    peaks = {precision: measure_peak(precision, device, side, options.seconds) for precision in options.precisions}
    for precision, peak in peaks.items():
        print(f"peak {precision}: {peak / 1e12:.2f} TFLOP/s, product of two {side}x{side} matrices")
    known = networks(small)
    for name in options.networks or known:
        measure(known[name], options.batches, device, peaks, options.seconds)
        gc.collect()
        if device.startswith("cuda"):
            torch.cuda.empty_cache()
    return 0


if __name__ == "__main__":
    sys.exit(main())
