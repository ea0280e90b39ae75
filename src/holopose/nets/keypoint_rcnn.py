"""Owns Keypoint R-CNN as a module with plain tensors in and out; the network itself is the user's own torchvision's.

He, Gkioxari, Dollár, Girshick: Mask R-CNN (ICCV 2017).
"""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

from torch import Tensor, nn

from holopose.errors import BackendError
from holopose.nets.names import Table

__all__ = ["KeypointRcnnNet", "load_detection"]

_LATER: Table = (
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2"),
    (r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1"),
)
"""torchvision 0.13 put some convolutions one and two levels deeper than its published files have them."""


def load_detection() -> Any:
    """The module ``torchvision.models.detection``.

    Raises:
        BackendError: torchvision is not installed, or is not the one that belongs to the torch that is.
    """
    try:
        return importlib.import_module("torchvision.models.detection")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        why = str(error).strip().splitlines()
        raise BackendError(
            f"Keypoint R-CNN is run by your own torchvision, which does not load ({why[0] if why else error!r}); "
            "install the one that belongs to your torch: https://pytorch.org/get-started/locally"
        ) from error


class KeypointRcnnNet(nn.Module):
    """ResNet-50 with a feature pyramid, 17 keypoints, for inference; tensors named as torchvision names them.

    Args:
        detection: What stands for the module ``torchvision.models.detection``; None = torchvision's own.

    Raises:
        BackendError: torchvision does not load.
    """

    RENAMES: ClassVar[tuple[Table, ...]] = (_LATER,)

    def __init__(self, *, detection: Any = None) -> None:
        super().__init__()
        detection = load_detection() if detection is None else detection
        backbone = detection.backbone_utils.resnet_fpn_backbone(backbone_name="resnet50", weights=None)
        self.model = detection.KeypointRCNN(backbone, num_classes=2, num_keypoints=17)
        for module in self.model.modules():
            if type(module).__name__ == "FrozenBatchNorm2d":
                module.eps = 0.0  # as the published tensors were trained; torchvision does the same to its own download

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """One picture (1, 3, H, W), RGB in [0, 1], of any size.

        Returns:
            Boxes (N, 4) px, labels (N,), scores (N,), keypoints (N, 17, 3: x, y, 1) px, logits of keypoints (N, 17).
        """
        if len(image) != 1:
            raise ValueError(f"expected one picture at a time, got {len(image)}")
        (found,) = self.model([image[0]])
        names = ("boxes", "labels", "scores", "keypoints", "keypoints_scores")
        return tuple(found[name] for name in names)
