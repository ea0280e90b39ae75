"""SDPose's networks have exactly the published tensors and compute what the stored figures say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from holopose.nets.sdpose import SdPose, SdPoseHead  # noqa: E402
from seeded_nets import manifest, relative_errors, seed_by_name, seeded_input  # noqa: E402

SMALL = {"block_out_channels": (32, 64, 128, 128), "cross_attention_dim": 32, "attention_head_dim": (2, 4, 8, 8)}


def small() -> SdPose:
    return SdPose(unet={**SMALL, "sample_size": 16})


def stored(shared: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((shared / "reference" / name).read_text(encoding="utf-8"))
    return content


def part(tensors: dict[str, list[int]], prefix: str) -> dict[str, list[int]]:
    return {name.removeprefix(prefix): shape for name, shape in tensors.items() if name.startswith(prefix)}


def test_tensors_are_those_published(shared: Path) -> None:
    manifests = stored(shared, "network_manifests.json")
    tensors = manifest(SdPose)
    assert part(tensors, "unet.") == manifests["sdpose_unet"]
    assert part(tensors, "head.") == manifests["sdpose_head_wholebody"]
    assert manifest(lambda: SdPoseHead(640, 133)) == manifests["sdpose_head_wholebody"]
    assert {name: shape for name, shape in manifest(small).items() if not name.startswith("vae.")} == (
        manifests["sdpose_small"]
    )


def test_the_body_network_has_a_smaller_head() -> None:
    tensors = part(manifest(lambda: SdPose(keypoints=17, tap=3)), "head.")
    assert tensors["deconv_layers.0.weight"] == [320, 320, 4, 4]
    assert tensors["final_layer.weight"] == [17, 320, 1, 1]


def test_outputs_agree(shared: Path) -> None:
    expected = stored(shared, "network_outputs.json")["sdpose_small"]
    net = seed_by_name(small())
    assert sum(t.numel() for name, t in net.named_parameters() if not name.startswith("vae.")) == expected["parameters"]
    latents, text = (torch.from_numpy(seeded_input(shape, seed)) for seed, shape in enumerate(expected["inputs"]))
    [error] = relative_errors([net.heatmaps(latents, text)], expected["outputs"])
    assert error < 1e-4
