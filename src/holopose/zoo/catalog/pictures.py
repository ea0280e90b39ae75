"""Owns the demo pictures: where they come from."""

from __future__ import annotations

from holopose.zoo.cards import Asset, Licence, Member, Wheel

__all__ = ["PICTURES"]

_ULTRALYTICS = Wheel(
    project="ultralytics",
    version="8.4.190",
    filename="ultralytics-8.4.190-py3-none-any.whl",
    sha256="bd309728efa168af64d39040136828edd2dbcb4aeceb4510bdff4f3ca0ea01b8",
    size=1_433_396,
)
_PHOTOGRAPH = Licence(
    code="none used",
    weights="published inside the package ultralytics (AGPL-3.0)",
    training_data="none: a photograph",
)


def _picture(filename: str, sha256: str, size: int) -> Asset:
    return Asset(
        name=filename,
        filename=filename,
        sha256=sha256,
        size=size,
        places=(Member(_ULTRALYTICS, f"ultralytics/assets/{filename}"),),
        licence=_PHOTOGRAPH,
        folder="pictures",
        notes="Demo picture.",
    )


PICTURES: tuple[Asset, ...] = (
    _picture("bus.jpg", "c02019c4979c191eb739ddd944445ef408dad5679acab6fd520ef9d434bfbc63", 137_419),
    _picture("zidane.jpg", "16d73869e3267a7d4ed00de8e860833bd1657c1b252e94c0c348277adc7b6edb", 50_427),
)
"""What `holopose demo` runs on; never part of holopose."""
