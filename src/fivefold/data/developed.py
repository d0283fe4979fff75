"""A developed set: a folder of aligned pictures, and the manifest that tells what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fivefold.data.fivek import INPUT
from fivefold.data.journal import read_journal
from fivefold.data.rendition import Size
from fivefold.errors import DataError

MANIFEST = "manifest.jsonl"
FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """How originals are developed; a folder holds pictures of one kind of settings only.

    Attributes:
        size: Of the pictures.
        bit_depth: 8 or 16.

    Raises:
        ValueError: For another bit depth.
    """

    size: Size = field(default_factory=lambda: Size(long_side_px=720))
    bit_depth: int = 8

    def __post_init__(self) -> None:
        if self.bit_depth not in (8, 16):
            raise ValueError(f"bit_depth must be 8 or 16, received {self.bit_depth}")


@dataclass(frozen=True)
class Picture:
    """One developed picture.

    Attributes:
        path: Relative to the set's folder.
        size_bytes: Of the file.
        sha256: Of the file.
        source: The original, relative to the originals' folder.
        source_bytes: Size of the original.
        source_sha256: Of the original.
        shift_px: Displacement against the input, measured; ``None`` for the input.
        correlation: Of its edges with the input's; ``None`` for the input.
        quarter_turns: By which the original was turned to match, counter-clockwise.
    """

    path: str
    size_bytes: int
    sha256: str
    source: str
    source_bytes: int
    source_sha256: str
    shift_px: float | None = None
    correlation: float | None = None
    quarter_turns: int = 0


@dataclass(frozen=True)
class Developed:
    """What became of one photo.

    Attributes:
        id: The photo.
        width_px: Of all its pictures.
        height_px: Of all its pictures.
        pictures: By role (``"input"`` or an expert's letter).
        left_out: Why, by role; without an input nothing else is kept.
        left_out_bytes: Sizes of the originals that were left out, by role.
    """

    id: str
    width_px: int
    height_px: int
    pictures: dict[str, Picture]
    left_out: dict[str, str]
    left_out_bytes: dict[str, int]


@dataclass(frozen=True)
class DevelopedSet:
    """A folder of developed pictures.

    Attributes:
        folder: Where it lies.
        settings: How it was developed.
        photos: By id, sorted.
    """

    folder: Path
    settings: Settings
    photos: dict[str, Developed]


def folder_of(role: str) -> str:
    """The folder, or the column, that a role's pictures are kept in."""
    return INPUT if role == INPUT else f"expert_{role}"


def is_developed(folder: Path) -> bool:
    """Whether a folder holds a developed set."""
    return (folder / MANIFEST).is_file()


def read_developed(folder: Path) -> DevelopedSet:
    """Read the manifest of a developed set.

    Raises:
        DataError: If there is none, it is damaged, or a newer version wrote it.
    """
    path = folder / MANIFEST
    entries = read_journal(path)
    if not entries:
        raise DataError(f"{path}: no such manifest; {folder} is no developed set")
    if entries[0].get("format") != FORMAT:
        raise DataError(f"{path}: is of format {entries[0].get('format')}, not {FORMAT}")
    try:
        settings = entries[0]["settings"]
        settings = Settings(size=Size(**settings["size"]), bit_depth=settings["bit_depth"])
        photos = {entry["id"]: _from_json(entry) for entry in entries[1:]}
    except (TypeError, LookupError, AttributeError, ValueError) as error:
        raise DataError(f"{path}: is damaged") from error
    return DevelopedSet(folder, settings, {key: photos[key] for key in sorted(photos)})


def head_entry(settings: Settings) -> dict[str, Any]:
    """The first entry of a manifest."""
    return {"format": FORMAT, "settings": asdict(settings)}


def photo_entry(photo: Developed) -> dict[str, Any]:
    """The entry of a photo; the last one of an id counts."""
    return asdict(photo)


def _from_json(entry: dict[str, Any]) -> Developed:
    pictures = {role: Picture(**picture) for role, picture in entry["pictures"].items()}
    return Developed(**(entry | {"pictures": pictures}))


def still_holds(
    photo: Developed, originals: Mapping[str, Path], folder: Path, *, verify: bool = False
) -> bool:
    """Whether a photo need not be developed again.

    Args:
        photo: What became of it.
        originals: Its originals now, by role.
        folder: The set's folder.
        verify: Compare the hashes of the pictures, not only their sizes.

    Returns:
        False when an original came, went or changed its size, or a picture is not as recorded.
    """
    recorded = {role: picture.source_bytes for role, picture in photo.pictures.items()}
    if recorded | photo.left_out_bytes != original_sizes(originals):
        return False
    return all(is_intact(picture, folder, verify=verify) for picture in photo.pictures.values())


def original_sizes(originals: Mapping[str, Path]) -> dict[str, int]:
    """The sizes in bytes of those originals that are there, by role."""
    return {role: path.stat().st_size for role, path in originals.items() if path.exists()}


def is_intact(picture: Picture, folder: Path, *, verify: bool = False) -> bool:
    """Whether a picture's file is there with its recorded size and, to verify, its hash."""
    path = folder / picture.path
    if not path.is_file() or path.stat().st_size != picture.size_bytes:
        return False
    return not verify or hashlib.sha256(path.read_bytes()).hexdigest() == picture.sha256
