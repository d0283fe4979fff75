"""Pairs of an input and what somebody made of it, and the batches that training draws from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fivefold.errors import DataError
from fivefold.kernels import thumbnail
from fivefold.photo.files import read_photo

TRUSTED_FROM = 128  # a mask is white where a reconstructed input can be trusted


@dataclass(frozen=True)
class Pair:
    """One input and one retouched version of it.

    Attributes:
        id: The photo; all pairs of one photo share it, and splits go by it.
        input: File of the input.
        target: File of the retouched version, of the same size.
        mask: File that is white where the pair can be trusted; ``None`` means everywhere.
        style: Who made the target.
        kind: How the input came about.
    """

    id: str
    input: Path
    target: Path
    style: str
    kind: str
    mask: Path | None = None


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
    """Pairs, decoded once into memory, with flips and crops that are a function of seed and draw.

    Args:
        pairs: What to draw from. A file named by several pairs is decoded once.
        augment: Flip and crop each draw, both pictures alike.
        smallest_crop: Shortest side of a crop as a part of the photo's, 0…1.
        seed: Of the augmentation.

    Raises:
        DataError: If the two pictures of a pair differ in size.
        PhotoReadError: If a file is missing or damaged.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        augment: bool,
        smallest_crop: float = 0.6,
        seed: int = 0,
    ) -> None:
        self.pairs = list(pairs)
        self.augment = augment
        self.smallest_crop = smallest_crop
        self.seed = seed
        files = sorted(
            {f for p in self.pairs for f in (p.input, p.target, p.mask) if f is not None}
        )
        with ThreadPoolExecutor() as pool:
            self._pixels = dict(zip(files, pool.map(_read_8bit, files), strict=True))
        for pair in self.pairs:
            shapes = {
                self._pixels[f].shape for f in (pair.input, pair.target, pair.mask) if f is not None
            }
            if len(shapes) != 1:
                raise DataError(f"{pair.target}: its size differs from that of {pair.input}")

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, draw: Draw | int) -> Sample:
        if isinstance(draw, int):
            draw = Draw(draw)
        pair = self.pairs[draw.index]
        photo, target = self._pixels[pair.input], self._pixels[pair.target]
        mask = np.full(photo.shape[:2], 255, np.uint8)
        if pair.mask is not None:
            mask = self._pixels[pair.mask][..., 0]
        if self.augment:
            random = np.random.default_rng((self.seed, draw.epoch, draw.index))
            rows, columns = _random_crop(random, photo.shape, self.smallest_crop)
            flip = -1 if random.random() < 0.5 else 1
            photo, target, mask = (a[rows, columns][:, ::flip] for a in (photo, target, mask))
        photo = np.ascontiguousarray(photo)
        return Sample(
            thumbnail=_planes(thumbnail(photo)),
            photo=_planes(photo) / 255,
            target=_planes(target) / 255,
            mask=torch.from_numpy((mask >= TRUSTED_FROM).astype(np.float32)),
            pair=pair,
        )


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


def _planes(pixels: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    """``(H, W, 3)`` to ``(3, H, W)`` float32, values unchanged."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, 2, 0), dtype=np.float32))


def _read_8bit(path: Path) -> NDArray[np.uint8]:
    pixels = read_photo(path).pixels
    if pixels.dtype != np.uint8:
        raise DataError(f"{path}: expected 8 bits a channel, found {pixels.dtype}")
    return pixels.astype(np.uint8, copy=False)
