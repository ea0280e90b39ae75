"""ViTPose equals Hugging Face's, dense and with experts, and reads the authors' files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from holopose.errors import ConfigError, ModelError  # noqa: E402
from holopose.nets.checkpoints import load_into  # noqa: E402
from holopose.nets.vitpose import DATASETS, SIZES, ViTPose  # noqa: E402
from seeded_nets import manifest, seed_by_name, seeded_input, seeded_tensor  # noqa: E402

TINY = (48, 2, 4)
PART = 12
"""Features of the tiny network that come from an expert."""


def hugging_face(size: tuple[int, int, int], *, simple: bool = False, experts: int = 1, keypoints: int = 17) -> Any:
    transformers = pytest.importorskip("transformers")
    width, layers, heads = size
    backbone = transformers.VitPoseBackboneConfig(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_experts=experts,
        part_features=PART if experts > 1 else 0,
        out_indices=[layers],
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=keypoints, use_simple_decoder=simple)
    with torch.device("meta"):
        net = transformers.VitPoseForPoseEstimation(config)
    return fill(net)


def fill(net: Any) -> Any:
    """The network with any numbers in it, quickly."""
    net.to_empty(device="cpu")
    random = torch.Generator().manual_seed(0)
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.normal_(0, 0.05, generator=random)
            if name.endswith(("running_var", "norm.weight", "before.weight", "after.weight")):
                tensor.abs_().add_(0.5)
    return net.eval().requires_grad_(False)


def ours(net: ViTPose, tensors: dict[str, Any]) -> ViTPose:
    net.load_state_dict(net.convert(tensors), assign=True)
    return net.eval().requires_grad_(False)


def difference(net: Any, expected: Any) -> float:
    """The largest difference as a share of the largest value."""
    return float((net - expected).abs().max() / expected.abs().max())


def crops(count: int = 2) -> Any:
    return torch.from_numpy(seeded_input((count, 3, 256, 192)))


@pytest.mark.parametrize(
    ("size", "head"), [(TINY, "classic"), (TINY, "simple"), ("base", "classic")], ids=["tiny", "simple", "base"]
)
def test_equals_hugging_faces(size: str | tuple[int, int, int], head: str) -> None:
    theirs = hugging_face(SIZES[size] if isinstance(size, str) else size, simple=head == "simple")
    with torch.device("meta"):
        net = ViTPose(size, head=head, norm_eps=1e-12)
    net = ours(net, theirs.state_dict())
    expected = theirs(crops(1)).heatmaps
    assert expected.shape == (1, 17, 64, 48)
    assert difference(net(crops(1)), expected) < 1e-5


@pytest.mark.parametrize("dataset", DATASETS)
def test_an_expert_made_dense_equals_the_mixture(dataset: str) -> None:
    theirs = hugging_face(TINY, experts=len(DATASETS))
    net = ours(ViTPose(TINY, dataset=dataset, norm_eps=1e-12), theirs.state_dict())
    index = torch.full((2,), DATASETS.index(dataset))
    expected = theirs(crops(), dataset_index=index).heatmaps
    other = theirs(crops(), dataset_index=(index + 1) % len(DATASETS)).heatmaps
    assert difference(net(crops()), expected) < 1e-5
    assert difference(net(crops()), other) > 1e-3


def test_older_names_of_experts() -> None:
    theirs = hugging_face(TINY, experts=len(DATASETS)).state_dict()
    older = {name.replace(".mlp.experts.", ".mlp.experts.experts."): tensor for name, tensor in theirs.items()}
    net = ViTPose(TINY, dataset="wholebody")
    new, old = net.convert(theirs), net.convert(older)
    assert new.keys() == old.keys()
    assert all(torch.equal(new[name], old[name]) for name in new)


def test_seventeen_maps_do_not_become_133() -> None:
    """The reason is told: Hugging Face's files have experts for whole bodies but no head."""
    theirs = hugging_face(TINY, experts=len(DATASETS)).state_dict()
    with pytest.raises(ModelError, match=r"one head, of 17 keypoints; expected 133: .*vitpose\+_SIZE\.pth"):
        ViTPose(TINY, keypoints=133, dataset="wholebody").convert(theirs)


# The authors' files ---------------------------------------------------------------------------------------------------


def authors_file(*, experts: int = 0, heads: dict[str, int] | None = None) -> dict[str, Any]:
    """Tensors named and shaped as in the authors' files, of a tiny network."""
    width, layers, _ = TINY
    shared = width - (PART if experts else 0)
    shapes: dict[str, tuple[int, ...]] = {
        "backbone.cls_token": (1, 1, width),
        "backbone.pos_embed": (1, 193, width),
        "backbone.patch_embed.proj.weight": (width, 3, 16, 16),
        "backbone.patch_embed.proj.bias": (width,),
        "backbone.last_norm.weight": (width,),
        "backbone.last_norm.bias": (width,),
    }
    for layer in range(layers):
        linear = {"attn.qkv": (3 * width, width), "attn.proj": (width, width), "mlp.fc1": (4 * width, width)}
        linear |= {"mlp.fc2": (shared, 4 * width)} | {f"mlp.experts.{i}": (PART, 4 * width) for i in range(experts)}
        for name, shape in linear.items():
            shapes |= {
                f"backbone.blocks.{layer}.{name}.weight": shape,
                f"backbone.blocks.{layer}.{name}.bias": shape[:1],
            }
        norms = [f"backbone.blocks.{layer}.norm{i}.{kind}" for i in (1, 2) for kind in ("weight", "bias")]
        shapes |= dict.fromkeys(norms, (width,))
    for head, rows in (heads or {"keypoint_head": 17}).items():
        shapes |= {
            f"{head}.deconv_layers.0.weight": (width, 256, 4, 4),
            f"{head}.deconv_layers.3.weight": (256, 256, 4, 4),
            f"{head}.final_layer.weight": (rows, 256, 1, 1),
            f"{head}.final_layer.bias": (rows,),
        }
        for layer in (1, 4):
            stem = f"{head}.deconv_layers.{layer}"
            shapes |= {f"{stem}.{kind}": (256,) for kind in ("weight", "bias", "running_mean", "running_var")}
            shapes[f"{stem}.num_batches_tracked"] = ()
    return {name: torch.from_numpy(seeded_tensor(name, shape)) for name, shape in shapes.items()}


