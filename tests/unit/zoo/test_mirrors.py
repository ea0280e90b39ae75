"""HOLOPOSE_MIRRORS: folders, wheels, rewritten addresses."""

from __future__ import annotations

import pytest

from holopose.zoo.cards import Asset, Licence, Url
from holopose.zoo.mirrors import folder_mirrors, where_to_ask

TERMS = Licence(code="none", weights="none", training_data="none")
NET = Asset(
    name="net",
    filename="my net.onnx",
    places=(Url("https://hf.example/a/net.onnx"), Url("https://dl.example/net.zip", "end2end.onnx")),
    licence=TERMS,
)


def asked(asset: Asset = NET) -> list[tuple[str, str]]:
    return [(url.address, url.member) for url in where_to_ask(asset)]


@pytest.fixture
def mirrors(monkeypatch):
    return lambda text: monkeypatch.setenv("HOLOPOSE_MIRRORS", text)


def test_without_mirrors_the_makers_addresses_in_order(mirrors):
    mirrors(" , ")
    assert asked() == [("https://hf.example/a/net.onnx", ""), ("https://dl.example/net.zip", "end2end.onnx")]
    assert folder_mirrors() == []


def test_a_folder_comes_first_and_has_the_caches_names(mirrors):
    mirrors("https://us.example/weights/, https://us.example/x-1.0-py3-none-any.whl")
    assert asked()[0] == ("https://us.example/weights/my%20net.onnx", "")
    assert len(asked()) == 3
    assert folder_mirrors() == ["https://us.example/weights/", "https://us.example/x-1.0-py3-none-any.whl"]


def test_a_rewritten_address_takes_the_place_of_its_original(mirrors):
    mirrors("https://hf.example/=http://inside.example:8080/hf/,https://dl.example=https://inside.example/dl")
    assert asked() == [
        ("http://inside.example:8080/hf/a/net.onnx", ""),
        ("https://inside.example/dl/net.zip", "end2end.onnx"),
    ]
    assert folder_mirrors() == []


def test_what_is_in_wheels_only_has_no_addresses(mirrors):
    mirrors("https://us.example/weights")
    assert asked(Asset(name="x", filename="x", places=(), licence=TERMS)) == []
