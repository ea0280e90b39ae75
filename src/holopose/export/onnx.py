"""Owns ONNX files of torch modules: written once, with what is needed to use them as metadata."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holopose.errors import BackendError, ModelError

__all__ = ["OPSET", "write_onnx"]

OPSET = 18

_SINGLE_BYTES = 1_800_000_000  # ONNX files end at 2 GB; larger ones keep their tensors beside them


def write_onnx(
    net: Any,
    path: Path,
    *,
    item_shape: Sequence[int],
    outputs: Sequence[str],
    metadata: Mapping[str, Any],
    free_size: bool = False,
) -> None:
    """Write a torch module as an ONNX file whose batch is free.

    Args:
        net: The module, on the CPU, taking one (N, *item_shape) float32 tensor.
        path: File to write; tensors beyond ONNX's 2 GB lie beside it.
        item_shape: Shape of one input item.
        outputs: Names of the outputs.
        free_size: Leave the last two axes of the items open too: networks that see whole pictures.
        metadata: What a user of the file must know (colours, decoder, layout), kept inside as JSON under holopose.

    Raises:
        BackendError: torch or onnx is not installed.
        ModelError: the module cannot be written.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it and says so less clearly
        import torch
    except ImportError as error:
        raise BackendError(
            f'conversion needs {error.name}, which is not installed: pip install "holopose[convert]"'
        ) from error
    size = sum(tensor.numel() * tensor.element_size() for tensor in net.state_dict().values())
    axes: dict[int, Any] = {0: torch.export.Dim("batch", min=1)}
    if free_size:
        axes |= dict.fromkeys((2, 3), torch.export.Dim.DYNAMIC)
    example = torch.zeros(2, *item_shape)  # a batch of 1 would be taken for a constant
    try:
        with _quiet(), torch.inference_mode():
            torch.onnx.export(
                net.eval(),
                (example,),
                str(path),
                input_names=["input"],
                output_names=list(outputs),
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes=(axes,),
                external_data=size > _SINGLE_BYTES,
                optimize=True,  # slow, but ONNX Runtime takes twice as long for what is not
            )
        model = onnx.load(str(path), load_external_data=False)
    except (RuntimeError, ValueError, TypeError, torch.onnx.errors.OnnxExporterError) as error:
        raise ModelError(f"torch cannot write {type(net).__name__} as ONNX: {str(error).splitlines()[0]}") from error
    _forget_where_it_was_made(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = "holopose", json.dumps(metadata, sort_keys=True)
    path.write_bytes(model.SerializeToString())


def _forget_where_it_was_made(model: Any) -> None:
    """Take out the places in this machine's files that the exporter notes at every node."""
    graph = model.graph
    for one in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del one.metadata_props[:]
        one.doc_string = ""
    for function in model.functions:
        for one in (function, *function.node, *function.value_info):
            del one.metadata_props[:]
            one.doc_string = ""


@contextlib.contextmanager
def _quiet() -> Any:
    """The exporter narrates on every channel."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "torch.onnx")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
