"""What every format does alike with a file's EXIF, XMP and colour profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fivefold.photo import exif, ifd, profile
from fivefold.photo.image import FULL_SCALE, Coding, Metadata, Photo
from fivefold.photo.resize import area_average

_THUMBNAIL_SIDE_PX = 160  # EXIF 2.32, 4.8.1 asks for 160 × 120
_THUMBNAIL_QUALITIES = (90, 75, 60, 40)


class Decoded(NamedTuple):
    """What a format's reader found, before it is brought into the one form of :class:`Photo`.

    Attributes:
        pixels: ``(H, W)``, ``(H, W, 2)``, ``(H, W, 3)`` or ``(H, W, 4)``: grey or RGB, as stored,
            the last of an even number of channels being alpha.
        icc_profile: Whatever profile the file holds.
        metadata: As stored.
        coding: How the file codes its pixels.
        notes: What was left out or converted.
    """

    pixels: NDArray[Any]
    icc_profile: bytes | None = None
    metadata: Metadata = Metadata()
    coding: Coding = Coding()
    notes: tuple[str, ...] = ()


def to_photo(decoded: Decoded, file_format: str, orientation: int) -> Photo:
    """Turn what a reader found upright and give it three channels, its profile, its metadata.

    Args:
        decoded: As stored in the file.
        file_format: The name that goes into :attr:`Photo.format`.
        orientation: EXIF orientation of the stored pixels, 1…8.
    """
    stored: NDArray[Any] = decoded.pixels
    if stored.ndim == 2:
        stored = stored[:, :, None]
    is_greyscale = stored.shape[2] < 3
    alpha = stored[:, :, -1] if stored.shape[2] in (2, 4) else None
    colours = stored[:, :, :1] if is_greyscale else stored[:, :, :3]
    colours = exif.upright(colours, orientation)
    if is_greyscale:
        colours = np.repeat(colours, 3, axis=2)
    icc_profile, grey_profile = _profiles(decoded.icc_profile, is_greyscale)
    metadata = decoded.metadata
    height_px, width_px = colours.shape[:2]
    if metadata.exif is not None:
        described = exif.describe_upright(metadata.exif, width_px, height_px)
        metadata = replace(metadata, exif=described)
    if metadata.xmp is not None:
        metadata = replace(metadata, xmp=exif.describe_upright_xmp(metadata.xmp))
    return Photo(
        pixels=colours,
        alpha=None if alpha is None else exif.upright(alpha, orientation),
        icc_profile=icc_profile,
        metadata=metadata,
        is_greyscale=is_greyscale,
        format=file_format,
        grey_icc_profile=grey_profile,
        coding=decoded.coding,
        notes=decoded.notes,
    )


def _profiles(stored: bytes | None, is_greyscale: bool) -> tuple[bytes | None, bytes | None]:
    """The RGB profile of the pixels, and the grey one that it was made from.

    A profile that is damaged, or that describes other pixels than the file's, is what every other
    program ignores; the photo is then untagged.
    """
    if stored is None:
        return None, None
    space = profile.colour_space(stored)
    if space == "GRAY" and is_greyscale:
        as_rgb = profile.rgb_from_grey(stored)
        return as_rgb, stored if as_rgb is not None else None
    return (stored if space == "RGB" else None), None


def stored_channels(photo: Photo, *, with_alpha: bool = True) -> tuple[NDArray[Any], bytes | None]:
    """The array and the profile to store: one or three channels, and alpha where there is one.

    Returns:
        ``(H, W, 1…4)``, contiguous, and the profile that belongs to it. A photo that came as
        greyscale has one channel as long as its three are equal and a profile can say so.
    """
    colours: NDArray[Any] = photo.pixels
    profile_out = photo.icc_profile
    if photo.is_greyscale and is_neutral(colours):
        grey_profile = photo.grey_icc_profile
        if grey_profile is None and photo.icc_profile is not None:
            grey_profile = profile.grey_from_rgb(photo.icc_profile)
        if photo.icc_profile is None or grey_profile is not None:
            colours, profile_out = colours[:, :, :1], grey_profile
    if with_alpha and photo.alpha is not None:
        colours = np.concatenate([colours, photo.alpha[:, :, None]], axis=2)
    return contiguous(colours), profile_out


def contiguous(pixels: NDArray[Any]) -> NDArray[Any]:
    """The array, or a copy, with exactly the strides of its shape.

    NumPy calls an array contiguous whatever the strides of its sides of one pixel; codecs look at
    them all.
    """
    return np.ascontiguousarray(pixels).reshape(-1).reshape(pixels.shape)


def is_neutral(pixels: NDArray[Any]) -> bool:
    """Whether the three channels of ``(H, W, 3)`` are equal everywhere."""
    return all(bool((row[:, :1] == row[:, 1:]).all()) for row in pixels)


def current_exif(photo: Photo) -> bytes | None:
    """The EXIF block of a photo with a thumbnail that shows its present pixels.

    A block without a thumbnail does not get one. The new thumbnail takes the place of the old one
    and is coded to fit there, so that nothing else in the block moves.
    """
    block = photo.metadata.exif
    place = exif.thumbnail_place(block) if block is not None else None
    if block is None or place is None:
        return block
    return exif.replace_thumbnail(block, _thumbnail_jpeg(photo, at_most_bytes=place[1]))


def _thumbnail_jpeg(photo: Photo, at_most_bytes: int) -> bytes | None:
    import simplejpeg

    scale = min(1.0, _THUMBNAIL_SIDE_PX / max(photo.height_px, photo.width_px))
    height_px, width_px = (max(1, round(n * scale)) for n in (photo.height_px, photo.width_px))
    # Averaging every pixel would cost more than the thumbnail is worth: some of them will do.
    step = max(1, int(0.25 / scale))
    reduced = area_average(photo.pixels[::step, ::step], height_px, width_px)
    coded = np.rint(np.clip(reduced, 0, 1) * FULL_SCALE[np.dtype(np.uint8)]).astype(np.uint8)
    for quality in _THUMBNAIL_QUALITIES:
        jpeg: bytes = simplejpeg.encode_jpeg(coded, quality, "RGB", "420")
        if len(jpeg) <= at_most_bytes:
            return jpeg
    return None


def fitting_exif(block: bytes, at_most_bytes: int) -> bytes | None:
    """The block, or what of it fits into a segment: its largest fields are left out first."""
    if len(block) <= at_most_bytes:
        return block
    try:
        layout, directory = ifd.parse(block)
    except ifd.IfdError:
        return None
    if layout.is_big:
        layout = ifd.Layout(layout.byte_order)
    while True:
        rebuilt = ifd.serialise(layout, directory)
        if len(rebuilt) <= at_most_bytes:
            return rebuilt
        fields = [(len(f.data), tag, d) for d in directory.walk() for tag, f in d.fields.items()]
        _, tag, holder = max(fields, key=lambda item: item[0])
        del holder.fields[tag]


def iptc_in_exif(block: bytes | None) -> bytes | None:
    """The IPTC record that EXIF's own field for it (IPTC/NAA, 33723) holds."""
    try:
        _, directory = ifd.parse(block or b"")
    except ifd.IfdError:
        return None
    found = directory.fields.get(exif.IPTC_IN_EXIF)
    return found.data if found is not None else None


def exif_with_iptc(block: bytes | None, iptc: bytes | None) -> bytes | None:
    """An EXIF block that also holds an IPTC record, for formats with no other place for it."""
    if iptc is None or iptc_in_exif(block) == iptc:
        return block
    return ifd.with_field(block or b"", exif.IPTC_IN_EXIF, ifd.Field(ifd.UNDEFINED, iptc))
