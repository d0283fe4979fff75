"""The front door: whatever a set of photos lies in, it is opened here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fivefold.data.addresses import is_remote
from fivefold.data.alignment import Alignment, alignment
from fivefold.data.developed import is_developed, read_developed
from fivefold.data.encoded import decode
from fivefold.data.fivek import INPUT
from fivefold.data.folders import find_before_after, find_renditions, match_folders
from fivefold.data.parquet import is_parquet_set, read_parquet
from fivefold.data.simulated import PAIRS
from fivefold.data.versions import PhotoVersions
from fivefold.errors import DataError, PhotoError
from fivefold.photo.image import FULL_SCALE, Photo
from fivefold.photo.model_space import to_srgb

if TYPE_CHECKING:
    from fivefold.data.pair import Pair

TARGET = "target"


@dataclass(frozen=True)
class PhotoSet:
    """An opened set.

    Attributes:
        path: Where it lies.
        kind: What it was taken for, in words.
        photos: Its photos.
        remarks: A line for each thing that was left out, and why.
    """

    path: Path
    kind: str
    photos: list[PhotoVersions]
    remarks: list[str]

    def only(
        self, *, ids: Collection[str] | None = None, styles: Sequence[str] | None = None
    ) -> PhotoSet:
        """The part of the set with these ids, and with at least one of these styles.

        Raises:
            DataError: If nothing is left.
        """
        photos = [photo for photo in self.photos if ids is None or photo.id in ids]
        if styles is not None:
            kept = (
                replace(p, targets={s: t for s, t in p.targets.items() if s in styles})
                for p in photos
            )
            photos = [photo for photo in kept if photo.targets]
        if not photos:
            raise DataError(f"{self.path}: no photo of the set is among those asked for")
        return replace(self, photos=photos)


def open_set(path: Path) -> PhotoSet:
    """Open a set of photos, of any kind that is known.

    - a Parquet set (:mod:`fivefold.data.parquet`)
    - a developed set (:mod:`fivefold.data.develop`)
    - a study pack (:mod:`fivefold.data.pack`)
    - a CSV with the columns ``photo``, ``input`` and ``label``, or a folder with such a
      ``pairs.csv``, as :mod:`fivefold.data.simulated` makes it
    - an ``input`` folder with folders of experts, in the spellings of
      :func:`fivefold.data.folders.role_of`, all pictures of a photo of one size
    - two folders of pictures before and after

    Raises:
        DataError: If it is none of these, or damaged, or holds no photo.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder")
    photo_set = _open(path)
    if not photo_set.photos:
        remark = f" ({photo_set.remarks[0]})" if photo_set.remarks else ""
        raise DataError(f"{path}: is {photo_set.kind} without a single photo{remark}")
    return photo_set


def _open(path: Path) -> PhotoSet:
    if is_parquet_set(path):
        return PhotoSet(path, "a Parquet set", read_parquet(path), [])
    if is_remote(path):
        raise DataError(f"{path}: is no Parquet set, and other sets are read from local disks only")
    if is_developed(path):
        return _developed(path)
    if path.is_file():
        return _table(path)
    if (path / PAIRS).is_file():
        return _table(path / PAIRS)
    if any((path / index).is_file() for index in ("fivek_pairs/pairs.csv", "styled/styled.csv")):
        return _pack(path)
    found = find_renditions(path)
    if any(INPUT in roles and len(roles) > 1 for roles in found.photos.values()):
        return _experts(path)
    before, after = find_before_after(path)
    return open_before_after(before, after)


def open_before_after(before: Path, after: Path, style: str = TARGET) -> PhotoSet:
    """A set of two folders, matched by the names of their pictures.

    Args:
        before: The inputs.
        after: What was made of them.
        style: What to call the latter.

    Raises:
        DataError: If a folder is missing.
    """
    matching = match_folders(before, after)
    photos = [
        PhotoVersions(id=name, input=first, targets={style: second}, rendition=before.name)
        for name, (first, second) in matching.pairs.items()
    ]
    remarks = [f"{path}: has no partner" for path in matching.unmatched]
    return PhotoSet(
        before.parent, "two folders, before and after", photos, matching.ambiguous + remarks
    )


