from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from holopose.errors import ConfigError  # noqa: E402
from holopose.nets.simplebaseline import SimpleBaseline  # noqa: E402
from seeded_nets import seed_by_name, seeded_input  # noqa: E402


@pytest.mark.parametrize("kernels", [(4, 4, 4), (3, 2, 4)])
def test_every_kernel_doubles_the_size(kernels: tuple[int, ...]) -> None:
    net = seed_by_name(SimpleBaseline(21, kernels=kernels))
    with torch.inference_mode():
        assert net(torch.from_numpy(seeded_input((2, 3, 64, 96)))).shape == (2, 21, 16, 24)


def test_odd_kernels_are_refused() -> None:
    with pytest.raises(ConfigError, match="kernels"):
        SimpleBaseline(kernels=(5,))
