"""Adam, and the network laid out for it: a step's formulas, in the order that runs fastest."""

from __future__ import annotations

from typing import Any

import torch

from fivefold.model.enhancer_net import EnhancerNet


def make_steps_fast(net: EnhancerNet) -> EnhancerNet:
    """The same network with its convolutions' weights channels last, as fast convolutions want."""
    # PyTorch declares this argument of Module.to() for tensors only.
    options: dict[str, Any] = {"memory_format": torch.channels_last}
    return net.to(**options)


def adam(net: EnhancerNet, learning_rate: float, *, fast: bool) -> torch.optim.Adam:
    """Adam over everything that learns (PAPER section 3).

    Args:
        net: On the device where it will be trained.
        learning_rate: Of the first step.
        fast: Update all parameters in one operation; results differ in the last bits.
    """
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    return torch.optim.Adam(learning, lr=learning_rate, fused=fast or None)
