"""The paper's eight runs, and which of them a set of photos allows (PAPER section 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from importlib import resources

from fivefold.train.config import TrainConfig

SINGLE = ("expert_a", "expert_b", "expert_c", "expert_d", "expert_e")
"""The enlarged model on one expert each."""

COMBINED = ("combined_lrs", "combined", "combined_small")
"""All experts at once: the proposed model, the same at the fixed rate, and of the original size."""

RUNS = (*COMBINED, *SINGLE)

QUICK_TRAINING_PHOTOS = 100
QUICK_HELD_OUT_PHOTOS = 30


def paper_run(name: str, *, quick: bool = False) -> TrainConfig:
    """The frozen configuration of one of the eight runs.

    Args:
        name: Of :data:`RUNS`.
        quick: Take :data:`QUICK_TRAINING_PHOTOS` photos only, and score
            :data:`QUICK_HELD_OUT_PHOTOS`; nothing else changes.

    Raises:
        ValueError: For another name.
    """
    if name not in RUNS:
        raise ValueError(f"a run must be one of {', '.join(RUNS)}, received {name!r}")
    file = resources.files(__package__).joinpath("configs", f"{name}.toml")
    with resources.as_file(file) as path:
        config = TrainConfig.read(path)
    if not quick:
        return config
    return dataclasses.replace(
        config, training_photos=QUICK_TRAINING_PHOTOS, held_out_photos=QUICK_HELD_OUT_PHOTOS
    )


def experts_of(config: TrainConfig) -> tuple[str, ...]:
    """Whose versions a run learns from."""
    return tuple(target for source in config.sources for target in source.targets)


def impossible_runs(present: Collection[str]) -> dict[str, str]:
    """The runs that need experts whose versions are missing, with the reason.

    Args:
        present: The styles that there are pairs of, ``"expert_a"`` and so on.
    """
    reasons = {}
    for name in RUNS:
        missing = [style for style in experts_of(paper_run(name)) if style not in present]
        if missing:
            letters = ", ".join(style[-1].upper() for style in missing)
            reasons[name] = f"the set has no versions by expert {letters}"
    return reasons
