"""Owns the names of Stable Diffusion's tensors: those of the original latent diffusion code, and older diffusers'.

The original code (Rombach et al., 2022: Latent Diffusion) counts all blocks of the UNet through, ``input_blocks.7.1``;
diffusers counts by level, ``down_blocks.2.attentions.0``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from torch import Tensor

__all__ = ["diffusers_names"]

_LAYERS = 2
"""Residual layers per block of Stable Diffusion's UNet."""


def diffusers_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by diffusers' names; those of the image decoder, which no pose needs, are left out.

    Args:
        tensors: Of a file in diffusers' naming, old or new; or of a whole checkpoint in the original naming, whose
            parts become ``unet.``, ``vae.`` and ``head.``.
    """
    named: dict[str, Tensor] = {}
    is_autoencoder = "encoder.conv_in.weight" in tensors
    for name, tensor in tensors.items():
        new = _ATTENTION.sub(lambda m: f"{m[1]}{_ATTENTION_NAMES[m[2]]}.", _original(name))
        if (is_autoencoder or new.startswith("vae.")) and _DECODER.match(new):
            continue
        is_convolution = tensor.ndim == 4 and _IMAGE_ATTENTION.match(new)
        named[new] = tensor[:, :, 0, 0] if is_convolution else tensor  # 1x1 in the original code
    return named


_DECODER = re.compile(r"(?:vae\.)?(?:decoder|post_quant_conv)\.")
_IMAGE_ATTENTION = re.compile(r"(?:vae\.)?encoder\.mid_block\.attentions\.0\.")
_ATTENTION = re.compile(rf"^({_IMAGE_ATTENTION.pattern})(query|key|value|proj_attn)\.")
_ATTENTION_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def _original(name: str) -> str:
    for prefix, rename in _PARTS.items():
        if name.startswith(prefix):
            return rename(name.removeprefix(prefix))
    return name


def _unet(name: str) -> str:
    for pattern, replacement in _UNET:
        name, found = re.subn(pattern, replacement, name)
        if found:
            break
    for pattern, replacement in _RESNET:
        name = re.sub(pattern, replacement, name)
    return f"unet.{name}"


def _input_block(match: re.Match[str]) -> str:
    level, layer = divmod(int(match[1]) - 1, _LAYERS + 1)
    if match[2] == "0.op":
        return f"down_blocks.{level}.downsamplers.0.conv."
    return f"down_blocks.{level}.{'resnets' if match[2] == '0' else 'attentions'}.{layer}."


def _output_block(match: re.Match[str]) -> str:
    level, layer = divmod(int(match[1]), _LAYERS + 1)
    if match[2].endswith("conv"):
        return f"up_blocks.{level}.upsamplers.0.conv."
    return f"up_blocks.{level}.{'resnets' if match[2] == '0' else 'attentions'}.{layer}."


_UNET: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^input_blocks\.0\.0\.", "conv_in."),
    (r"^input_blocks\.(\d+)\.(0\.op|0|1)\.", _input_block),
    (r"^middle_block\.0\.", "mid_block.resnets.0."),
    (r"^middle_block\.1\.", "mid_block.attentions.0."),
    (r"^middle_block\.2\.", "mid_block.resnets.1."),
    (r"^output_blocks\.(\d+)\.(1\.conv|2\.conv|0|1)\.", _output_block),
    (r"^time_embed\.0\.", "time_embedding.linear_1."),
    (r"^time_embed\.2\.", "time_embedding.linear_2."),
    (r"^label_emb\.0\.0\.", "class_embedding.linear_1."),
    (r"^label_emb\.0\.2\.", "class_embedding.linear_2."),
    (r"^out\.0\.", "conv_norm_out."),
    (r"^out\.2\.", "conv_out."),
)
_RESNET = (
    (r"\.in_layers\.0\.", ".norm1."),
    (r"\.in_layers\.2\.", ".conv1."),
    (r"\.emb_layers\.1\.", ".time_emb_proj."),
    (r"\.out_layers\.0\.", ".norm2."),
    (r"\.out_layers\.3\.", ".conv2."),
    (r"\.skip_connection\.", ".conv_shortcut."),
)
_VAE = (
    (r"^encoder\.down\.(\d+)\.block\.", r"encoder.down_blocks.\1.resnets."),
    (r"^encoder\.down\.(\d+)\.downsample\.", r"encoder.down_blocks.\1.downsamplers.0."),
    (r"^encoder\.mid\.block_1\.", "encoder.mid_block.resnets.0."),
    (r"^encoder\.mid\.block_2\.", "encoder.mid_block.resnets.1."),
    (r"^encoder\.mid\.attn_1\.norm\.", "encoder.mid_block.attentions.0.group_norm."),
    (r"^encoder\.mid\.attn_1\.([qkv])\.", r"encoder.mid_block.attentions.0.to_\1."),
    (r"^encoder\.mid\.attn_1\.proj_out\.", "encoder.mid_block.attentions.0.to_out.0."),
    (r"^encoder\.norm_out\.", "encoder.conv_norm_out."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
)


def _vae(name: str) -> str:
    for pattern, replacement in _VAE:
        name = re.sub(pattern, replacement, name)
    return f"vae.{name}"


_PARTS: Mapping[str, Callable[[str], str]] = {
    "model.diffusion_model.heatmap_head.": lambda name: f"head.{name}",
    "model.diffusion_model.": _unet,
    "first_stage_model.": _vae,
}
