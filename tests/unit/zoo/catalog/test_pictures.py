"""The demo pictures."""

from __future__ import annotations

from holopose.zoo.catalog import MODELS, PICTURES


def test_pictures_are_files_of_a_published_package_and_no_models():
    assert [picture.filename for picture in PICTURES] == ["bus.jpg", "zidane.jpg"]
    for picture in PICTURES:
        assert picture.folder == "pictures"
        assert len(picture.sha256) == 64
        [place] = picture.members
        assert place.path == f"ultralytics/assets/{picture.filename}"
        assert picture.name not in MODELS
