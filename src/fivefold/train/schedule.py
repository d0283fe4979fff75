"""The learning rate, epoch by epoch: the paper's third change."""

from __future__ import annotations


def learning_rate(epoch: int, *, epochs: int, first: float, last: float) -> float:
    """Exponential decay from ``first`` in epoch 0 to ``last`` in the final epoch (PAPER section 3).

    Args:
        epoch: Counted from 0.
        epochs: Of the whole run.
        first: The rate of epoch 0.
        last: The rate of epoch ``epochs - 1``; equal to ``first`` for the fixed rate.
    """
    if not 0 <= epoch < epochs:
        raise ValueError(f"epoch must be 0…{epochs - 1}, received {epoch}")
    if epochs == 1:
        return first
    return float(first * (last / first) ** (epoch / (epochs - 1)))
