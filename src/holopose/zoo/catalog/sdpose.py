"""Owns the cards of SDPose: the folders that its authors publish, a part per file, and one repacked file.

Sources: the README of T-S-Liang/SDPose-OOD, and the model pages of teemosliang and Comfy-Org on Hugging Face.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holopose.skeletons import COCO17, WHOLEBODY133, Skeleton
from holopose.zoo.cards import Card, Licence, Url

if TYPE_CHECKING:
    from holopose.protocols import KeypointModel

__all__ = ["SDPOSE"]


def _heatmaps() -> type[KeypointModel]:
    from holopose.models.heatmap import HeatmapModel

    return HeatmapModel


def _net(**settings: Any) -> Any:
    from holopose.nets.sdpose import SdPose

    return SdPose(**settings)


_HUB = "https://huggingface.co"
_WHOLEBODY = "teemosliang/SDPose-Wholebody"
_BODY = "teemosliang/SDPose-Body"
_LICENCE = Licence(
    code="MIT",
    weights="see the model page; made from Stable Diffusion 2, whose weights are under CreativeML Open RAIL++-M",
    training_data="COCO and COCO-WholeBody (annotations CC BY-NC 4.0); Stable Diffusion's pictures",
)
_PEAK = "peak of the keypoint's heatmap, cut to [0, 1]: near 1 where the network is sure; no probability"
_NOTES = (
    "Made for a GPU: a crop takes 5.9 TFLOP, on a CPU a minute or more. 3.7 GB of tensors as float32, and about 1.9 GB "
    "more for every crop that runs at a time; --adjust dtype=bfloat16 halves both."
)
_SETTINGS: Mapping[str, Any] = {
    "input_hw": (1024, 768),
    "decoder": "udp",
    "kernel": 11,
    "padding": 1.25,
    "udp": True,
    "mean": (127.5, 127.5, 127.5),
    "std": (127.5, 127.5, 127.5),
    "batch": 2,
}
_PARTS = (
    ("unet", "unet.", "unet/diffusion_pytorch_model.safetensors", "points of a person in a box: one step of the UNet"),
    ("vae", "vae.", "vae/diffusion_pytorch_model.safetensors", "the image encoder before it"),
    ("decoder", "head.", "decoder/decoder.safetensors", "the head that draws heatmaps"),
)
"""Label, prefix, path in the folder, role; the first is the main one."""
_TEXT = ("text-encoder", "text_encoder.", "text_encoder/model.safetensors", "says once what the empty prompt means")


def _part(
    model: str, repository: str, part: tuple[str, str, str, str], skeleton: Skeleton, net_settings: Mapping[str, Any]
) -> Card:
    """The card of one file; the UNet's, or that of everything, is the main one."""
    label, prefix, path, role = part
    name = f"{model}-{label}" if label else model
    return Card(
        name=name,
        filename=f"{name}.safetensors",
        places=(Url(f"{_HUB}/{repository}/resolve/main/{path}"),),
        licence=_LICENCE,
        notes=_NOTES,
        model=model,
        family=_heatmaps,
        task="top-down" if label in ("", "unet") else "part",
        role=role,
        settings=_SETTINGS,
        skeleton=skeleton,
        net=_net,
        net_settings=net_settings,
        prefix=prefix,
        outputs=("heatmaps",),
        input_hwc=(1024, 768, 3),
        score=_PEAK,
    )


def _folder(model: str, repository: str, skeleton: Skeleton, tap: int) -> tuple[Card, ...]:
    """All files of a published folder."""
    net: Mapping[str, Any] = {"keypoints": len(skeleton), "tap": tap, "latent_seed": None, "dtype": "float32"}
    return tuple(_part(model, repository, part, skeleton, net) for part in (*_PARTS, _TEXT))


def _repacked(model: str, path: str) -> tuple[Card, ...]:
    """Everything but the text encoder in one file, as ComfyUI reads it."""
    net: Mapping[str, Any] = {"keypoints": 133, "tap": 2, "latent_seed": None, "dtype": "float32"}
    whole = ("", "", path, "133 points of a person in a box: everything but the text encoder, as float16")
    return (
        _part(model, "Comfy-Org/SDPose", whole, WHOLEBODY133, net),
        _part(model, _WHOLEBODY, _TEXT, WHOLEBODY133, net),
    )


SDPOSE: tuple[Card, ...] = (
    *_folder("sdpose-wholebody", _WHOLEBODY, WHOLEBODY133, tap=2),
    *_folder("sdpose-body17", _BODY, COCO17, tap=3),
    *_repacked("sdpose-wholebody-fp16", "checkpoints/sdpose_wholebody_fp16.safetensors"),
)
"""SDPose (Liang et al., 2025)."""
