from __future__ import annotations

import re
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from holopose.nets.checkpoints import load_into  # noqa: E402
from holopose.nets.openpose import OpenPoseBody18, OpenPoseBody25, OpenPoseHand  # noqa: E402
from seeded_nets import seed_by_name, seeded_input  # noqa: E402


def run(net: torch.nn.Module, shape: tuple[int, ...] = (1, 3, 32, 48)) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        out = net(torch.from_numpy(seeded_input(shape)))
    return out if isinstance(out, tuple) else (out,)


def test_maps_are_an_eighth_of_the_picture() -> None:
    fields, heatmaps = run(seed_by_name(OpenPoseBody18()), (2, 3, 32, 48))
    assert (fields.shape, heatmaps.shape) == ((2, 38, 4, 6), (2, 19, 4, 6))
    assert float(heatmaps.min()) == 0 > float(fields.min())
    fields, heatmaps = run(seed_by_name(OpenPoseBody25()), (2, 3, 32, 48))
    assert (fields.shape, heatmaps.shape) == ((2, 52, 4, 6), (2, 26, 4, 6))
    assert float(heatmaps.min()) < 0


def test_the_hand_without_its_background() -> None:
    full, cut = (run(seed_by_name(OpenPoseHand(background=b)))[0] for b in (True, False))
    assert full.shape == (1, 22, 4, 6)
    assert torch.equal(cut, full[:, :21])


def test_body25_has_the_size_of_the_published_file() -> None:
    count = sum(parameter.numel() for parameter in OpenPoseBody25().parameters())
    assert 0 < 104_715_850 - 4 * count < 100_000  # pose_iter_584000.caffemodel: its numbers, and names of its layers


def in_lists(name: str) -> str:
    """As in ports that keep blocks in lists: each convolution and its PReLU share an entry."""
    if name.startswith("model0"):
        return name
    layer = name.split(".", 1)[1]
    block, number = re.fullmatch(r"M(?:conv|prelu)(\d_stage\d_L\d)(?:_(\d))?\.\w+", layer).groups()
    return f"models.Mconv{block}.{number or 0}.{layer}"


@pytest.mark.parametrize("kind", [OpenPoseBody18, OpenPoseBody25, OpenPoseHand])
@pytest.mark.parametrize("theirs", [lambda name: name.split(".", 1)[1], in_lists, lambda name: name])
def test_files_of_ports_are_read(kind: type, theirs, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    if theirs is in_lists and kind is not OpenPoseBody25:
        pytest.skip("these ports only rebuilt BODY_25")
    with torch.device("meta"):
        net = kind()
    numbers = {name: i for i, name in enumerate(net.state_dict())}
    state = {theirs(n): torch.tensor(float(numbers[n])).expand(t.shape) for n, t in net.state_dict().items()}
    assert len(state) == len(numbers)
    torch.save(state, tmp_path / "port.pth")
    load_into(net, tmp_path / "port.pth")
    assert {name: float(tensor.flatten()[0]) for name, tensor in net.state_dict().items()} == numbers
