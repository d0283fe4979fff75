"""A photo of a set: its input, and what retouchers made of it, wherever the bytes lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from fivefold.data.fivek import EXPERTS
from fivefold.data.pair import Pair
from fivefold.errors import PhotoReadError
from fivefold.photo.files import read_photo
from fivefold.photo.image import Photo

EXPERT_STYLES = tuple(f"expert_{letter}" for letter in EXPERTS)


@runtime_checkable
class Encoded(Protocol):
    """An encoded picture: a :class:`pathlib.Path`, or a cell of a Parquet file."""

    def read_bytes(self) -> bytes:
        """The bytes of the picture's file."""
        ...


@dataclass(frozen=True)
class PhotoVersions:
    """A photo of a set.

    Attributes:
        id: All versions and all renditions of one photo share it, and splits go by it.
        input: The picture to retouch.
        targets: What was made of it, by style (``"expert_a"`` … ``"expert_e"``, or another name).
        rendition: How the input came about.
        mask: White where input and targets can be trusted; ``None`` means everywhere.
    """

    id: str
    input: Encoded
    targets: Mapping[str, Encoded] = field(default_factory=dict)
    rendition: str = ""
    mask: Encoded | None = None


def decode(picture: Encoded) -> Photo:
    """Decode a picture of a set.

    Raises:
        PhotoReadError: If it is missing or damaged.
        UnsupportedPhotoError: If it is a picture of a kind that is not handled.
    """
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise PhotoReadError(f"{picture}: {error.strerror or error}") from error
    return read_photo(content, name=str(picture), threads=1)


def styles_of(photos: Sequence[PhotoVersions]) -> list[str]:
    """The styles that occur in a set, the experts first."""
    found = {style for photo in photos for style in photo.targets}
    return [s for s in EXPERT_STYLES if s in found] + sorted(found - set(EXPERT_STYLES))


def share(
    photos: Sequence[PhotoVersions],
    *,
    rank: int = 0,
    world_size: int = 1,
    seed: int | None = None,
    epoch: int = 0,
) -> Iterator[PhotoVersions]:
    """This process's share of a set, for one epoch.

    All processes together see every photo once, but for at most ``world_size - 1`` that are left
    out so that each gets equally many. Which photo goes where is a function of the arguments alone.

    Args:
        photos: The whole set, the same in every process.
        rank: Of this process or worker, 0…``world_size`` - 1.
        world_size: Processes (times workers) in all.
        seed: Of the order; without it photos come in the set's order.
        epoch: Each has an order of its own.

    Raises:
        ValueError: For a rank outside of the world.
    """
    if not 0 <= rank < world_size:
        raise ValueError(f"rank must be 0 to {world_size - 1}, received {rank}")
    order = np.arange(len(photos))
    if seed is not None:
        order = np.random.default_rng((seed, epoch)).permutation(order)
    fair = len(photos) // world_size * world_size
    for index in order[:fair][rank::world_size]:
        yield photos[index]


def to_pairs(photos: Sequence[PhotoVersions], styles: Sequence[str] | None = None) -> list[Pair]:
    """Each photo with each of the asked-for versions that it has, as training draws them.

    Args:
        photos: A set.
        styles: Which; all without it.

    Raises:
        ValueError: If no photo has such a style.
    """
    unknown = sorted(set(styles or ()) - set(styles_of(photos)))
    if unknown:
        raise ValueError(f"styles must be among {styles_of(photos)}, received {unknown}")
    return [
        Pair(
            id=photo.id,
            input=photo.input,
            target=target,
            style=style,
            kind=photo.rendition,
            mask=photo.mask,
        )
        for photo in photos
        for style, target in photo.targets.items()
        if styles is None or style in styles
    ]
