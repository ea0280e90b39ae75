"""The cards of ViTPose++: the files named, and tensors of exactly their kind."""

from __future__ import annotations

import pytest

from holopose.zoo.catalog.vitpose import VITPOSE

HUB = "https://huggingface.co"


def test_every_published_file_is_there():
    addresses = {url.address for card in VITPOSE for url in card.urls}
    sizes = ("small", "base", "large", "huge")
    assert addresses == {
        *(f"{HUB}/nielsr/vitpose-original-checkpoints/resolve/main/vitpose%2B_{size}.pth" for size in sizes),
        *(f"{HUB}/usyd-community/vitpose-plus-{size}/resolve/main/model.safetensors" for size in sizes),
        *(
            f"{HUB}/JunkyByte/easy_ViTPose/resolve/main/onnx/wholebody/vitpose-{letter}-wholebody.onnx"
            for letter in ("s", "b", "l")
        ),
    }


@pytest.mark.parametrize("card", VITPOSE, ids=lambda card: card.name)
def test_what_all_share(card):
    assert card.settings == {"input_hw": (256, 192), "decoder": "udp", "kernel": 11, "padding": 1.25, "udp": True}
    assert len(card.skeleton) == (17 if card.name.endswith("body17") else 133)
    assert (card.net is None) == card.filename.endswith(".onnx")
    assert not card.licence.commercial


@pytest.mark.parametrize("card", [card for card in VITPOSE if card.net], ids=lambda card: card.name)
def test_the_module_is_of_the_size_that_the_card_names(card):
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        net = card.net(**card.net_settings)
    width = {"small": 384, "base": 768, "large": 1024, "huge": 1280}[card.name.split("-")[2]]
    assert net.backbone.layernorm.weight.shape == (width,)
    assert net.head.conv.weight.shape == (len(card.skeleton), 256, 1, 1)
    published_eps = {1e-6} if card.filename.endswith(".pth") else {1e-12}  # the authors' code, Hugging Face's
    assert {module.eps for module in net.modules() if isinstance(module, torch.nn.LayerNorm)} == published_eps
    assert net.dataset == ("wholebody" if len(card.skeleton) == 133 else "coco")


def test_published_accuracy():
    published = {card.name: card.published for card in VITPOSE if card.published}
    assert "54.4" in published["vitpose-plus-small-wholebody"]
    assert "60.6" in published["easy-vitpose-l-wholebody"]
    assert "vitpose-plus-huge-wholebody" not in published
