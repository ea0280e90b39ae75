"""ParquetSink: typed columns, every frame, bounded memory."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from holopose.errors import BackendError, OutputError
from holopose.io.sinks import ParquetSink, parquet
from holopose.skeletons import COCO17, WHOLEBODY133
from holopose.types import FrameInfo, Poses

pytestmark = pytest.mark.skipif(importlib.util.find_spec("polars") is None, reason="needs the extra tables")


def write(path, info, *pairs, **options):
    import polars as pl

    sink = ParquetSink(path, info, **options)
    for frame, poses in pairs:
        sink.write(frame, poses)
    sink.close(ok=True)
    return pl.read_parquet(path)


def test_rows_say_what_the_poses_say(tmp_path, people, frame, run_info) -> None:
    poses = people(count=3)
    poses = poses.replace(raw_xy=poses.xy + 3, swapped=poses.score > 0.7)
    clip = frame(index=4, time_s=1001 / 30000, name="clip.mp4")
    table = write(tmp_path / "r.parquet", run_info, (clip, poses), raw=True, normalized=True)
    assert table.height == 3 * 133
    for name, value in {"file": "clip.mp4", "frame": 4, "time_s": 1001 / 30000, "width": 640, "height": 480}.items():
        assert table[name].unique().to_list() == [value]
    assert table["keypoint"].to_list() == list(WHOLEBODY133.keypoints) * 3
    assert table["part"].to_list() == list(WHOLEBODY133.part_of()) * 3
    assert table["keypoint_index"].to_list() == list(range(133)) * 3
    assert table["person"].to_list() == np.repeat([0, 1, 2], 133).tolist()
    assert table["id"].to_list() == [None] * 133 + [0] * 133 + [1] * 133

    def column(name: str) -> np.ndarray:
        return table[name].cast(float).fill_null(np.nan).to_numpy().reshape(3, 133)

    gone = np.isnan(poses.xy[..., 0])
    np.testing.assert_array_equal(np.stack([column("x"), column("y")], axis=-1), poses.xy)
    np.testing.assert_array_equal(np.stack([column("raw_x"), column("raw_y")], axis=-1), poses.raw_xy)
    np.testing.assert_array_equal(np.stack([column(f"world_{a}_m") for a in "xyz"], axis=-1), poses.world)
    np.testing.assert_array_equal(column("score"), np.where(gone, np.nan, poses.score))
    np.testing.assert_array_equal(column("visible"), np.where(gone, np.nan, poses.visible))
    np.testing.assert_array_equal(column("swapped"), poses.swapped)
    np.testing.assert_allclose(column("x_norm"), (poses.xy[..., 0] + 0.5) / 640, rtol=1e-6)
    boxes = np.stack([column(f"box_{side}")[:, 0] for side in ("left", "top", "right", "bottom")], axis=-1)
    np.testing.assert_array_equal(boxes, poses.boxes.xyxy)


def test_types_and_columns_follow_the_options_alone(tmp_path, people, frame, run_info) -> None:
    import polars as pl

    schemas = []
    for number, poses in enumerate((people(), people(everything=False), Poses.empty(WHOLEBODY133))):
        schemas.append(dict(write(tmp_path / f"{number}.parquet", run_info, (frame(), poses)).schema))
    assert schemas[0] == schemas[1] == schemas[2]
    assert list(schemas[0]) == [
        *("file", "frame", "time_s", "width", "height", "person", "id", "person_score"),
        *("box_left", "box_top", "box_right", "box_bottom", "keypoint_index", "keypoint", "part"),
        *("x", "y", "score", "visible", "swapped", "world_x_m", "world_y_m", "world_z_m"),
    ]
    assert schemas[0]["keypoint"] == pl.Enum(WHOLEBODY133.keypoints)
    assert schemas[0]["file"] == pl.Categorical
    assert {schemas[0][name] for name in ("x", "score", "box_left", "world_z_m")} == {pl.Float32}
    assert schemas[0]["visible"] == schemas[0]["swapped"] == pl.Boolean
    assert schemas[0]["time_s"] == pl.Float64
    options = write(tmp_path / "o.parquet", run_info, (frame(), people()), world=False, raw=True, normalized=True)
    assert options.columns[-4:] == ["x_norm", "y_norm", "raw_x", "raw_y"]


def test_a_frame_without_people_has_a_row_of_nulls(tmp_path, people, frame, run_info) -> None:
    frames = [
        (frame(index=i, time_s=i / 8), people(count=1) if i == 1 else Poses.empty(WHOLEBODY133)) for i in range(3)
    ]
    table = write(tmp_path / "r.parquet", run_info, *frames)
    assert table["frame"].to_list() == [0, *[1] * 133, 2]
    for row in (table.row(0, named=True), table.row(-1, named=True)):
        assert {key for key, value in row.items() if value is not None} == {
            "file",
            "frame",
            "time_s",
            "width",
            "height",
        }


def test_the_metadata_says_how_it_was_made(tmp_path, people, frame, run_info) -> None:
    import polars as pl

    info = replace(run_info, source={"rate_exact": "30000/1001"}, source_end=lambda: {"damaged": 1})
    write(tmp_path / "r.parquet", info, (frame(), people()))
    told = json.loads(pl.read_parquet_metadata(tmp_path / "r.parquet")["holopose"])
    assert told["schema"] == "holopose/table/1"
    assert told["source"] == {"name": "photo.jpg", "width": 640, "height": 480, "rate_exact": "30000/1001"}
    assert told["skeleton"]["name"] == "wholebody133"
    assert told["source_end"] == {"damaged": 1}
    assert (told["tracks"][0]["id"], told["frame_count"]) == (0, 1)


def test_pieces_are_joined_in_order_and_go_away(tmp_path, people, run_info, monkeypatch) -> None:
    monkeypatch.setattr(parquet, "_CHUNK_ROWS", 600)
    sink = ParquetSink(tmp_path / "r.parquet", run_info)
    rng = np.random.default_rng(5)
    counts = rng.integers(0, 4, 60).tolist()
    for index, count in enumerate(counts):
        sink.write(FrameInfo(index, index / 25, "clip.mp4", (640, 480)), people(index, count))
        assert sum(len(one["frame"]) for one in sink._waiting) <= 600
    [folder] = tmp_path.iterdir()
    assert folder.name.startswith(".holopose-")
    assert len(list(folder.iterdir())) > 5
    sink.close(ok=True)
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]

    import polars as pl

    table = pl.read_parquet(tmp_path / "r.parquet")
    expected = [index for index, count in enumerate(counts) for _ in range(max(count * 133, 1))]
    assert table["frame"].to_list() == expected
    last = max(index for index, count in enumerate(counts) if count)
    np.testing.assert_array_equal(
        table.filter(pl.col("frame") == last)["x"].fill_null(np.nan).to_numpy(),
        people(last, counts[last]).xy[..., 0].ravel(),
    )
    failed = ParquetSink(tmp_path / "failed.parquet", run_info)
    for index in range(20):
        failed.write(FrameInfo(index, None, "", (640, 480)), people(index, 3))
    failed.close(ok=False)
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]


@pytest.mark.parametrize("name", ["run=1", "a [b]", "{x}", "~", "照片 é"])
def test_odd_names_of_folders_are_only_names(tmp_path, people, frame, run_info, name: str) -> None:
    folder = tmp_path / name
    sink = ParquetSink(folder / f"{name}.parquet", run_info)
    sink.write(frame(), people())
    sink.close(ok=True)
    with (folder / f"{name}.parquet").open("rb") as file:
        import polars as pl

        table = pl.read_parquet(file)
    assert (table.height, table.columns[0], "run" in table.columns) == (2 * 133, "file", False)
    assert [path.name for path in folder.iterdir()] == [f"{name}.parquet"]


def test_it_is_compressed(tmp_path, frame, people, run_info) -> None:
    table = write(tmp_path / "r.parquet", run_info, *((frame(index=i), people()) for i in range(50)))
    assert (tmp_path / "r.parquet").stat().st_size < 0.25 * table.height * sum((8, 8, 4, 4, 4, 8, 4, 16, 4, 12, 2, 12))


def test_another_layout_needs_another_file(tmp_path, people, frame, run_info) -> None:
    sink = ParquetSink(tmp_path / "r.parquet", run_info)
    sink.write(frame(), people())
    with pytest.raises(OutputError, match="expected keypoints of wholebody133, got coco17"):
        sink.write(frame(), people(skeleton=COCO17))
    sink.close(ok=False)
    assert list(tmp_path.iterdir()) == []


def test_without_polars_it_says_what_to_install(tmp_path, run_info, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(BackendError, match=r'pip install "holopose\[tables\]"') as caught:
        ParquetSink(tmp_path / "r.parquet", run_info)
    assert "\n" not in str(caught.value)


def test_polars_is_loaded_only_when_it_is_needed() -> None:
    code = "import sys, holopose.io.sinks; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
