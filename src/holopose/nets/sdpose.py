"""Owns SDPose: one step of Stable Diffusion's network seen as a feature extractor, and a head that draws heatmaps.

Liang et al., 2025: SDPose (arXiv 2509.24980). Image encoder and UNet are diffusers' own modules, so that their tensors
are named as published; what a pose does not need of them (the image decoder, the UNet's last layers) is not run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from holopose.errors import BackendError, ConfigError, InputError, ModelError
from holopose.nets.diffusion import diffusers_names
from holopose.nets.prompt import check_scheduler, embed_empty_prompt

__all__ = ["UNET", "VAE", "SdPose", "SdPoseHead"]

UNET: Mapping[str, Any] = {
    "sample_size": 96,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),  # diffusers' name for the number of heads
    "use_linear_projection": True,
    "class_embed_type": "projection",
    "projection_class_embeddings_input_dim": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
}
"""Stable Diffusion 2's UNet with the class embedding of Lotus."""

VAE: Mapping[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
"""Stable Diffusion's autoencoder."""

LATENT_SCALE = 0.18215
STEP = 999
TASK = (math.sin(1), math.sin(0), math.cos(1), math.cos(0))
"""Lotus' label of the task "annotate", (1, 0), as sines and cosines."""


class SdPose(nn.Module):
    """Crops in, heatmaps of a quarter of their size out; deterministic unless told otherwise.

    Its tensors have no memory until a file is loaded into them (`torch.device("meta")`): 3.7 GB are neither filled with
    random numbers first nor kept twice. Of these the UNet has 3.5, the image encoder 0.14, the head 0.03; bfloat16 has
    half. On top, every crop of 1024x768 px that runs at a time takes about 1.9 GB in the first layers of the image
    encoder, given back before the UNet takes 0.7 GB (measured on a CPU as float32; linear in the crop's area).

    Args:
        keypoints: Number of heatmaps.
        tap: Which of the UNet's upward blocks the head sees: 2 in the whole-body network, 3 in the body one.
        latent_seed: Draw the latent around its mean, as the authors' code does, with this seed and the same draw for
            every crop; None = take the mean.
        dtype: What its tensors are read as: float32, or bfloat16 for half the memory.
        unet: Changes to `UNET`.
        vae: Changes to `VAE`.

    Raises:
        BackendError: diffusers is not installed, or does not load.
        ConfigError: a setting makes no sense.
    """

    text_embedding: Tensor

    def __init__(
        self,
        *,
        keypoints: int = 133,
        tap: int = 2,
        latent_seed: int | None = None,
        dtype: str = "float32",
        unet: Mapping[str, Any] | None = None,
        vae: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if dtype not in ("float32", "bfloat16"):
            raise ConfigError(f"SDPose dtype: expected float32 or bfloat16, got {dtype!r}")
        diffusers = load_diffusers()
        with torch.device("meta"):
            self.unet = diffusers.UNet2DConditionModel(**{**UNET, **(unet or {})})
            autoencoder = diffusers.AutoencoderKL(**{**VAE, **(vae or {})})
            self.vae = nn.ModuleDict({"encoder": autoencoder.encoder, "quant_conv": autoencoder.quant_conv})
            widths = self.unet.config.block_out_channels[::-1]
            if not 0 <= tap < len(widths):
                raise ConfigError(f"SDPose tap: expected 0 to {len(widths) - 1}, got {tap}")
            self.head = SdPoseHead(widths[tap], keypoints)
        self.tap = tap
        self.latent_seed = latent_seed
        self._stride_px = 2 ** (len(widths) - 1 + len(autoencoder.config.block_out_channels) - 1)
        self.to(getattr(torch, dtype))
        nothing = torch.zeros(1, 0, self.unet.config.cross_attention_dim, device="cpu")
        self.register_buffer("text_embedding", nothing, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Heatmaps (N, K, H / 4, W / 4) of crops (N, 3, H, W), RGB in [-1, 1].

        Raises:
            ModelError: no embedding of the empty prompt was loaded.
            InputError: height or width is not divisible by 64.
        """
        if self.text_embedding.shape[1] == 0:
            raise ModelError("SDPose has no text embedding yet: load its text encoder, or set text_embedding")
        if any(side % self._stride_px for side in images.shape[2:]):
            size = "x".join(str(side) for side in images.shape[2:])
            raise InputError(f"SDPose input: expected height and width divisible by {self._stride_px}, got {size}")
        latents = self.encode(images.to(self.unet.conv_in.weight.dtype))
        return self.heatmaps(latents, self.text_embedding.to(latents.dtype))

    def encode(self, images: Tensor) -> Tensor:
        """Latents (N, 4, H / 8, W / 8) of crops (N, 3, H, W)."""
        mean, log_variance = self.vae["quant_conv"](self.vae["encoder"](images)).chunk(2, dim=1)
        if self.latent_seed is not None:
            random = torch.Generator(images.device).manual_seed(self.latent_seed)
            noise = torch.randn(mean[:1].shape, generator=random, device=mean.device, dtype=torch.float32)
            mean = mean + noise.to(mean.dtype) * torch.exp(log_variance.clamp(-30, 20) / 2)
        return mean * LATENT_SCALE

    def heatmaps(self, latents: Tensor, text: Tensor) -> Tensor:
        """Heatmaps (N, K, 2 h, 2 w) of latents (N, 4, h, w) under a text embedding (1, tokens, width)."""
        drawn: Tensor = self.head(self.features(latents, text))
        return drawn

    def features(self, latents: Tensor, text: Tensor) -> Tensor:
        """Output of the tapped block: one step of the UNet, as far as needed."""
        unet = self.unet
        step = unet.time_proj(torch.full((1,), STEP, device=latents.device)).to(latents.dtype)
        embedding = unet.time_embedding(step) + unet.class_embedding(latents.new_tensor([TASK]))
        context = {"encoder_hidden_states": text.expand(latents.shape[0], -1, -1)}

        def ask(block: nn.Module, x: Tensor, **more: Any) -> Any:
            return block(x, temb=embedding, **more, **(context if getattr(block, "has_cross_attention", False) else {}))

        x = unet.conv_in(latents)
        skips = [x]
        for block in unet.down_blocks:
            x, kept = ask(block, x)
            skips += kept
        x = ask(unet.mid_block, x)
        for block in unet.up_blocks[: self.tap + 1]:
            count = len(block.resnets)
            x = ask(block, x, res_hidden_states_tuple=tuple(skips[-count:]))
            del skips[-count:]
        return x

    @staticmethod
    def convert(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of a published file as diffusers names them, without the image decoder."""
        return diffusers_names(tensors)

    def take(self, path: Path, prefix: str) -> bool:
        """Take what a file holds other than tensors of this module: of the text encoder only one embedding is needed.

        Returns:
            Whether that is all there is to take from it.

        Raises:
            ModelError: the folder says that the network predicts something else.
        """
        check_scheduler(path.parent.parent)
        if prefix != "text_encoder.":
            return False
        self.text_embedding = embed_empty_prompt(path)
        return True


class SdPoseHead(nn.Module):
    """mmpose's heatmap head with instance normalisation, which has no parameters, and SiLU."""

    def __init__(self, channels: int, keypoints: int) -> None:
        super().__init__()
        self.deconv_layers = nn.Sequential(
            nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False),
            nn.InstanceNorm2d(channels),
            nn.SiLU(inplace=True),
        )
        self.conv_layers = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.InstanceNorm2d(channels), nn.SiLU(inplace=True)
        )
        self.final_layer = nn.Conv2d(channels, keypoints, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Heatmaps of twice the size of features (N, C, h, w)."""
        heatmaps: Tensor = self.final_layer(self.conv_layers(self.deconv_layers(features)))
        return heatmaps


def load_diffusers() -> Any:
    """The package diffusers, with the classes that are needed.

    Raises:
        BackendError: it is not installed, or something that it needs is broken.
    """
    try:
        import diffusers

        _ = diffusers.UNet2DConditionModel, diffusers.AutoencoderKL  # it loads them only when named
    except ImportError as error:
        raise BackendError(f'SDPose needs {error.name or "diffusers"}: pip install "holopose[sdpose]"') from error
    except RuntimeError as error:  # a torchvision that was built for another torch, for instance
        reason = str(error).strip().splitlines()[-1]
        raise BackendError(f"SDPose needs diffusers, which does not load here: {reason}") from error
    return diffusers
