"""RTMPose has mmpose's tensors and gives the same from ONNX, whichever exporter made it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from holopose.errors import ConfigError  # noqa: E402
from holopose.nets.names import rename  # noqa: E402
from holopose.nets.rtmpose import RtmPose  # noqa: E402
from seeded_nets import manifest, seed_by_name, seeded_input  # noqa: E402

TINY = (0.167, 0.125)


@pytest.mark.parametrize(("size", "millions"), [("t", 3.34), ("s", 5.47), ("m", 13.59), ("l", 27.66)])
def test_as_many_parameters_as_published(size: str, millions: float) -> None:
    """mmpose states these for 17 keypoints at 256x192."""
    with torch.device("meta"):
        net = RtmPose(size)
    assert sum(tensor.numel() for tensor in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.005)


def test_tensors_of_the_medium_size() -> None:
    tensors = manifest(lambda: RtmPose("m", keypoints=133, input_hw=(384, 288)))
    expected = {
        "backbone.stem.0.conv.weight": [24, 3, 3, 3],
        "backbone.stem.2.bn.running_var": [48],
        "backbone.stage1.0.conv.weight": [96, 48, 3, 3],
        "backbone.stage2.1.blocks.3.conv1.conv.weight": [96, 96, 3, 3],
        "backbone.stage3.1.blocks.3.conv2.depthwise_conv.conv.weight": [192, 1, 5, 5],
        "backbone.stage3.1.blocks.3.conv2.pointwise_conv.bn.bias": [192],
        "backbone.stage3.1.attention.fc.weight": [384, 384, 1, 1],
        "backbone.stage4.1.conv2.conv.weight": [768, 1536, 1, 1],
        "backbone.stage4.2.final_conv.conv.weight": [768, 768, 1, 1],
        "head.final_layer.weight": [133, 768, 7, 7],
        "head.mlp.0.g": [1],
        "head.mlp.1.weight": [256, 108],
        "head.gau.uv.weight": [1152, 256],
        "head.gau.o.weight": [256, 512],
        "head.gau.gamma": [2, 128],
        "head.gau.ln.g": [1],
        "head.gau.res_scale.scale": [256],
        "head.cls_x.weight": [576, 256],
        "head.cls_y.weight": [768, 256],
    }
    assert {name: tensors.get(name) for name in expected} == expected
    blocks = {name.split(".")[4] for name in tensors if name.startswith("backbone.stage2.1.blocks.")}
    assert blocks == {"0", "1", "2", "3"}


def test_the_training_preprocessor_is_left_out() -> None:
    assert rename("data_preprocessor.mean", RtmPose.RENAMES[1]) == ""
    assert rename("head.mlp.0.g", RtmPose.RENAMES[1]) == "head.mlp.0.g"


def test_two_bins_per_pixel_and_any_keypoints() -> None:
    net = seed_by_name(RtmPose(TINY, keypoints=21, input_hw=(64, 96)))
    along_x, along_y = net(torch.zeros(3, 3, 64, 96))
    assert along_x.shape == (3, 21, 192)
    assert along_y.shape == (3, 21, 128)


def test_a_batch_equals_its_singles() -> None:
    net = seed_by_name(RtmPose(TINY))
    crops = torch.from_numpy(seeded_input((3, 3, 256, 192)))
    together = net(crops)
    for i in range(3):
        for all_of_them, alone in zip(together, net(crops[i : i + 1]), strict=True):
            torch.testing.assert_close(all_of_them[i : i + 1], alone, rtol=1e-4, atol=1e-5)


def test_attention_of_keypoints_by_hand() -> None:
    """The gated attention unit against its formula, written out for one picture."""
    gau = seed_by_name(RtmPose(TINY)).head.gau
    tokens = torch.from_numpy(seeded_input((1, 5, 256)))
    x = tokens[0] / tokens[0].norm(dim=1, keepdim=True) * 16 * gau.ln.g  # 16 = root of 256
    hidden = x @ gau.uv.weight.T
    hidden = hidden * torch.sigmoid(hidden)
    gate, values, base = hidden[:, :512], hidden[:, 512:1024], hidden[:, 1024:]
    scores = (base * gau.gamma[0] + gau.beta[0]) @ (base * gau.gamma[1] + gau.beta[1]).T / 128**0.5
    expected = tokens[0] * gau.res_scale.scale + (gate * (scores.clamp(min=0) ** 2 @ values)) @ gau.o.weight.T
    torch.testing.assert_close(gau(tokens)[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])
def test_onnx_with_any_number_of_crops(tmp_path: Path, dynamo: bool) -> None:
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    net = seed_by_name(RtmPose(TINY))
    example = torch.from_numpy(seeded_input((2, 3, 256, 192)))
    path = str(tmp_path / "net.onnx")
    names: dict[str, Any] = {"input_names": ["input"], "output_names": ["simcc_x", "simcc_y"]}
    if dynamo:
        names |= {"dynamic_shapes": ({0: torch.export.Dim("n")},), "external_data": False, "verbose": False}
    else:
        names |= {"dynamic_axes": {name: {0: "n"} for name in ("input", "simcc_x", "simcc_y")}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        torch.onnx.export(net, (example,), path, dynamo=dynamo, opset_version=18, **names)
    crops = seeded_input((5, 3, 256, 192), seed=1)
    answers = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input": crops})
    for answer, expected in zip(answers, net(torch.from_numpy(crops)), strict=True):
        assert abs(answer - expected.numpy()).max() < 1e-4 * abs(answer).max()


@pytest.mark.parametrize("settings", [{"size": "xxl"}, {"input_hw": (250, 192)}], ids=str)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        RtmPose(**settings)
