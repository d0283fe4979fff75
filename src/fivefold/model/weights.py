"""Trained weights on disk: safetensors, with the sizes of the network beside the numbers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from fivefold.errors import DataError
from fivefold.model.enhancer_net import EnhancerNet, EnhancerNetConfig
from fivefold.photo.atomic import write_atomically

FOLDED = "normalisation_is_folded"
"""The fact of weights whose normalisations have nothing left to do; a JSON value."""


def save_weights(net: EnhancerNet, path: Path, facts: dict[str, str] | None = None) -> None:
    """Write a network's weights and sizes, whole or not at all.

    Args:
        net: The network.
        path: The ``.safetensors`` file.
        facts: More about the training, as strings.
    """
    metadata = {"config": json.dumps(dataclasses.asdict(net.config)), **(facts or {})}
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    write_atomically(path, [save(state, metadata=metadata)])


def load_weights(path: Path) -> tuple[EnhancerNet, dict[str, str]]:
    """Read a network written by :func:`save_weights`, ready to enhance.

    Returns:
        The network in evaluation mode, and the facts saved with it.

    Raises:
        DataError: If the file is missing, damaged, or holds another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        sizes: dict[str, Any] = json.loads(facts.pop("config"))
        sizes = {key: tuple(v) if isinstance(v, list) else v for key, v in sizes.items()}
        config = EnhancerNetConfig(**sizes)
        net = EnhancerNet(config)
        net.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: not usable as weights: {reason}") from error
    return net.eval(), facts
