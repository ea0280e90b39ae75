"""The decoder benchmark measures what it says: a known error is told as what it is; its bar can fail."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Script = Callable[[str], ModuleType]

NAMES = {
    *("argmax", "quarter offset", "dark, kernel 11", "dark, kernel 17", "dark-udp, kernel 11"),
    *("integral (softmax)", "symmetric integral", "simcc, 2 bins per px"),
}


@pytest.fixture
def decoders(benchmark_script: Script) -> ModuleType:
    return benchmark_script("decoders")


def test_a_known_error_is_measured(decoders: ModuleType) -> None:
    case, centres = decoders.CASES[2], []

    def see(known: npt.NDArray[np.float64], *_: Any) -> tuple[npt.NDArray[np.float64]]:
        centres.append(known)
        return (known,)

    def read(known: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        off = np.zeros(known.shape)
        off[0, :, 0], off[0, 0] = 0.3, (3, 4)
        return known + off

    [row] = decoders.measure(case, 133, 2, 0, {"off": decoders.Decoder(see, read)}).values()
    assert row.mean_px == pytest.approx((132 * 0.3 + 5) / 133)
    assert row.p95_px == pytest.approx(0.3)
    assert row.max_px == pytest.approx(5)
    assert row.ms_per_1000 > 0
    assert centres[0].shape == (1, 133, 2)
    assert len(np.unique(centres[0] % 1)) == 266, "anywhere between the pixels"


def test_maps_and_noise_are_as_they_say(decoders: ModuleType) -> None:
    rng = np.random.default_rng(0)
    centres = np.full((1, 133, 2), 20.0)
    for case in decoders.CASES:
        [maps] = decoders.heights(centres, case, rng)
        assert maps.shape[2:] == case.size_hw
        sigma_px = int(case.sigma)
        assert maps[0, :, 20, 20].mean() == pytest.approx(1, abs=0.01)
        assert maps[0, :, 20, 20 + sigma_px].mean() == pytest.approx(np.exp(-0.5), abs=0.01)
        assert maps[0, :, 20, 20].std() == pytest.approx(case.noise, rel=0.2)
        logits = [make(centres, case, rng)[0] for make in (decoders.softmax_logits, decoders.sigmoid_logits)]
        for values in logits:
            assert values[0, :, 20, 20].std() == pytest.approx(10 * case.noise, rel=0.2)
        vectors = decoders.simcc_vectors(centres, case, rng)
        assert [v.shape[2] for v in vectors] == [8 * case.size_hw[1], 8 * case.size_hw[0]]
        assert [v[0].mean(axis=0).argmax() for v in vectors] == [160, 160]


def test_decoders_rank_as_they_should(decoders: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    rows = decoders.measure(decoders.BARRED, 266, 1, 0)
    assert set(rows) == NAMES
    exact = NAMES - {"argmax", "quarter offset", "simcc, 2 bins per px"}
    assert max(rows[name].max_px for name in exact) < 0.01
    assert 0.3 < rows["argmax"].mean_px < 0.45
    assert 0.15 < rows["quarter offset"].mean_px < 0.25
    assert rows["simcc, 2 bins per px"].max_px < 0.09, "half a bin each way, a bin is 1/8 px of a map"
    noisy = decoders.measure(decoders.CASES[1], 266, 1, 0)
    assert all(noisy[name].mean_px > rows[name].mean_px for name in NAMES)
    assert noisy["dark-udp, kernel 11"].p95_px < 0.06
    assert [verdict.met for verdict in decoders.verdicts(rows)] == [True]
    decoders.show(decoders.BARRED, rows)
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*NAMES, "64 x 48, sigma 2, no noise"))


def test_the_bar_can_be_missed(decoders: ModuleType) -> None:
    rows = {"dark-udp, kernel 11": decoders.Row(0.01, 0.02, 0.051, 1.0)}
    [verdict] = decoders.verdicts(rows)
    assert not verdict.met
    assert "0.0510 px" in verdict.came
