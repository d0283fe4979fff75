"""What training sees of pairs: flipped, cropped and reduced tensors, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fivefold.data.pair import Pair
from fivefold.data.pictures import KEEP_BYTES, Codes, Pictures
from fivefold.data.simulate import Looks, apply_look
from fivefold.errors import DataError
from fivefold.kernels import thumbnail
from fivefold.photo.image import FULL_SCALE


@dataclass(frozen=True)
class Sample:
    """One pair as training sees it.

    Attributes:
        thumbnail: Ĩ, ``(3, 256, 256)`` sRGB in 0…1.
        photo: φ, ``(3, H, W)`` sRGB in 0…1.
        target: The retouched version, ``(3, H, W)`` sRGB in 0…1.
        mask: ``(H, W)``, 1 where the pair counts and 0 elsewhere.
        pair: Where it came from.
    """

    thumbnail: Tensor
    photo: Tensor
    target: Tensor
    mask: Tensor
    pair: Pair


@dataclass(frozen=True)
class Draw:
    """Which pair, and in which epoch: with the seed, all that a draw depends on."""

    index: int
    epoch: int = 0


class PairSet(Dataset[Sample]):
    """Pairs, with flips, crops and looks that are a function of seed and draw.

    Args:
        pairs: What to draw from.
        augment: Flip and crop each draw, both pictures alike.
        smallest_crop: Shortest side of a crop as a part of the photo's, 0…1.
        seed: Of the augmentation, and of the looks.
        keep_bytes: Pictures that need more memory than this are decoded anew for each draw.

    Raises:
        DataError: If the two pictures of a pair differ in size.
        PhotoReadError: If a picture is missing or damaged. Both come when a pair is drawn where
            pictures are not kept.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        augment: bool,
        smallest_crop: float = 0.6,
        seed: int = 0,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self.pairs = list(pairs)
        self.augment = augment
        self.smallest_crop = smallest_crop
        self.seed = seed
        self._pictures = Pictures((f for p in self.pairs for f in p.pictures), keep_bytes)
        if self._pictures.are_kept:
            for pair in self.pairs:
                self._decoded(pair)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, draw: Draw | int) -> Sample:
        if isinstance(draw, int):
            draw = Draw(draw)
        pair = self.pairs[draw.index]
        target, *others = self._decoded(pair)
        if pair.looks is None:
            photo, *others = others
        else:
            photo = _undone(target, pair.looks, (self.seed, pair.id, draw.epoch))
        mask = others[0][..., 0] if others else np.full(photo.shape[:2], 255, np.uint8)
        if self.augment:
            random = np.random.default_rng((self.seed, draw.epoch, draw.index))
            rows, columns = _random_crop(random, photo.shape, self.smallest_crop)
            flip = -1 if random.random() < 0.5 else 1
            photo = photo[rows, columns][:, ::flip]
            target = target[rows, columns][:, ::flip]
            mask = mask[rows, columns][:, ::flip]
        return Sample(
            thumbnail=_planes(thumbnail(photo.copy())),
            photo=_planes(photo) / FULL_SCALE[photo.dtype],
            target=_planes(target) / FULL_SCALE[target.dtype],
            mask=torch.from_numpy((mask > FULL_SCALE[mask.dtype] / 2).astype(np.float32)),
            pair=pair,
        )

    def _decoded(self, pair: Pair) -> list[Codes]:
        decoded = [self._pictures[picture] for picture in pair.pictures]
        if len({codes.shape for codes in decoded}) != 1:
            raise DataError(f"{pair.target}: its size differs from that of {pair.input}")
        return decoded


def batches_of(
    drawn: PairSet, draws: Sequence[Sequence[Draw]], *, workers: int = 0
) -> Iterator[list[Sample]]:
    """The samples of each batch, in order, prepared by worker processes where asked for."""
    yield from DataLoader(
        drawn,
        batch_sampler=draws,  # type: ignore[arg-type]  # any iterable of lists of keys will do
        collate_fn=list,
        num_workers=workers,
    )


def _random_crop(
    random: np.random.Generator, shape: tuple[int, ...], smallest: float
) -> tuple[slice, slice]:
    """A rectangle whose sides are each ``smallest``…1 of the photo's, anywhere in it."""
    slices = []
    for size in shape[:2]:
        length = max(1, round(size * random.uniform(smallest, 1.0)))
        start = int(random.integers(0, size - length + 1))
        slices.append(slice(start, start + length))
    return slices[0], slices[1]


def _undone(target: Codes, looks: Looks, draw: tuple[int, str, int]) -> Codes:
    """The input that a look makes of a finished photo, in 8 bits as most inputs are."""
    srgb = (target / FULL_SCALE[target.dtype]).astype(np.float32)
    return np.rint(apply_look(srgb, looks.draw(*draw)) * 255).astype(np.uint8)


def _planes(pixels: Codes | NDArray[np.float32]) -> Tensor:
    """``(H, W, 3)`` to ``(3, H, W)`` float32, values unchanged."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, 2, 0), dtype=np.float32))
