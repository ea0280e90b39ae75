"""The empty prompt is embedded once, as transformers would, and then read from beside the encoder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holopose.errors import BackendError, ModelError  # noqa: E402
from holopose.nets.prompt import CLIP_TEXT, EMPTY_PROMPT, check_scheduler, embed_empty_prompt  # noqa: E402

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture
def encoder(tmp_path: Path) -> tuple[Path, Any]:
    """A small text encoder's file, with config.json beside it, and what it says."""
    transformers = pytest.importorskip("transformers")
    safetensors = pytest.importorskip("safetensors.torch")
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(**SMALL, hidden_act="gelu", projection_dim=32)
    model = transformers.CLIPTextModel(config).eval()
    path = tmp_path / "text_encoder" / "model.safetensors"
    path.parent.mkdir()
    names = {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in model.state_dict().items()}
    safetensors.save_file(names, path)
    path.with_name("config.json").write_text(
        json.dumps({**SMALL, "hidden_act": "gelu", "model_type": "clip_text_model"})
    )
    with torch.no_grad():
        return path, model(torch.tensor([EMPTY_PROMPT])).last_hidden_state


def kept(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.npy"))


def test_the_empty_prompt_is_where_a_text_begins_and_where_it_ends() -> None:
    """CLIP's vocabulary ends with these two; Stable Diffusion 2's encoder has the exact GELU."""
    assert EMPTY_PROMPT == (CLIP_TEXT["vocab_size"] - 2, CLIP_TEXT["vocab_size"] - 1) == (49406, 49407)
    assert CLIP_TEXT["hidden_act"] == "gelu"
    assert CLIP_TEXT["hidden_size"] == 64 * CLIP_TEXT["num_attention_heads"] == 1024


def test_equals_transformers_and_is_kept(encoder: tuple[Path, Any]) -> None:
    path, expected = encoder
    assert torch.equal(embed_empty_prompt(path), expected)
    assert expected.shape == (1, 2, 32)
    assert len(kept(path)) == 1
    assert sorted(p.name for p in path.parent.iterdir())[0] == "config.json"  # no unfinished file


def test_is_read_without_transformers(encoder: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    path, expected = encoder
    embed_empty_prompt(path)
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert torch.equal(embed_empty_prompt(path), expected)
    kept(path)[0].unlink()
    with pytest.raises(BackendError, match=r'needs transformers: pip install "holopose\[sdpose\]"'):
        embed_empty_prompt(path)


def test_names_without_a_beginning(encoder: tuple[Path, Any]) -> None:
    from safetensors.torch import load_file, save_file

    path, expected = encoder
    save_file({name.removeprefix("text_model."): tensor for name, tensor in load_file(path).items()}, path)
    assert torch.equal(embed_empty_prompt(path), expected)


def test_another_encoder_has_another_embedding(encoder: tuple[Path, Any]) -> None:
    from safetensors.torch import load_file, save_file

    path, expected = encoder
    embed_empty_prompt(path)
    save_file({name: tensor * 1.5 for name, tensor in load_file(path).items()}, path)
    assert not torch.equal(embed_empty_prompt(path), expected)
    assert len(kept(path)) == 2


@pytest.mark.parametrize("damage", [b"", b"not numpy", None], ids=["empty", "other", "cut"])
def test_a_damaged_embedding_is_made_again(encoder: tuple[Path, Any], damage: bytes | None) -> None:
    path, expected = encoder
    embed_empty_prompt(path)
    file = kept(path)[0]
    file.write_bytes(file.read_bytes()[:-5] if damage is None else damage)
    assert torch.equal(embed_empty_prompt(path), expected)
    assert np.array_equal(np.load(file), expected.numpy())


def test_a_folder_that_cannot_be_written(encoder: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    path, expected = encoder
    plain_open = Path.open

    def read_only(self: Path, mode: str = "r", *more: Any, **others: Any) -> Any:
        if "w" in mode:
            raise PermissionError(13, "Permission denied", str(self))
        return plain_open(self, mode, *more, **others)

    monkeypatch.setattr(Path, "open", read_only)
    assert torch.equal(embed_empty_prompt(path), expected)
    assert kept(path) == []


def test_what_is_no_text_encoder_is_refused(encoder: tuple[Path, Any], tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path, _ = encoder
    save_file({"conv_in.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match="missing or misshapen are"):
        embed_empty_prompt(path)
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{broken}")
    with pytest.raises(ModelError, match="not a safetensors file"):
        embed_empty_prompt(path)
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        embed_empty_prompt(tmp_path / "no.safetensors")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"prediction_type": "epsilon"}', "expected prediction_type 'sample', got 'epsilon'"),
        ("{}", "got None"),
        ("[]", "expected an object, got list"),
        ("{", "cannot be read"),
    ],
)
def test_a_scheduler_that_predicts_something_else_is_refused(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "scheduler" / "scheduler_config.json"
    check_scheduler(tmp_path)  # none there
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ModelError, match=told):
        check_scheduler(tmp_path)
    path.write_text('{"prediction_type": "sample"}')
    check_scheduler(tmp_path)