def test_a_dense_file_of_the_authors() -> None:
    tensors = authors_file()
    net = ours(ViTPose(TINY), tensors)
    state = net.state_dict()
    qkv = tensors["backbone.blocks.1.attn.qkv.weight"]
    attention = "backbone.encoder.layer.1.attention.attention"
    assert torch.equal(state[f"{attention}.query.weight"], qkv[:48])
    assert torch.equal(state[f"{attention}.key.weight"], qkv[48:96])
    assert torch.equal(state[f"{attention}.value.weight"], qkv[96:])
    assert torch.equal(state["head.batchnorm2.running_var"], tensors["keypoint_head.deconv_layers.4.running_var"])
    assert net(crops(1)).shape == (1, 17, 64, 48)


def test_files_of_the_authors_from_disk(tmp_path: Path) -> None:
    """As they come: wrapped, with experts; an unknown tensor is refused."""
    path = tmp_path / "vitpose+_tiny.pth"
    tensors = authors_file(experts=6, heads=HEADS)
    torch.save({"meta": {"epoch": 210}, "state_dict": tensors}, path)
    with torch.device("meta"):
        net = ViTPose(TINY, keypoints=133, dataset="wholebody")
    load_into(net, path)
    assert torch.equal(net.state_dict()["head.conv.bias"], tensors["associate_keypoint_heads.4.final_layer.bias"])
    torch.save({"state_dict": tensors | {"backbone.blocks.9.norm1.weight": torch.ones(48)}}, path)
    with pytest.raises(ModelError, match=r"1 not expected: backbone\.encoder\.layer\.9\.layernorm_before\.weight"):
        load_into(net, path)


HEADS = {
    "keypoint_head": 17,
    "associate_keypoint_heads.0": 14,
    "associate_keypoint_heads.1": 16,
    "associate_keypoint_heads.2": 17,
    "associate_keypoint_heads.3": 17,
    "associate_keypoint_heads.4": 133,
}


@pytest.mark.parametrize(("dataset", "keypoints"), list(zip(DATASETS, HEADS.values(), strict=True)))
def test_each_dataset_has_its_expert_and_head(dataset: str, keypoints: int) -> None:
    tensors = authors_file(experts=6, heads=HEADS)
    net = ours(ViTPose(TINY, keypoints=keypoints, dataset=dataset), tensors)
    number = DATASETS.index(dataset)
    head = list(HEADS)[number]
    state = net.state_dict()
    fc2 = state["backbone.encoder.layer.0.mlp.fc2.weight"]
    assert torch.equal(fc2[: 48 - PART], tensors["backbone.blocks.0.mlp.fc2.weight"])
    assert torch.equal(fc2[48 - PART :], tensors[f"backbone.blocks.0.mlp.experts.{number}.weight"])
    assert torch.equal(state["head.deconv1.weight"], tensors[f"{head}.deconv_layers.0.weight"])
    assert torch.equal(state["head.conv.bias"], tensors[f"{head}.final_layer.bias"])


def test_a_padded_last_layer_is_cut() -> None:
    tensors = authors_file(experts=6, heads={"keypoint_head": 17, "associate_keypoint_heads.4": 140})
    net = ours(ViTPose(TINY, keypoints=133, dataset="wholebody"), tensors)
    assert torch.equal(net.state_dict()["head.conv.bias"], tensors["associate_keypoint_heads.4.final_layer.bias"][:133])


@pytest.mark.parametrize(
    ("experts", "heads", "told"),
    [
        (6, {"keypoint_head": 17, "associate_keypoint_heads.0": 14}, r"no head associate_keypoint_heads\.4"),
        (3, HEADS, r"no backbone\.encoder\.layer\.0\.mlp\.experts\.5\.weight"),
    ],
)
def test_a_file_without_what_is_needed_is_refused(experts: int, heads: dict[str, int], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        ViTPose(TINY, keypoints=133, dataset="wholebody").convert(authors_file(experts=experts, heads=heads))


# Sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "shape"), [("small", 384), ("base", 768), ("large", 1024), ("huge", 1280)], ids=list(SIZES)
)
def test_published_sizes(size: str, shape: int) -> None:
    tensors = manifest(lambda: ViTPose(size, keypoints=133))
    assert tensors["backbone.embeddings.position_embeddings"] == [1, 193, shape]
    assert tensors["backbone.encoder.layer.0.mlp.fc1.weight"] == [4 * shape, shape]
    assert tensors["head.conv.weight"] == [133, 256, 1, 1]


def test_another_input_size() -> None:
    net = seed_by_name(ViTPose(TINY, input_hw=(64, 48)))
    assert net(torch.zeros(1, 3, 64, 48)).shape == (1, 17, 16, 12)


@pytest.mark.parametrize(
    "settings", [{"size": "tiny"}, {"dataset": "halpe"}, {"head": "big"}, {"input_hw": (250, 192)}], ids=str
)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="expected"):
        ViTPose(**settings)
