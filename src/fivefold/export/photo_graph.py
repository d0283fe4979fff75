"""The whole system as one ONNX model of stock operators: photo in, enhanced photo out.

The network is the bundle's own. Before it stands the reduction to the thumbnail, after it guide,
slice and apply, as the reference defines them: the reduction as two products with matrices of
overlaps, the slice as the 5-D ``GridSample`` that ONNX has since operator set 20. Height and width
are free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import BundleDamagedError, BundleError
from fivefold.kernels import reference
from fivefold.kernels.grid import Guide
from fivefold.photo.image import Photo
from fivefold.photo.resize import THUMBNAIL_PX
from fivefold.runtime.blend import Blend, blend_weights
from fivefold.runtime.enhancer import Enhancer

if TYPE_CHECKING:
    from fivefold.runtime.bundle import Bundle

OPSET = 20
LARGEST_DIFFERENCE = 1e-5
"""How far a value in 0…1 may lie from the float64 reference with the predicted grid."""

_IR_VERSION = 10
_TRIAL_SIZE_PX = (67, 301)
_NETWORK = "network/"

# The thumbnail's row i is the mean of the photo over [i·H/n, (i + 1)·H/n). In units of 1/n pixel
# every edge is a whole number, so the overlaps of cells and pixels are exact.
_OVERLAPS = """
  {axis}_length = Shape <start: int = {axis_index}, end: int = {axis_stop}> (photo)
  {axis}_count = Squeeze ({axis}_length)
  {axis}_pixels = Range (zero, {axis}_count, one)
  {axis}_pixel_starts = Mul ({axis}_pixels, cells)
  {axis}_pixel_stops = Add ({axis}_pixel_starts, cells)
  {axis}_cell_starts = Mul (cell_column, {axis}_count)
  {axis}_cell_stops = Add ({axis}_cell_starts, {axis}_count)
  {axis}_from = Max ({axis}_cell_starts, {axis}_pixel_starts)
  {axis}_to = Min ({axis}_cell_stops, {axis}_pixel_stops)
  {axis}_difference = Sub ({axis}_to, {axis}_from)
  {axis}_overlap = Max ({axis}_difference, zero)
  {axis}_overlap_real = Cast <to: int = 1> ({axis}_overlap)
  {axis}_length_real = Cast <to: int = 1> ({axis}_length)
  {axis}_weights = Div ({axis}_overlap_real, {axis}_length_real)
"""
_REDUCE = """
  columns_transposed = Transpose <perm: ints = [1, 0]> (width_weights)
  narrow = MatMul (photo, columns_transposed)
  {thumbnail} = MatMul (height_weights, narrow)
"""
# Of a network of several styles.
_BLEND = """
  weighted = Mul ({grid}, blend)
  blended = ReduceSum <keepdims: int = 1> (weighted, along_styles)
"""
# ρ_c(M_cᵀφ + b′_c): one 1×1 convolution for the sixteen inner sums, one for the outer sum.
_CURVE = """
  inner_{c} = Conv (photo, curve_{c}_matrix, curve_{c}_bias)
  ramps_{c} = Relu (inner_{c})
  curve_{c} = Conv (ramps_{c}, curve_{c}_slopes)
"""
# GridSample counts from −1 at the first cell's outer edge to 1 at the last one's.
_SLICE = """
  curves = Sum (curve_0, curve_1, curve_2)
  brightness = Add (curves, bias)
  g = Clip (brightness, black, white)
  doubled = Mul (g, two)
  z = Sub (doubled, white)
  x_odd = Mul (width_pixels, two_whole)
  x_centres = Add (x_odd, one)
  x_real = Cast <to: int = 1> (x_centres)
  x_scaled = Div (x_real, width_length_real)
  x_line = Sub (x_scaled, white)
  y_odd = Mul (height_pixels, two_whole)
  y_centres = Add (y_odd, one)
  y_real = Cast <to: int = 1> (y_centres)
  y_scaled = Div (y_real, height_length_real)
  y_row = Sub (y_scaled, white)
  y_line = Unsqueeze (y_row, last)
  size = Shape (g)
  x = Expand (x_line, size)
  y = Expand (y_line, size)
  x_last = Unsqueeze (x, last)
  y_last = Unsqueeze (y, last)
  z_last = Unsqueeze (z, last)
  places = Concat <axis: int = -1> (x_last, y_last, z_last)
  sliced = GridSample <mode: string = "linear", padding_mode: string = "border",
                       align_corners: int = 0> ({grid}, places)
"""
# The shape's zeros keep the photo's height and width.
_APPLY = """
  transforms = Reshape (sliced, three_by_four)
  weights = Slice (transforms, from_first, to_fourth, along_inputs)
  offsets = Slice (transforms, to_fourth, to_fifth, along_inputs)
  inputs = Unsqueeze (photo, along_outputs)
  products = Mul (weights, inputs)
  mixed = ReduceSum <keepdims: int = 0> (products, along_inputs)
  offset = Squeeze (offsets, along_inputs)
  transformed = Add (mixed, offset)
  change = Sub (transformed, photo)
  scaled_change = Mul (change, strength)
  whole = Add (photo, scaled_change)
  enhanced = Clip (whole, black, white)
