"""A training run as a frozen value, read from one TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.data.pack import STYLED_TARGETS
from fivefold.data.splits import SPLITS
from fivefold.data.versions import EXPERT_STYLES
from fivefold.errors import DataError

KINDS = ("set", "experts", "finished", "table", "fivek_pairs", "styled")
PARTS = ("low_level", "local_path", "global_path", "fusion", "prediction", "guide", "restraint")
LOSSES = ("mse", "rms")
_TARGETS = {**dict.fromkeys(KINDS, STYLED_TARGETS), "experts": EXPERT_STYLES, "set": ()}


@dataclass(frozen=True)
class Source:
    """Where some of the pairs of a run come from.

    Attributes:
        kind: ``"set"``, any set of photos (see :func:`fivefold.data.sets.open_set`);
            ``"experts"``, a set of which the experts' versions count, but for photos that it keeps
            to judge with (see :func:`fivefold.data.experts.expert_set`); ``"finished"``, a folder
            of finished photos, each epoch with fresh un-retouched looks as inputs (see
            :mod:`fivefold.data.simulate`); ``"table"``, a CSV with a row per pair (see
            :func:`fivefold.data.pack.table_pairs`); or ``"fivek_pairs"`` or ``"styled"``, parts of
            the study pack.
        index: Where it lies, relative to the data folder; needed for a ``table``, and otherwise
            the data folder itself.
        targets: The versions to learn from: labels of ``styled``, ``experts``, or styles of a
            ``set``; by default all.
        repeat: How many times an epoch draws each pair.
        style: The network's style that these pairs teach, one of the run's; by default the one of
            the pairs' own name, or else the first.
    """

    kind: str
    index: str = ""
    targets: tuple[str, ...] = ()
    repeat: int = 1
    style: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, received {self.kind!r}")
        if self.kind == "table" and not self.index:
            raise ValueError("a table needs an index")
        if not self.targets:
            object.__setattr__(self, "targets", _TARGETS[self.kind])
        if self.repeat < 1:
            raise ValueError(f"repeat must be at least 1, received {self.repeat}")

    @staticmethod
    def of(values: dict[str, Any]) -> Source:
        """A source from plain values.

        Raises:
            TypeError: For an unknown key.
            ValueError: For a value that does not fit.
        """
        return Source(**{**values, "targets": tuple(values.get("targets", ()))})


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a run computes, but for the files that it reads.

    Attributes:
        name: Of the run, and of its files.
        preset: Sizes of the network, a key of :data:`fivefold.model.enhancer_net.PRESETS`.
        uniform_knots: The guide's thresholds stay at i/16.
        sources: What it learns from.
        styles: Names of the styles that the network predicts a grid each for; none for a single,
            unnamed one.
        restraint: The network holds its first style back on photos that look finished.
        adaptation: The network judges photos in usual light; its guide must not be learned then.
        white_point: The network leaves white white.
        learning_parts: Parts of the network that learn, such as ``prediction``; all where none is
            named. The others stay as the starting weights have them, their statistics as well.
        held_out_folds: FiveK photos of these folds, 0…4, are never trained on, whatever source
            they are in, and are what is scored.
        held_out_split: Photos of the test part of this published split, and one in five of the
            photos that are not FiveK's, are never trained on; the sources' pairs of them are
            scored. Empty for none.
        training_photos: Train on so many photos only, chosen by their ids; 0 for all.
        held_out_photos: Score so many photos of ``held_out_split`` only; 0 for all.
        epochs: Passes over the pairs.
        batch_size: Photos a step.
        learning_rate: Adam's, in the first epoch.
        final_learning_rate: In the last epoch, reached by exponential decay; equal for a fixed
            rate.
        smallest_crop: Shortest side of a random crop as a part of the photo's.
        loss: ``"mse"``, the paper's mean squared error, or ``"rms"``, the mean over photos of its
            root, for which two photos that are half as wrong are worth one that is right.
        grid_smoothness: Weight of the mean squared difference between neighbouring cells, added
            to the loss. 0 is the paper's.
        average_decay: How much of the averaged weights a step keeps. The average is what is
            scored and saved; 0 saves the last step's weights, as the paper does.
        frozen_statistics: Normalise by the statistics that the starting weights came with, as in
            use, instead of by each batch's. For a run that goes on from other weights: the means
            of a small batch are noise to a network that has to judge how bright one photo is.
        fast_steps: Calculate steps in the order that is fastest, which changes the last bits.
            Earlier published runs do not have the key, and stay as they were.
        seed: Of initialisation, order and augmentation.
    """

    name: str
    sources: tuple[Source, ...]
    preset: str = "paper"
    uniform_knots: bool = False
    styles: tuple[str, ...] = ()
    restraint: bool = False
    adaptation: bool = False
    white_point: bool = False
    learning_parts: tuple[str, ...] = ()
    held_out_folds: tuple[int, ...] = ()
    held_out_split: str = ""
    training_photos: int = 0
    held_out_photos: int = 0
    epochs: int = 10
    batch_size: int = 4
    learning_rate: float = 1e-4
    final_learning_rate: float = 1e-4
    smallest_crop: float = 0.6
    loss: str = "mse"
    grid_smoothness: float = 0.0
    average_decay: float = 0.0
    frozen_statistics: bool = False
    fast_steps: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.held_out_split and self.held_out_split not in SPLITS:
            raise ValueError(
                f"held_out_split must be one of {', '.join(SPLITS)}, "
                f"received {self.held_out_split!r}"
            )
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}, received {self.loss!r}")
        unknown = sorted(set(self.learning_parts) - set(PARTS))
        if unknown:
            raise ValueError(f"learning_parts must be among {', '.join(PARTS)}, received {unknown}")
        if self.adaptation and "guide" in (self.learning_parts or PARTS):
            raise ValueError("with adaptation, learning_parts must be named, without the guide")
        unknown = sorted({source.style for source in self.sources} - {"", *self.styles})
        if unknown:
            known = ", ".join(self.styles) or "the run's styles, of which there are none"
            raise ValueError(f"a source's style must be among {known}; received {unknown}")

    @staticmethod
    def read(path: Path) -> TrainConfig:
        """Read a run from TOML; unknown keys and values that do not fit are refused.

        Raises:
            DataError: If the file is missing, is no TOML, or has keys or values that do not fit.
        """
        try:
            values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: not a TOML file: {error}") from error
        try:
            return TrainConfig.of(values)
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}: {error}") from error

    @staticmethod
    def of(values: dict[str, Any]) -> TrainConfig:
        """A run from plain values, as :func:`dataclasses.asdict`, TOML or JSON give them.

        Raises:
            ValueError: For a missing or unknown key, or a value that does not fit.
        """
        known = {field.name for field in dataclasses.fields(TrainConfig)}
        unknown, missing = sorted(set(values) - known), {"name", "sources"} - set(values)
        if unknown:
            raise ValueError(f"unknown key {', '.join(unknown)}")
        if missing:
            raise ValueError(f"has no {', '.join(sorted(missing))}")
        sources = tuple(Source.of(source) for source in values["sources"])
        lists = ("styles", "learning_parts", "held_out_folds")
        return TrainConfig(
            **{
                **values,
                **{key: tuple(values.get(key, ())) for key in lists},
                "sources": sources,
            }
        )
