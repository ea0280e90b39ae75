"""Stable Diffusion's tensors under the names of the original latent diffusion code, made by walking as it does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["original_unet", "original_vae"]

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def _unet_modules(levels: int = 4, layers: int = 2) -> dict[str, str]:
    """diffusers' module -> that of the original code; the deepest level has no attention."""
    modules = {
        "conv_in": "input_blocks.0.0",
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "class_embedding.linear_1": "label_emb.0.0",
        "class_embedding.linear_2": "label_emb.0.2",
        "mid_block.resnets.0": "middle_block.0",
        "mid_block.attentions.0": "middle_block.1",
        "mid_block.resnets.1": "middle_block.2",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
    }
    count = 1
    for level in range(levels):
        for layer in range(layers):
            modules[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{count}.0"
            if level < levels - 1:
                modules[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{count}.1"
            count += 1
        if level < levels - 1:
            modules[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{count}.0.op"
            count += 1
    count = 0
    for level in range(levels):
        for layer in range(layers + 1):
            modules[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{count}.0"
            if level > 0:
                modules[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{count}.1"
            if layer == layers and level < levels - 1:
                modules[f"up_blocks.{level}.upsamplers.0.conv"] = f"output_blocks.{count}.{2 if level else 1}.conv"
            count += 1
    return modules


def original_unet(names: Iterable[str]) -> dict[str, str]:
    """diffusers' name of each tensor -> its original one."""
    modules = sorted(_unet_modules().items(), key=lambda pair: -len(pair[0]))
    found = {}
    for name in names:
        stem, there = next(pair for pair in modules if name.startswith(f"{pair[0]}."))
        rest = name.removeprefix(f"{stem}.")
        if ".resnets." in stem:
            inner, _, kind = rest.partition(".")
            rest = f"{_RESNET[inner]}.{kind}"
        found[name] = f"{there}.{rest}"
    return found


def original_vae(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """An autoencoder's tensors under their original names; its attention is made of 1x1 convolutions there."""
    rules = (
        (r"^encoder\.down_blocks\.(\d)\.resnets\.", r"encoder.down.\1.block."),
        (r"^encoder\.down_blocks\.(\d)\.downsamplers\.0\.", r"encoder.down.\1.downsample."),
        (r"^decoder\.up_blocks\.(\d)\.resnets\.", lambda m: f"decoder.up.{3 - int(m[1])}.block."),
        (r"^decoder\.up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"decoder.up.{3 - int(m[1])}.upsample."),
        (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
        (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
        (r"\.mid_block\.attentions\.0\.", ".mid.attn_1."),
        (r"\.conv_shortcut\.", ".nin_shortcut."),
        (r"\.conv_norm_out\.", ".norm_out."),
    )
    attention = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
    found = {}
    for name, tensor in tensors.items():
        new = name
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        stem, inside, rest = new.partition(".attn_1.")
        if inside:
            module, _, kind = rest.rpartition(".")
            new = f"{stem}.attn_1.{attention[module]}.{kind}"
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor  # noqa: PLW2901
        found[new] = tensor
    return found