"""


def photo_graph(bundle: Bundle, expert: str | Blend | None = None) -> bytes:
    """A bundle's whole system as an ONNX model.

    Args:
        bundle: Network and guide.
        expert: The style or blend that it gives, where the bundle has several; the first without.

    Returns:
        A model with the input ``photo``, ``float32 (1, 3, height, width)``, sRGB in 0…1; the
        input ``strength``, a ``float32`` number that is 1 where it is not given; and the output
        ``enhanced``, of the shape of ``photo``, sRGB held in 0…1. Operator set 20.

    Raises:
        BundleDamagedError: If the network cannot be taken to this operator set.
        BundleError: If the model, tried on a random photo, differs from the reference.
        ValueError: If the bundle does not have the style.
    """
    from onnx import checker, compose, helper, parser

    network = compose.add_prefix(_network(bundle), _NETWORK)
    thumbnail, grid = network.graph.input[0].name, network.graph.output[0].name
    axes = ("height", 2), ("width", 3)
    before = "".join(_OVERLAPS.format(axis=a, axis_index=i, axis_stop=i + 1) for a, i in axes)
    before += _REDUCE.format(thumbnail="thumbnail")
    styles = bundle.manifest.styles or (bundle.manifest.name,)
    blend = blend_weights(expert, styles)
    after = _BLEND.format(grid="grid") if len(styles) > 1 else ""
    after += "".join(_CURVE.format(c=c) for c in range(3))
    after += _SLICE.format(grid="blended" if len(styles) > 1 else "grid") + _APPLY
    graph = parser.parse_graph(
        "whole (float[1, 3, height, width] photo, float strength)"
        f" => (float[1, 3, height, width] enhanced) {{{before}{after}}}"
    )
    nodes = list(graph.node)
    entry = 1 + next(i for i, node in enumerate(nodes) if node.output[0] == "thumbnail")
    for node in nodes:  # names with a stroke are none that the parser reads
        for names in (node.input, node.output):
            names[:] = [{"thumbnail": thumbnail, "grid": grid}.get(name, name) for name in names]
    del graph.node[:]
    graph.node.extend([*nodes[:entry], *network.graph.node, *nodes[entry:]])
    graph.initializer.extend(network.graph.initializer)
    graph.initializer.extend(_constants(bundle.guide, blend))
    graph.doc_string = "sRGB in 0…1; strength 0 leaves the photo as it is, 1 is the model"
    model = helper.make_model(
        graph,
        producer_name="fivefold",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(
        model, {"name": bundle.manifest.name, "licence": bundle.manifest.licence}
    )
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    difference = _difference(Enhancer(bundle, expert=expert), content)
    if not difference <= LARGEST_DIFFERENCE:
        raise BundleError(
            f"{bundle.source}: the exported model differs by {difference:.2g}, more than "
            f"{LARGEST_DIFFERENCE:g}"
        )
    return content


def _difference(enhancer: Enhancer, content: bytes) -> float:
    """The largest difference between the model and the reference on a random photo."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of an input with a default, which is meant
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).random((*_TRIAL_SIZE_PX, 3), np.float32)
    expected = reference.render(pixels, enhancer.predict(Photo(pixels)))
    (received,) = session.run(["enhanced"], {"photo": pixels.transpose(2, 0, 1)[None]})
    return float(np.abs(received[0].transpose(1, 2, 0) - expected).max())


def _network(bundle: Bundle) -> Any:
    """The bundle's network in this operator set."""
    from google.protobuf.message import DecodeError
    from onnx import ModelProto, version_converter

    model = ModelProto()
    try:
        model.ParseFromString(bundle.network)
        return version_converter.convert_version(model, OPSET)
    except (DecodeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleDamagedError(
            f"{bundle.source}: the network cannot be taken to ONNX operator set {OPSET}: {reason}"
        ) from error


def _constants(guide: Guide, blend: NDArray[np.float32]) -> list[Any]:
    """The numbers that the nodes above name."""
    from onnx import numpy_helper

    reals: dict[str, Any] = {"bias": guide.bias, "black": 0, "white": 1, "two": 2, "strength": 1}
    wholes: dict[str, Any] = {
        "zero": 0,
        "one": 1,
        "two_whole": 2,
        "cells": THUMBNAIL_PX,
        "cell_column": np.arange(THUMBNAIL_PX)[:, None],
        "three_by_four": [1, 3, 4, 0, 0],
        "from_first": [0],
        "to_fourth": [3],
        "to_fifth": [4],
        "along_outputs": [1],
        "along_inputs": [2],
        "last": [-1],
    }
    for c in range(3):
        bias = guide.matrix_bias[c].astype(np.float64) - guide.thresholds[c]
        knots = len(guide.thresholds[c])
        reals |= {
            f"curve_{c}_matrix": np.tile(guide.matrix[c], (knots, 1)).reshape(knots, 3, 1, 1),
            f"curve_{c}_bias": bias,
            f"curve_{c}_slopes": (guide.slopes[c].astype(np.float64) / 3).reshape(1, knots, 1, 1),
        }
    arrays = {name: np.asarray(value, np.float32) for name, value in reals.items()}
    arrays |= {name: np.asarray(value, np.int64) for name, value in wholes.items()}
    if len(blend) > 1:
        arrays |= {"blend": blend.reshape(-1, 1, 1, 1, 1), "along_styles": np.array([0])}
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]
