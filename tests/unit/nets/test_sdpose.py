"""SDPose runs diffusers' modules as far as its head needs them, and gives what diffusers gives."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

from holopose.errors import BackendError, ConfigError, InputError, ModelError  # noqa: E402
from holopose.nets.checkpoints import load_into  # noqa: E402
from holopose.nets.sdpose import LATENT_SCALE, TASK, UNET, VAE, SdPose  # noqa: E402
from sd_names import original_unet, original_vae  # noqa: E402
from seeded_nets import seed_by_name, seeded_input  # noqa: E402

SMALL_UNET = {"block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 16, "attention_head_dim": (2, 2, 4, 4)}
SMALL_VAE = {"block_out_channels": (8, 8, 16, 16), "norm_num_groups": 4, "layers_per_block": 1}


def small(**settings: Any) -> SdPose:
    return SdPose(**{"keypoints": 9, "unet": SMALL_UNET, "vae": SMALL_VAE, **settings})


def ready(**settings: Any) -> Any:
    """A small network with tensors by their names and some text."""
    net = seed_by_name(small(**settings))
    net.text_embedding = torch.from_numpy(seeded_input((1, 2, 16), seed=5))
    return net


def crops(count: int = 1, seed: int = 0) -> Any:
    return torch.from_numpy(seeded_input((count, 3, 128, 64), seed=seed)).clamp(-1, 1)


def autoencoder(net: Any) -> Any:
    """diffusers' whole autoencoder with the small network's encoder."""
    theirs = diffusers.AutoencoderKL(**{**VAE, **SMALL_VAE})
    theirs.load_state_dict(net.vae.state_dict(), strict=False)
    return theirs.eval()


@pytest.mark.parametrize(("tap", "channels"), [(2, 32), (3, 32), (1, 64)])
def test_equals_a_whole_run_of_diffusers(tap: int, channels: int) -> None:
    net = ready(tap=tap)
    seen: list[Any] = []
    hook = net.unet.up_blocks[tap].register_forward_hook(lambda _module, _given, output: seen.append(output))
    with torch.no_grad():
        latents = autoencoder(net).encode(crops(2)).latent_dist.mean * 0.18215
        torch.testing.assert_close(net.encode(crops(2)), latents, rtol=1e-4, atol=1e-5)
        text, labels = net.text_embedding.expand(2, -1, -1), torch.tensor([TASK, TASK])
        net.unet(latents, 999, text, class_labels=labels)
        hook.remove()
        assert seen[0].shape[1] == channels
        expected = net.head(seen[0])
        heatmaps = net(crops(2))
    assert heatmaps.shape == (2, 9, *(2 * side for side in seen[0].shape[2:]))
    torch.testing.assert_close(heatmaps, expected, rtol=1e-4, atol=1e-4)


def test_labels_are_sines_then_cosines() -> None:
    pair = torch.tensor([1.0, 0.0])
    torch.testing.assert_close(torch.tensor(TASK), torch.cat([pair.sin(), pair.cos()]))


def test_attention_heads_have_64_channels() -> None:
    """No tensor's shape tells it."""
    assert [w // n for w, n in zip(UNET["block_out_channels"], UNET["attention_head_dim"], strict=True)] == [64] * 4


def test_the_end_of_the_unet_is_not_run() -> None:
    net = ready(tap=2)
    ran: list[str] = []
    for name in ("up_blocks.2", "up_blocks.3", "conv_norm_out", "conv_out"):
        module = net.unet.get_submodule(name)
        module.register_forward_hook(lambda *_given, name=name: ran.append(name))
    net(crops())
    assert ran == ["up_blocks.2"]


def test_heatmaps_are_a_quarter_of_the_input() -> None:
    assert ready()(crops()).shape == (1, 9, 32, 16)


# Latents --------------------------------------------------------------------------------------------------------------


def test_a_seed_draws_around_the_mean_the_same_for_every_crop() -> None:
    plain, drawn = ready(), ready(latent_seed=3)
    with torch.no_grad():
        mean, latents = plain.encode(crops(2)), drawn.encode(crops(2))
        posterior = autoencoder(plain).encode(crops(2)).latent_dist
    noise = (latents - mean) / LATENT_SCALE / posterior.std
    torch.testing.assert_close(noise[0], noise[1], rtol=1e-3, atol=1e-3)
    assert 0.6 < float(noise[0].std()) < 1.4
    assert torch.equal(latents, drawn.encode(crops(2)))
    assert not torch.equal(latents, ready(latent_seed=4).encode(crops(2)))
    torch.testing.assert_close(drawn.encode(crops(2)[1:]), latents[1:], rtol=1e-4, atol=1e-5)


def test_a_batch_equals_its_singles() -> None:
    net = ready()
    together = net(crops(3))
    for i in range(3):
        torch.testing.assert_close(net(crops(3)[i : i + 1]), together[i : i + 1], rtol=1e-3, atol=1e-4)


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small model as it is published: a folder per part."""
    from safetensors.torch import save_file

    transformers = pytest.importorskip("transformers")
    net = ready()
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    encoder = transformers.CLIPTextModel(transformers.CLIPTextConfig(**text))
    parts = {
        "unet/diffusion_pytorch_model": net.unet.state_dict(),
        "vae/diffusion_pytorch_model": autoencoder(net).state_dict(),
        "text_encoder/model": encoder.state_dict(),
        "decoder/decoder": net.head.state_dict(),
    }
    for name, tensors in parts.items():
        path = tmp_path / f"{name}.safetensors"
        path.parent.mkdir()
        save_file(tensors, path)
    (tmp_path / "text_encoder" / "config.json").write_text(json.dumps(text))
    (tmp_path / "scheduler").mkdir()
    (tmp_path / "scheduler" / "scheduler_config.json").write_text('{"prediction_type": "sample"}')
    return tmp_path


PARTS = {
    "unet.": "unet/diffusion_pytorch_model.safetensors",
    "vae.": "vae/diffusion_pytorch_model.safetensors",
    "text_encoder.": "text_encoder/model.safetensors",
    "head.": "decoder/decoder.safetensors",
}


def load(folder: Path, net: Any) -> Any:
    for prefix, name in PARTS.items():
        load_into(net, folder / name, prefix=prefix)
    return net.eval()


def test_a_published_folder(folder: Path) -> None:
    net = load(folder, small())
    assert all(not tensor.is_meta for tensor in [*net.parameters(), *net.buffers()])
    assert all(torch.equal(tensor, net.state_dict()[name]) for name, tensor in ready().state_dict().items())
    assert net.text_embedding.shape == (1, 2, 16)
    with torch.no_grad():
        first = net(crops())
        assert torch.equal(load(folder, small())(crops()), first)  # the embedding is read this time
    assert len(list((folder / "text_encoder").glob("*.npy"))) == 1


def test_half_the_memory(folder: Path) -> None:
    net = load(folder, small(dtype="bfloat16"))
    assert {tensor.dtype for tensor in net.parameters()} == {torch.bfloat16}
    with torch.no_grad():
        heatmaps = net(crops())
        expected = load(folder, small())(crops())
    assert float((heatmaps - expected).abs().max() / expected.abs().max()) < 0.1


def test_a_folder_of_another_kind_is_refused(folder: Path) -> None:
    (folder / "scheduler" / "scheduler_config.json").write_text('{"prediction_type": "v_prediction"}')
    with pytest.raises(ModelError, match="expected prediction_type 'sample', got 'v_prediction'"):
        load(folder, small())


def test_another_parts_file_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"not the 5 tensors of SdPose: 5 missing: head\.deconv_layers\.0\.weight"):
        load_into(small(), folder / PARTS["unet."], prefix="head.")


def test_one_file_in_the_original_naming(folder: Path) -> None:
    from safetensors.torch import save_file

    net = ready()
    there = original_unet(net.unet.state_dict())
    whole = {f"model.diffusion_model.{there[name]}": tensor for name, tensor in net.unet.state_dict().items()}
    whole |= {f"model.diffusion_model.heatmap_head.{name}": tensor for name, tensor in net.head.state_dict().items()}
    vae = original_vae(autoencoder(net).state_dict())
    whole |= {f"first_stage_model.{name}": tensor for name, tensor in vae.items()}
    path = folder / "repacked_fp16.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in whole.items()}, path)
    repacked = small()
    load_into(repacked, path)
    load_into(repacked, folder / PARTS["text_encoder."], prefix="text_encoder.")
    expected = {name: tensor.half().float() for name, tensor in net.state_dict().items()}
    assert repacked.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in repacked.state_dict().items())
    assert repacked.eval()(crops()).isfinite().all()


# Misuse ---------------------------------------------------------------------------------------------------------------


def test_without_a_text_embedding() -> None:
    net = seed_by_name(small())
    with pytest.raises(ModelError, match="no text embedding yet"):
        net(crops())


def test_a_size_that_does_not_fit() -> None:
    with pytest.raises(InputError, match="divisible by 64, got 128x96"):
        ready()(torch.zeros(1, 3, 128, 96))


@pytest.mark.parametrize("settings", [{"tap": 4}, {"dtype": "float16"}], ids=str)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        small(**settings)


def test_without_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(BackendError, match=r'SDPose needs diffusers: pip install "holopose\[sdpose\]"'):
        small()


def test_nothing_is_kept_in_memory_before_it_is_loaded() -> None:
    net = SdPose()
    assert all(tensor.is_meta for tensor in net.parameters())
    assert net.unet.config.cross_attention_dim == UNET["cross_attention_dim"] == 1024
