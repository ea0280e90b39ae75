"""Owns the figures of heatmap decoding: how far from a known centre each decoder ends, and how long it takes.

    python benchmarks/decoders.py [--maps 1064] [--rounds 3] [--seed 0]

Gaussians are drawn at centres that lie anywhere between the pixels, at the sizes and sigmas that published networks
use: 64 x 48 and sigma 2, 96 x 72 and 3, 256 x 192 and 6 (height x width). Each decoder gets what networks of its kind
give: heights, logits of a softmax or a sigmoid, SimCC vectors of two bins per px of an input four times as large as a
map. Noise is added to that: 0.02 to heights and vectors, which are 1 high, 0.2 to logits. Errors are distances in
heatmap px. 1064 maps are eight people of 133 keypoints. Ends with 1 when the bar is not met.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from holopose.ops.heatmaps import decode_argmax, decode_dark, decode_quarter, decode_udp
from holopose.ops.integral import decode_integral, decode_symmetric
from holopose.ops.simcc import decode_simcc
from verdict import Verdict, conclude

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Given = tuple[Float32s, ...]

KEYPOINTS = 133
NOISE = 0.02  # standard deviation; the Gaussians are 1 high
LOGIT_NOISE = 10  # times that
FLOOR = 1e-9  # lowest height that has a logarithm
INPUT_PER_MAP, BINS_PER_INPUT, SIMCC_SIGMA = 4, 2, 6.0
UDP_BAR_PX = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """Maps of one kind of network."""

    size_hw: tuple[int, int]
    sigma: float
    noise: float

    def __str__(self) -> str:
        height, width = self.size_hw
        return f"{height} x {width}, sigma {self.sigma:g}, {f'noise {self.noise:g}' if self.noise else 'no noise'}"


@dataclass(frozen=True, slots=True)
class Row:
    """What one decoder does in one case: distances in heatmap px, and time."""

    mean_px: float
    p95_px: float
    max_px: float
    ms_per_1000: float


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder and what it is given.

    Attributes:
        make: Centres (N, K, 2) -> what the network would give.
        read: What the network gives -> places (N, K, 2) in heatmap px.
    """

    make: Callable[[Float64s, Case, np.random.Generator], Given]
    read: Callable[..., npt.NDArray[np.floating]]


CASES = [
    Case(size_hw, sigma, noise)
    for size_hw, sigma in (((64, 48), 2.0), ((96, 72), 3.0), ((256, 192), 6.0))
    for noise in (0.0, NOISE)
]
BARRED = CASES[0]


def draw(centres: Float64s, case: Case) -> Float32s:
    """Gaussians (N, K, H, W) of height 1 at the centres (N, K, 2)."""
    height, width = case.size_hw
    across = np.exp(-((np.arange(width) - centres[..., :1]) ** 2) / (2 * case.sigma**2)).astype(np.float32)
    down = np.exp(-((np.arange(height) - centres[..., 1:]) ** 2) / (2 * case.sigma**2)).astype(np.float32)
    maps: Float32s = down[..., :, None] * across[..., None, :]
    return maps


def disturb(values: Float32s, deviation: float, rng: np.random.Generator) -> Float32s:
    """With Gaussian noise."""
    return values + np.float32(deviation) * rng.standard_normal(values.shape, np.float32) if deviation else values


def heights(centres: Float64s, case: Case, rng: np.random.Generator) -> Given:
    return (disturb(draw(centres, case), case.noise, rng),)


def softmax_logits(centres: Float64s, case: Case, rng: np.random.Generator) -> Given:
    logits = np.log(np.maximum(draw(centres, case), FLOOR))
    return (disturb(logits, LOGIT_NOISE * case.noise, rng),)


def sigmoid_logits(centres: Float64s, case: Case, rng: np.random.Generator) -> Given:
    share = np.clip(draw(centres, case) * np.float32(0.95), FLOOR, None)
    return (disturb(np.log(share) - np.log1p(-share), LOGIT_NOISE * case.noise, rng),)


