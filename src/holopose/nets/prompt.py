"""Owns the embedding of the empty prompt: what Stable Diffusion's text encoder says when it is told nothing.

It is the same for every picture, so it is computed once and kept beside the encoder's file; from then on neither the
encoder nor transformers is needed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from holopose.errors import BackendError, ModelError

__all__ = ["CLIP_TEXT", "EMPTY_PROMPT", "check_scheduler", "embed_empty_prompt"]

_log = logging.getLogger(__name__)

EMPTY_PROMPT = (49406, 49407)
"""CLIP's tokens of the empty text, without padding: its beginning and its end."""

CLIP_TEXT = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "max_position_embeddings": 77,
    "vocab_size": 49408,
    "hidden_act": "gelu",
    "projection_dim": 512,
}
"""Stable Diffusion 2's text encoder, for a file without ``config.json`` beside it."""


def embed_empty_prompt(path: Path) -> Tensor:
    """The last hidden states (1, 2, width) float32 of the empty prompt.

    Args:
        path: The text encoder's ``.safetensors``; ``config.json`` beside it is heeded. The result is kept in that
            folder, under a name with the first digits of the file's sha256, where the folder can be written.

    Raises:
        ModelError: the file is missing, or is no text encoder.
        BackendError: transformers is needed and not installed.
    """
    kept = path.with_name(f"empty_prompt-{_digest(path)}.npy")
    try:
        return torch.from_numpy(np.load(kept, allow_pickle=False))
    except (OSError, ValueError, EOFError):  # not there, or not what it should be: made again
        embedding = _compute(path)
    part = kept.with_name(f".{kept.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as stream:
            np.save(stream, embedding.numpy())
        part.replace(kept)
    except OSError as error:
        _log.info("holopose: the embedding of the empty prompt is not kept: %s", error)
        part.unlink(missing_ok=True)
    return embedding


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:
        raise ModelError(f"{path}: the text encoder cannot be read: {error.strerror or error}") from error


def _compute(path: Path) -> Tensor:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from transformers import CLIPTextConfig, CLIPTextModel
    except ImportError as error:
        raise BackendError(f'SDPose needs {error.name or "transformers"}: pip install "holopose[sdpose]"') from error
    except RuntimeError as error:  # a torchvision that was built for another torch, for instance
        reason = str(error).strip().splitlines()[-1]
        raise BackendError(f"SDPose needs transformers, which does not load here: {reason}") from error
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ModelError(f"{path}: not a safetensors file: {error}") from error
    beside = path.with_name("config.json")
    encoder = CLIPTextModel(CLIPTextConfig.from_dict(_read_json(beside) if beside.is_file() else CLIP_TEXT)).eval()
    expected = encoder.state_dict()
    named = _as_named(tensors, expected)
    wrong = sorted(name for name, t in expected.items() if name not in named or named[name].shape != t.shape)
    if wrong:
        raise ModelError(f"{path}: not the text encoder expected: missing or misshapen are {', '.join(wrong[:5])}")
    encoder.load_state_dict(named)
    with torch.inference_mode():
        states: Tensor = encoder(torch.tensor([EMPTY_PROMPT])).last_hidden_state
    return states.float().clone()


def _as_named(tensors: dict[str, Tensor], expected: dict[str, Any]) -> dict[str, Tensor]:
    """Files say ``text_model.`` before each name, transformers' modules only in some versions."""
    stem = "text_model."
    plain = {name.removeprefix(stem): tensor for name, tensor in tensors.items()}
    return {name: plain[name.removeprefix(stem)] for name in expected if name.removeprefix(stem) in plain}


def check_scheduler(folder: Path) -> None:
    """Refuse a model folder whose scheduler says that the network predicts noise or velocity, not the sample itself.

    Args:
        folder: A folder in diffusers' form; nothing is checked where it has no scheduler.

    Raises:
        ModelError: it does.
    """
    path = folder / "scheduler" / "scheduler_config.json"
    if path.is_file() and (kind := _read_json(path).get("prediction_type")) != "sample":
        raise ModelError(f"{path}: expected prediction_type 'sample', got {kind!r}: this is not SDPose's network")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: expected an object, got {type(content).__name__}")
    return content
