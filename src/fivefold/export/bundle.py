"""Trained weights to one verified bundle that enhances photos without torch."""

from __future__ import annotations

import contextlib
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fivefold.errors import TrainingError
from fivefold.model.enhancer_net import THUMBNAIL_SIZE_PX, EnhancerNet
from fivefold.model.weights import load_weights
from fivefold.runtime.bundle import write_bundle

LARGEST_DIFFERENCE = 1e-4
"""How far a coefficient may differ between the network in torch and the exported one."""


class _Prediction(torch.nn.Module):
    """The half of the system that runs at low resolution; the rest is the kernels' work."""

    def __init__(self, net: EnhancerNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, thumbnail: torch.Tensor) -> torch.Tensor:
        return self.net.predict(thumbnail)


def network_to_onnx(net: EnhancerNet) -> bytes:
    """The prediction as an ONNX model, normalisation folded into the convolutions.

    Args:
        net: The network; only ``predict`` is exported.

    Returns:
        A model with the input ``thumbnail`` ``(1, 3, 256, 256)`` and the output ``grid``
        ``(styles, 12, depth, 16, 16)``, both float32.
    """
    example = torch.zeros(1, 3, THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX)
    with warnings.catch_warnings(), _quiet("torch.onnx", "onnxscript"):
        warnings.simplefilter("ignore")  # the exporter's own deprecations, nothing about the model
        program = torch.onnx.export(
            _Prediction(net).eval(),
            (example,),
            dynamo=True,
            input_names=["thumbnail"],
            output_names=["grid"],
            opset_version=18,
            verbose=False,
        )
        assert program is not None
    model = program.model_proto
    for node in model.graph.node:  # of each, the lines and files of the program that made it
        del node.metadata_props[:]
    exported: bytes = model.SerializeToString()
    return exported


def export_bundle(
    weights: Path, target: Path, *, name: str, preset: str, licence: str, card: str
) -> dict[str, Any]:
    """Write a bundle from a run's weights, after comparing both networks on random thumbnails.

    Args:
        weights: ``weights.safetensors`` of a run.
        target: The ``.fivefold`` file; replaced whole.
        name: What users call the bundle.
        preset: The network's configuration.
        licence: What the weights may be used for, one line.
        card: The model card, Markdown.

    Returns:
        The training facts that went into the manifest.

    Raises:
        DataError: If the weights cannot be read.
        TrainingError: If the exported network computes something else.
    """
    net, facts = load_weights(weights)
    network = network_to_onnx(net)
    difference = largest_difference(net, network)
    if not difference <= LARGEST_DIFFERENCE:
        raise TrainingError(
            f"{weights}: the exported network differs by {difference:.2g}, more than "
            f"{LARGEST_DIFFERENCE:g}"
        )
    training = {key: json.loads(value) for key, value in facts.items()}
    write_bundle(
        target,
        name=name,
        preset=preset,
        licence=licence,
        network=network,
        guide=net.guide.as_plain(),
        card=card,
        styles=net.config.styles,
        training=training,
    )
    return training


def largest_difference(net: EnhancerNet, network: bytes, *, draws: int = 4) -> float:
    """The largest difference of any coefficient between torch and ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    largest = 0.0
    for _ in range(draws):
        thumbnail = random.random((1, 3, THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX), dtype=np.float32)
        with torch.no_grad():
            expected = net.predict(torch.from_numpy(thumbnail)).numpy()
        (received,) = session.run(["grid"], {"thumbnail": thumbnail})
        largest = max(largest, float(np.abs(received - expected).max()))
    return largest


@contextlib.contextmanager
def _quiet(*loggers: str) -> Iterator[None]:
    """Only errors of the named loggers are heard meanwhile."""
    before = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