def _developed(path: Path) -> PhotoSet:
    developed = read_developed(path)
    photos: list[PhotoVersions] = []
    remarks: list[str] = []
    for photo in developed.photos.values():
        remarks.extend(f"{photo.id}: {reason}" for reason in photo.left_out.values())
        files = {role: path / picture.path for role, picture in photo.pictures.items()}
        if INPUT in files:
            own = files.pop(INPUT)
            targets = {f"expert_{role}": file for role, file in files.items()}
            photos.append(PhotoVersions(photo.id, own, targets, "developed"))
    return PhotoSet(path, "a developed set", photos, remarks)


def _experts(path: Path) -> PhotoSet:
    found = find_renditions(path)
    photos = [
        PhotoVersions(
            id=photo_id,
            input=roles[INPUT],
            targets={f"expert_{r}": f for r, f in sorted(roles.items()) if r != INPUT},
            rendition="exported",
        )
        for photo_id, roles in found.photos.items()
        if INPUT in roles
    ]
    remarks = [
        *found.ambiguous,
        *(f"{photo_id}: has no input" for photo_id in found.without_input()),
        *(f"{file}: lies in no folder of an expert or of inputs" for file in found.unplaced),
    ]
    return PhotoSet(path, "an input folder with folders of experts", photos, remarks)


def _table(path: Path) -> PhotoSet:
    from fivefold.data.pack import table_pairs

    return PhotoSet(path, "a table of pairs", _grouped(table_pairs(path)), [])


def _pack(path: Path) -> PhotoSet:
    from fivefold.data.pack import fivek_pairs, styled_pairs

    pairs: list[Pair] = []
    if (path / "fivek_pairs/pairs.csv").is_file():
        pairs += fivek_pairs(path)
    if (path / "styled/styled.csv").is_file():
        pairs += styled_pairs(path)
    return PhotoSet(path, "a study pack", _grouped(pairs), [])


def _grouped(pairs: Iterable[Pair]) -> list[PhotoVersions]:
    """Pairs of one input together, as versions of one photo."""
    photos: dict[object, PhotoVersions] = {}
    for pair in pairs:
        photo = photos.get(pair.input)
        if photo is None:
            photo = PhotoVersions(pair.id, pair.input, {}, pair.kind, pair.mask)
        photos[pair.input] = replace(photo, targets={**photo.targets, pair.style: pair.target})
    return list(photos.values())


def check_photo(photo: PhotoVersions) -> list[str]:
    """Read all pictures of a photo; a line for each that cannot be trained on, and why.

    A picture that is damaged, of another size than the input, or does not lie on it.
    """
    try:
        own = decode(photo.input)
    except (PhotoError, DataError) as error:
        return [str(error)]
    problems = []
    for picture in [*photo.targets.values(), *([photo.mask] if photo.mask else [])]:
        try:
            other = decode(picture)
        except (PhotoError, DataError) as error:
            problems.append(str(error))
            continue
        if other.pixels.shape != own.pixels.shape:
            sizes = [f"{p.width_px}×{p.height_px}" for p in (other, own)]
            problems.append(f"{picture}: is {sizes[0]}, its input {sizes[1]}")
        elif picture is not photo.mask:
            measured: Alignment = alignment(_srgb(own), _srgb(other))
            if not measured.is_good:
                problems.append(f"{picture}: does not lie on its input: {measured}")
    return problems


def _srgb(photo: Photo) -> NDArray[np.float32]:
    coded = (photo.pixels / FULL_SCALE[photo.pixels.dtype]).astype(np.float32)
    return to_srgb(coded, photo.icc_profile)
