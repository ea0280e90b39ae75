"""Names of Stable Diffusion's tensors lead from the original code, and from older diffusers, to today's diffusers."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from holopose.nets.diffusion import diffusers_names  # noqa: E402
from holopose.nets.sdpose import UNET, VAE  # noqa: E402
from sd_names import original_unet, original_vae  # noqa: E402


@pytest.fixture(scope="module")
def unet() -> dict[str, Any]:
    """Tensors of Stable Diffusion's UNet, without memory: every one is told by its name."""
    with torch.device("meta"):
        return dict(diffusers.UNet2DConditionModel(**UNET).state_dict())


@pytest.fixture(scope="module")
def vae() -> dict[str, Any]:
    with torch.device("meta"):
        return dict(diffusers.AutoencoderKL(**VAE).state_dict())


def shapes(tensors: dict[str, Any]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def test_known_names() -> None:
    """Some of each kind, as they are in Stable Diffusion 2's published files."""
    known = {
        "input_blocks.0.0.weight": "conv_in.weight",
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (
            "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
        ),
        "input_blocks.3.0.op.bias": "down_blocks.0.downsamplers.0.conv.bias",
        "input_blocks.4.0.skip_connection.weight": "down_blocks.1.resnets.0.conv_shortcut.weight",
        "input_blocks.11.0.emb_layers.1.weight": "down_blocks.3.resnets.1.time_emb_proj.weight",
        "middle_block.1.proj_in.weight": "mid_block.attentions.0.proj_in.weight",
        "output_blocks.2.1.conv.weight": "up_blocks.0.upsamplers.0.conv.weight",
        "output_blocks.5.2.conv.weight": "up_blocks.1.upsamplers.0.conv.weight",
        "output_blocks.11.0.out_layers.3.bias": "up_blocks.3.resnets.2.conv2.bias",
        "output_blocks.11.1.norm.weight": "up_blocks.3.attentions.2.norm.weight",
        "time_embed.2.bias": "time_embedding.linear_2.bias",
        "label_emb.0.0.weight": "class_embedding.linear_1.weight",
        "out.2.weight": "conv_out.weight",
    }
    given = {f"model.diffusion_model.{name}": torch.zeros(1) for name in known}
    assert list(diffusers_names(given)) == [f"unet.{name}" for name in known.values()]
    head = {"model.diffusion_model.heatmap_head.deconv_layers.0.weight": torch.zeros(1)}
    assert list(diffusers_names(head)) == ["head.deconv_layers.0.weight"]


def test_every_tensor_of_the_unet(unet: dict[str, Any]) -> None:
    there = original_unet(unet)
    assert len(set(there.values())) == len(unet) == 690
    given = {f"model.diffusion_model.{there[name]}": tensor for name, tensor in unet.items()}
    assert shapes(diffusers_names(given)) == {f"unet.{name}": shape for name, shape in shapes(unet).items()}


def test_every_tensor_of_the_image_encoder(vae: dict[str, Any]) -> None:
    given = {f"first_stage_model.{name}": tensor for name, tensor in original_vae(vae).items()}
    expected = {name: shape for name, shape in shapes(vae).items() if name.startswith(("encoder.", "quant_conv."))}
    assert len(expected) == 108
    assert shapes(diffusers_names(given)) == {f"vae.{name}": shape for name, shape in expected.items()}


def test_agrees_with_the_conversion_of_diffusers(unet: dict[str, Any], vae: dict[str, Any]) -> None:
    files = pytest.importorskip("diffusers.loaders.single_file_utils")
    there = original_unet(unet)
    whole = {f"model.diffusion_model.{there[name]}": tensor for name, tensor in unet.items()}
    theirs = files.convert_ldm_unet_checkpoint(whole, {**UNET, "num_class_embeds": None, "addition_embed_type": None})
    assert shapes(theirs) == shapes(unet)
    whole = {f"first_stage_model.{name}": tensor for name, tensor in original_vae(vae).items()}
    theirs = files.convert_ldm_vae_checkpoint(dict(whole), dict(VAE))
    ours = {name.removeprefix("vae."): tensor for name, tensor in diffusers_names(whole).items()}
    assert shapes(ours) == {name: shape for name, shape in shapes(theirs).items() if name in ours}


@pytest.mark.parametrize("prefix", ["", "vae."])
def test_older_names_of_attention(vae: dict[str, Any], prefix: str) -> None:
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    given = {}
    for name, tensor in vae.items():
        stem, inside, rest = name.partition(".attentions.0.")
        module, _, kind = rest.rpartition(".")
        given[f"{prefix}{stem}{inside}{old.get(module, module)}.{kind}" if inside else prefix + name] = tensor
    expected = {prefix + name: shape for name, shape in shapes(vae).items() if name.startswith(("encoder", "quant"))}
    assert shapes(diffusers_names(given)) == expected


def test_todays_names_stay(unet: dict[str, Any]) -> None:
    assert diffusers_names(unet) == unet
    head = {"final_layer.weight": torch.zeros(133, 640, 1, 1)}
    assert diffusers_names(head) == head
