"""Where a run stands, on disk: weights and optimiser as safetensors, the rest as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fivefold.errors import TrainingError


def save_checkpoint(
    folder: Path,
    nets: Mapping[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    facts: dict[str, Any],
) -> None:
    """Write ``state.safetensors`` (with the facts inside) whole, replacing the last one."""
    tensors = {
        f"{key}/{name}": value.clone()  # nets that stand still may share their numbers
        for key, net in nets.items()
        for name, value in net.state_dict().items()
    }
    for index, state in optimiser.state_dict()["state"].items():
        tensors.update({f"optimiser/{index}/{name}": value for name, value in state.items()})
    temporary = folder / "state.safetensors.part"
    tensors["random/torch"] = torch.get_rng_state()
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(contiguous, temporary, metadata={"facts": json.dumps(facts)})
    temporary.replace(folder / "state.safetensors")


def load_checkpoint(
    folder: Path, nets: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Put a run back where :func:`save_checkpoint` left it.

    Returns:
        The facts, or ``None`` where there is no checkpoint yet.

    Raises:
        TrainingError: If the checkpoint is damaged or belongs to another network.
    """
    path = folder / "state.safetensors"
    if not path.exists():
        return None
    try:
        tensors = load_file(path)
        facts: dict[str, Any] = json.loads(_header(path)["__metadata__"]["facts"])
        for key, net in nets.items():
            net.load_state_dict(_under(tensors, f"{key}/"))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, "optimiser/").items():
            index, key = name.split("/", 1)
            state.setdefault(int(index), {})[key] = value
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
        _lay_out_as_parameters(optimiser)
        torch.set_rng_state(tensors["random/torch"])
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"{path}: cannot resume from it: {reason}") from error
    return facts


def _lay_out_as_parameters(optimiser: torch.optim.Optimizer) -> None:
    """Give what the optimiser keeps for a parameter that one's order in memory.

    Files have one order. Another one than the parameter's would be slow, and its arithmetic not
    that of a run that was never stopped.
    """
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
    return header
