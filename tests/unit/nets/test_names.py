from __future__ import annotations

import pytest

from holopose.nets.names import CAFFE, MMPOSE, rename


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("backbone.stage4.2.fuse_layers.0.3.1.running_var", "stage4.2.fuse_layers.0.3.1.running_var"),
        ("keypoint_head.final_layer.weight", "final_layer.weight"),
        ("keypoint_head.final_layer.0.bias", "final_layer.bias"),
        ("head.final_layer.bias", "final_layer.bias"),
        ("keypoint_head.deconv_layers.7.num_batches_tracked", "deconv_layers.7.num_batches_tracked"),
        ("data_preprocessor.mean", ""),
        ("final_layers.0.weight", "final_layers.0.weight"),
    ],
)
def test_names_of_mmpose(theirs: str, ours: str) -> None:
    assert rename(theirs, MMPOSE) == ours


def test_only_the_layers_name_is_kept() -> None:
    assert rename("block02.main.0.split0.Mconv1_stage0_L2_0.weight", CAFFE) == "Mconv1_stage0_L2_0.weight"
    assert rename("conv1_1.bias", CAFFE) == "conv1_1.bias"


def test_pairs_are_applied_in_order() -> None:
    assert rename("a.b", (("a", "b"), ("^b", "c"))) == "c.b"
    assert rename("a.b", ()) == "a.b"
