"""A training run as a frozen value, read from one TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.data.pack import STYLED_TARGETS
from fivefold.errors import DataError


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run computes.

    Attributes:
        name: Of the run, and of its files.
        preset: Sizes of the network, a key of :data:`fivefold.model.enhancer_net.PRESETS`.
        uniform_knots: The guide's thresholds stay at i/16.
        styled_targets: Labels of the styled set to learn from.
        styled_repeat: How many times an epoch draws each styled pair.
        fivek_repeat: How many times an epoch draws each real FiveK pair; 0 leaves them out.
        held_out_fold: Photos of this fold are never trained on; scores are taken on them.
            ``None`` trains on everything.
        epochs: Passes over the pairs.
        batch_size: Photos a step.
        learning_rate: Adam's, in the first epoch.
        final_learning_rate: In the last epoch, reached by exponential decay; equal for a
            fixed rate.
        smallest_crop: Shortest side of a random crop as a part of the photo's.
        seed: Of initialisation, order and augmentation.
    """

    name: str
    preset: str = "paper"
    uniform_knots: bool = False
    styled_targets: tuple[str, ...] = STYLED_TARGETS
    styled_repeat: int = 1
    fivek_repeat: int = 1
    held_out_fold: int | None = 0
    epochs: int = 10
    batch_size: int = 4
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-4
    smallest_crop: float = 0.6
    seed: int = 0

    @staticmethod
    def read(path: Path) -> TrainConfig:
        """Read a run from TOML; unknown keys and wrong types are refused.

        Raises:
            DataError: If the file is missing, is no TOML, or has keys or values that do not fit.
        """
        try:
            values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not a TOML file: {error}") from error
        known = {field.name for field in dataclasses.fields(TrainConfig)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise DataError(f"{path}: unknown key {', '.join(unknown)}")
        if "name" not in values:
            raise DataError(f"{path}: has no name")
        if "styled_targets" in values:
            values["styled_targets"] = tuple(values["styled_targets"])
        if values.get("held_out_fold") == "none":
            values["held_out_fold"] = None
        return TrainConfig(**values)