def simcc_vectors(centres: Float64s, case: Case, rng: np.random.Generator) -> Given:
    bins_per_px = INPUT_PER_MAP * BINS_PER_INPUT
    apart = [np.arange(case.size_hw[1 - i] * bins_per_px) - centres[..., i, None] * bins_per_px for i in (0, 1)]
    bells = [np.exp(-(bins**2) / (2 * SIMCC_SIGMA**2)).astype(np.float32) for bins in apart]
    return tuple(disturb(bell, case.noise, rng) for bell in bells)


def decoders() -> dict[str, Decoder]:
    """Every decoder, with the kernels that are published: 11 for sigma 2, 17 for sigma 3, 11 for any with UDP."""
    dark = {"dark, kernel 11": 11, "dark, kernel 17": 17}
    return {
        "argmax": Decoder(heights, lambda maps: decode_argmax(maps)[0]),
        "quarter offset": Decoder(heights, lambda maps: decode_quarter(maps)[0]),
        **{name: Decoder(heights, partial(_dark, kernel=kernel)) for name, kernel in dark.items()},
        "dark-udp, kernel 11": Decoder(heights, lambda maps: decode_udp(maps, kernel=11)[0]),
        "integral (softmax)": Decoder(softmax_logits, lambda maps: decode_integral(maps)[0]),
        "symmetric integral": Decoder(sigmoid_logits, lambda maps: decode_symmetric(maps)[0]),
        "simcc, 2 bins per px": Decoder(
            simcc_vectors, lambda x, y: decode_simcc(x, y, split_ratio=BINS_PER_INPUT)[0] / INPUT_PER_MAP
        ),
    }


def _dark(maps: Float32s, kernel: int) -> Float32s:
    return decode_dark(maps, kernel=kernel)[0]


def measure(
    case: Case, count: int, rounds: int, seed: int, using: Mapping[str, Decoder] | None = None
) -> dict[str, Row]:
    """Errors over at least `count` maps and the best time of `rounds`, per decoder."""
    rng = np.random.default_rng(seed)
    people = -(-count // KEYPOINTS)
    margin = 4 * case.sigma  # the decoders' edges are not what is measured here
    far = np.array(case.size_hw[::-1]) - 1 - margin
    centres = rng.uniform(margin, far, (people, KEYPOINTS, 2))
    rows = {}
    for name, decoder in (decoders() if using is None else using).items():
        given = decoder.make(centres, case, rng)
        best_s = float("inf")
        for _ in range(rounds):
            start = time.perf_counter()
            found = decoder.read(*given)
            best_s = min(best_s, time.perf_counter() - start)
        apart = np.linalg.norm(found - centres, axis=-1)
        mean, p95, most = float(apart.mean()), float(np.percentile(apart, 95)), float(apart.max())
        rows[name] = Row(mean, p95, most, 1e6 * best_s / (people * KEYPOINTS))
    return rows


def show(case: Case, rows: Mapping[str, Row]) -> None:
    """Print one case as a table."""
    print(f"\n{case!s:40}{'mean px':>10}{'95 %':>9}{'max':>9}{'ms per 1000 maps':>19}")
    for name, row in rows.items():
        print(f"  {name:38}{row.mean_px:10.4f}{row.p95_px:9.4f}{row.max_px:9.4f}{row.ms_per_1000:19.2f}")


def verdicts(rows: Mapping[str, Row]) -> list[Verdict]:
    """The bar, on the rows of `BARRED`."""
    worst = rows["dark-udp, kernel 11"].max_px
    return [Verdict(f"dark-udp, {BARRED}: largest error under {UDP_BAR_PX} px", f"{worst:.4f} px", worst < UDP_BAR_PX)]


def main() -> int:
    """Print everything; 0 when the bar is met."""
    parser = argparse.ArgumentParser(description="Sub-pixel error and time of every heatmap decoder.")
    parser.add_argument("--maps", type=int, default=8 * KEYPOINTS, help="of each kind, made in whole people of 133")
    parser.add_argument("--rounds", type=int, default=3, help="the best time counts")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tables = {}
    for case in CASES:
        tables[case] = measure(case, options.maps, options.rounds, options.seed)
        show(case, tables[case])
    return conclude(verdicts(tables[BARRED]))


if __name__ == "__main__":
    sys.exit(main())
