"""The cards of SDPose: a part per file, which together are one network."""

from __future__ import annotations

import pytest

from holopose.zoo.catalog.sdpose import SDPOSE

HUB = "https://huggingface.co"
MODELS = {
    "sdpose-wholebody": "teemosliang/SDPose-Wholebody",
    "sdpose-body17": "teemosliang/SDPose-Body",
    "sdpose-wholebody-fp16": "Comfy-Org/SDPose",
}


def of(model: str):
    return [card for card in SDPOSE if card.model == model]


def test_models():
    assert {card.model for card in SDPOSE} == set(MODELS)
    assert all(card.licence.code == "MIT" and not card.licence.commercial for card in SDPOSE)


@pytest.mark.parametrize("model", ["sdpose-wholebody", "sdpose-body17"])
def test_a_folder_has_four_files(model):
    assert {card.urls[0].address: card.prefix for card in of(model)} == {
        f"{HUB}/{MODELS[model]}/resolve/main/unet/diffusion_pytorch_model.safetensors": "unet.",
        f"{HUB}/{MODELS[model]}/resolve/main/vae/diffusion_pytorch_model.safetensors": "vae.",
        f"{HUB}/{MODELS[model]}/resolve/main/text_encoder/model.safetensors": "text_encoder.",
        f"{HUB}/{MODELS[model]}/resolve/main/decoder/decoder.safetensors": "head.",
    }
    assert [card.task for card in of(model)] == ["top-down", "part", "part", "part"]


def test_the_repacked_file_needs_a_text_encoder():
    whole, text = of("sdpose-wholebody-fp16")
    assert whole.urls[0].address == f"{HUB}/Comfy-Org/SDPose/resolve/main/checkpoints/sdpose_wholebody_fp16.safetensors"
    assert (whole.prefix, whole.task) == ("", "top-down")
    assert (text.prefix, text.task) == ("text_encoder.", "part")


@pytest.mark.parametrize("card", SDPOSE, ids=lambda card: card.name)
def test_what_all_share(card):
    assert card.settings["mean"] == card.settings["std"] == (127.5,) * 3  # to [-1, 1]
    assert (card.settings["decoder"], card.settings["kernel"], card.settings["udp"]) == ("udp", 11, True)
    assert card.settings["padding"] == 1.25
    assert card.input_hwc == (1024, 768, 3)
    assert card.net_settings["tap"] == (2 if len(card.skeleton) == 133 else 3)
    assert card.net_settings["latent_seed"] is None


@pytest.mark.parametrize("model", MODELS)
def test_the_module(model):
    pytest.importorskip("diffusers")
    card = of(model)[0]
    net = card.net(**card.net_settings)
    channels = 640 if len(card.skeleton) == 133 else 320
    assert net.head.final_layer.weight.shape == (len(card.skeleton), channels, 1, 1)
