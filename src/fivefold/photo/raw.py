"""Camera RAW in, developed by LibRaw (the extra ``raw``) to 16-bit sRGB.

The development is plain on purpose: the camera's white balance, no automatic brightness, the
sRGB curve, highlights clipped at white. That is what the model was trained to start from.

Sources: TIFF/EP (ISO 12234-2) and DNG 1.6 for the families that are TIFF files, the published
descriptions of Canon's CR3 and Fujifilm's RAF for theirs.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from fivefold.errors import MissingExtraError, PhotoReadError, UnsupportedPhotoError
from fivefold.photo import exif, ifd, isobmff
from fivefold.photo.image import Metadata, Photo
from fivefold.photo.jpeg_segments import parse_header
from fivefold.photo.limits import Limits
from fivefold.photo.metadata import Decoded, to_photo
from fivefold.photo.tiff_fields import MAGICS, metadata_of

_RAF = b"FUJIFILMCCD-RAW "
_OTHER_MAGICS = (
    _RAF,
    b"IIRO", b"IIRS", b"MMOR",  # Olympus
    b"IIU\0",  # Panasonic
    b"II\x1a\0\0\0HEAPCCDR",  # Canon CRW
    b"\0MRM",  # Minolta
    b"FOVb",  # Sigma
)  # fmt: skip
_CR3_BRAND = b"crx "
_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")

_PHOTOMETRIC, _SUB_DIRECTORIES, _DNG_VERSION, _BASELINE_EXPOSURE = 262, 330, 50706, 50730
_MOSAIC_OR_LINEAR_RAW = (32803, 34892)
_PANASONIC_JPEG = 46
_BYTES_PER_PIXEL = 6
# Fields of DNG and Panasonic that tell a developer how to read the mosaic, not what it shows.
_DEVELOPMENT_TAGS = frozenset({*range(1, 254), *range(50706, 51200), *range(52525, 52560)})


def is_raw(data: bytes) -> bool:
    """Whether a file is a camera's RAW: by its own magic number, or as a TIFF with a mosaic."""
    if data.startswith(_OTHER_MAGICS) or data[4:12] == b"ftyp" + _CR3_BRAND:
        return True
    if not data.startswith(MAGICS):
        return False
    if data[8:10] == b"CR":  # Canon CR2
        return True
    try:
        layout, first = ifd.parse(data)
    except ifd.IfdError:
        return False
    return _DNG_VERSION in first.fields or any(
        kind in _MOSAIC_OR_LINEAR_RAW
        for directory in _directories(data, layout, first)
        for kind in _values(layout, directory, _PHOTOMETRIC)
    )


def _directories(data: bytes, layout: ifd.Layout, first: ifd.Directory) -> Iterator[ifd.Directory]:
    """The first directory, those that follow it, and the sub-directories of each."""
    seen: set[int] = set()
    page: ifd.Directory | None = first
    while page is not None and len(seen) < 64:
        yield page
        for at in (*_values(layout, page, _SUB_DIRECTORIES), page.next_at):
            following = None
            if at and at not in seen:
                seen.add(at)
                try:
                    following = layout.parse(data, at)
                except ifd.IfdError:
                    continue
                if at != page.next_at:
                    yield following
        page = following


def _values(layout: ifd.Layout, directory: ifd.Directory, tag: int) -> tuple[int, ...]:
    field = directory.fields.get(tag)
    return field.integers(layout.byte_order) if field is not None else ()


def read(data: bytes, limits: Limits) -> Photo:
    """Develop a RAW file; EXIF, XMP and GPS of the camera are kept, its preview is not.

    Raises:
        MissingExtraError: If rawpy is not installed.
        PhotoReadError: If the file is truncated or damaged.
        UnsupportedPhotoError: If LibRaw does not know the camera.
    """
    try:
        import rawpy
    except ImportError as error:
        raise MissingExtraError("camera RAW support", "raw") from error
    metadata, gain = _description(data)
    if _is_cut(data):  # LibRaw would say so on stderr, and develop what is missing as black
        raise PhotoReadError("damaged camera RAW: truncated")
    try:
        with rawpy.RawPy() as negative:
            negative.open_buffer(io.BytesIO(data))
            limits.check(negative.sizes.width, negative.sizes.height, _BYTES_PER_PIXEL)
            negative.unpack()
            pixels = negative.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                bright=gain,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=(2.4, 12.92),
                output_bps=16,
            )
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError) as error:
        raise UnsupportedPhotoError("camera RAW of a kind that LibRaw does not know") from error
    except rawpy.LibRawError as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PhotoReadError(f"damaged camera RAW: {text}") from error
    decoded = Decoded(pixels, metadata=metadata, notes=("developed from camera RAW",))
    return to_photo(decoded, "RAW", orientation=1)


def _is_cut(data: bytes) -> bool:
    """Whether strips or tiles that a RAW of the TIFF family states lie outside of the file."""
    if not data.startswith(MAGICS):
        return False
    layout, first = ifd.parse(data)
    for directory in _directories(data, layout, first):
        for at_tag, length_tag in ((273, 279), (324, 325)):
            places = zip(
                _values(layout, directory, at_tag),
                _values(layout, directory, length_tag),
                strict=False,
            )
            if any(at + length > len(data) for at, length in places):
                return True
    return False


def _description(data: bytes) -> tuple[Metadata, float]:
    """What the camera wrote about the photo, and the gain that a DNG asks for."""
    if data.startswith(_RAF):
        at, length = struct.unpack_from(">II", data, 84)
        return _of_jpeg(data[at : at + length]), 1.0
    if data[4:12] == b"ftyp" + _CR3_BRAND:
        return Metadata(exif=_of_cr3(data)), 1.0
    try:
        layout, first = ifd.parse(data)
    except ifd.IfdError:
        return Metadata(), 1.0
    if data.startswith(b"IIU\0") and _PANASONIC_JPEG in first.fields:
        return _of_jpeg(first.fields[_PANASONIC_JPEG].data), 1.0
    exposure = first.fields.get(_BASELINE_EXPOSURE)
    for tag in _DEVELOPMENT_TAGS & first.fields.keys():
        del first.fields[tag]
    metadata, _ = metadata_of(layout, first)
    gain = 1.0
    if exposure is not None and len(exposure.data) == 8:
        numerator, denominator = struct.unpack(f"{layout.byte_order}2i", exposure.data)
        if denominator and abs(numerator / denominator) <= 4:
            gain = 2.0 ** (numerator / denominator)
    return metadata, gain


def _of_jpeg(preview: bytes) -> Metadata:
    try:
        return parse_header(preview).metadata
    except PhotoReadError:
        return Metadata()


def _of_cr3(data: bytes) -> bytes | None:
    """One EXIF block of the three that a CR3 keeps apart."""
    found: dict[bytes, bytes] = {}
    try:
        moov = next(b for b in isobmff.boxes(data) if b.kind == b"moov")
        canon = next(
            b
            for b in isobmff.boxes(moov.content)
            if b.kind == b"uuid" and b.content.startswith(_CANON_UUID)
        )
        found = {b.kind: b.content for b in isobmff.boxes(canon.content[16:])}
        layout, directory = ifd.parse(found[b"CMT1"])
        for kind, pointer in ((b"CMT2", ifd.EXIF_POINTER), (b"CMT4", ifd.GPS_POINTER)):
            other, child = ifd.parse(found[kind])
            if other == layout:
                directory.children[pointer] = child
    except (StopIteration, KeyError, ValueError):
        return None
    directory.fields.pop(exif.ORIENTATION, None)
    return ifd.serialise(layout, directory)
