"""Owns what the blaze networks are called inside: their inputs and outputs by name, and which of those are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from holopose.errors import BackendError
from holopose.protocols import Runtime

__all__ = ["SPECS", "Network", "Spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """How a network file is used.

    Attributes:
        input: Name of its one input, (1, H, W, 3) float32 RGB.
        outputs: Names of the outputs wanted, in the order in which `Network` returns them.
        positions: Their positions among the file's outputs.
        resizable: Whether it is run on other sizes than its own.
    """

    input: str
    outputs: tuple[str, ...]
    positions: tuple[int, ...]
    resizable: bool = False


SPECS: Mapping[str, Spec] = {
    "pose_detection": Spec("input_1", ("Identity", "Identity_1"), (0, 1), resizable=True),
    # Without output 2, a segmentation that nobody asks for here, the network runs in half the time.
    "pose_landmark_full": Spec("input_1", ("Identity", "Identity_1", "Identity_3", "Identity_4"), (0, 1, 3, 4)),
    "hand_recrop": Spec("input_1", ("output_crop",), (0,)),
    "hand_landmark_full": Spec("input_1", ("Identity", "Identity_1"), (0, 1)),
    "face_detection_short_range": Spec("input", ("regressors", "classificators"), (0, 1)),
    "face_landmark": Spec("input_1", ("conv2d_21", "conv2d_31"), (0, 1)),
}
"""By card name. Landmark networks: points, flag, ...; detectors: boxes, scores."""


class Network:
    """A runtime that is called with one tensor and returns the outputs of its spec in order.

    Args:
        runtime: The network.
        spec: How it is used.
        beside: Single calls too run as if beside others (`Runtime.run_many`): they take longer and leave processors to
            whatever else this process does at the same time.
    """

    def __init__(self, runtime: Runtime, spec: Spec, *, beside: bool = False) -> None:
        self.runtime = runtime
        self._spec = spec
        self._beside = beside

    def __call__(self, tensor: npt.NDArray[np.float32]) -> tuple[npt.NDArray[Any], ...]:
        """Outputs for one (1, H, W, 3) tensor.

        Raises:
            BackendError: the runtime cannot run it, or computes points or boxes that are not finite.
        """
        if self._beside:
            return self.many([tensor])[0]
        return self._check(self.runtime.run({self._spec.input: tensor}))

    def many(self, tensors: Sequence[npt.NDArray[np.float32]]) -> list[tuple[npt.NDArray[Any], ...]]:
        """The same for several tensors, which may run side by side."""
        return [self._check(outputs) for outputs in self.runtime.run_many([{self._spec.input: t} for t in tensors])]

    def _check(self, outputs: Mapping[str, npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], ...]:
        if not np.isfinite(outputs[self._spec.outputs[0]]).all():
            raise BackendError(
                f"the network computes numbers that are not finite on {self.runtime.device}; try precision f32, or "
                "another device; `holopose doctor` shows what runs"
            )
        return tuple(outputs[name] for name in self._spec.outputs)
