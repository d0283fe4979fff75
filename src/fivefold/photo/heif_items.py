"""What AVIF and HEIF share: the items and properties around a picture.

Source: ISO/IEC 23008-12 sections 6.5 (properties) and annex A (EXIF and XMP items).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fivefold.errors import PhotoReadError
from fivefold.photo import cicp, isobmff
from fivefold.photo.image import Metadata
from fivefold.photo.metadata import iptc_in_exif

_XMP_TYPE = b"application/rdf+xml"
_GAIN_MAPS = (b"tmap",)
_GAIN_MAP_TYPES = (b"urn:com:apple:photo:2020:aux:hdrgainmap",)


def size(picture: isobmff.Item) -> tuple[int, int]:
    """Width and height of the stored picture.

    Raises:
        PhotoReadError: If they are not stated.
    """
    extent = picture.property_of(b"ispe")
    if extent is None or len(extent) < 12:
        raise PhotoReadError("damaged: it states no size")
    width_px, height_px = struct.unpack_from(">II", extent, 4)
    return width_px, height_px


def colour_profile(collection: isobmff.Collection) -> bytes | None:
    """The picture's profile, stored or meant by code points; ``None`` for sRGB.

    A picture made of tiles may leave the statement to them, as those of iPhones do.

    Raises:
        UnsupportedPhotoError: For HDR curves.
    """
    tiles = [
        target
        for kind, source, targets in collection.references
        if kind == b"dimg" and source == collection.primary
        for target in targets[:1]
    ]
    for number in (collection.primary, *tiles):
        item = collection.items.get(number)
        stated = [c for kind, c in item.properties if kind == b"colr"] if item else []
        for content in stated:
            if content[:4] in (b"prof", b"rICC"):
                return content[4:]
        for content in stated:
            if content[:4] == b"nclx" and len(content) >= 8:
                return cicp.profile_of(*struct.unpack_from(">HH", content, 4))
    return None


def metadata(data: bytes, collection: isobmff.Collection) -> Metadata:
    """EXIF, XMP, and the IPTC record inside EXIF."""
    exif_block = xmp = None
    for item in collection.describing():
        content = isobmff.item_data(data, item)
        if item.kind == b"Exif" and exif_block is None and len(content) > 4:
            (skip,) = struct.unpack_from(">I", content)
            exif_block = content[4 + skip :] or None
        elif item.kind == b"mime" and item.content_type == _XMP_TYPE and xmp is None:
            xmp = content or None
    return Metadata(exif_block, xmp, iptc_in_exif(exif_block))


def turned(pixels: NDArray[Any], picture: isobmff.Item) -> NDArray[Any]:
    """The pixels after the picture's rotations and mirrorings, in their order (6.5.10, 6.5.12).

    These alone turn a picture of this family; the orientation in its EXIF block is to be ignored.
    """
    for kind, content in picture.properties:
        if kind == b"irot" and content:
            pixels = np.rot90(pixels, content[0] & 3)
        elif kind == b"imir" and content:
            pixels = pixels[:, ::-1] if content[0] & 1 else pixels[::-1]
    return pixels


def notes(collection: isobmff.Collection) -> tuple[str, ...]:
    """What is left out of the file's other items."""
    kinds = {item.kind for item in collection.items.values()}
    auxiliary = [
        item.property_of(b"auxC") or b""
        for number, item in collection.items.items()
        if any(kind == b"auxl" and source == number for kind, source, _ in collection.references)
    ]
    found = []
    if kinds & set(_GAIN_MAPS) or any(t in a for a in auxiliary for t in _GAIN_MAP_TYPES):
        found.append("HDR gain map left out")
    if any(b"depth" in a for a in auxiliary):
        found.append("depth map left out")
    return tuple(found)


def with_metadata(
    data: bytes, exif_block: bytes | None, xmp: bytes | None, icc_profile: bytes | None
) -> list[bytes]:
    """A file with more items and a profile, in parts.

    Args:
        data: A file as libavif writes it: an ``ftyp``, a ``meta`` and an ``mdat`` box, locations of
            version 0 with offsets and lengths of four bytes.
        exif_block: As :class:`~fivefold.photo.image.Metadata` holds it.
        xmp: The packet.
        icc_profile: It replaces the code points, which then only name the matrix.
    """
    added: list[tuple[isobmff.Item, bytes]] = []
    if exif_block is not None:
        added.append((isobmff.Item(b"Exif"), b"\0\0\0\0" + exif_block))
    if xmp is not None:
        added.append((isobmff.Item(b"mime", _XMP_TYPE), xmp))
    if not added and icc_profile is None:
        return [data]
    top = list(isobmff.boxes(data))
    meta = next(b for b in top if b.kind == b"meta")
    collection = isobmff.parse(data)
    first_id = max(collection.items) + 1
    parts = list(isobmff.boxes(meta.content[4:]))

    def rebuilt(offset: int) -> bytes:
        """The meta box, if all that stands behind it moves by ``offset`` bytes."""
        content = meta.content[:4]
        has_references = any(p.kind == b"iref" for p in parts)
        for part in parts:
            body = part.content
            if part.kind == b"iinf":
                body = _more_infos(body, first_id, [item for item, _ in added])
            elif part.kind == b"iloc":
                lengths = [len(content) for _, content in added]
                body = _more_locations(body, offset, first_id, len(data) + 8, lengths)
            elif part.kind == b"iref":
                body += _references(first_id, len(added), collection.primary)
            elif part.kind == b"iprp" and icc_profile is not None:
                body = _more_properties(body, collection.primary, icc_profile)
            content += isobmff.box(part.kind, body)
        if not has_references and added:
            references = bytes(4) + _references(first_id, len(added), collection.primary)
            content += isobmff.box(b"iref", references)
        return isobmff.box(b"meta", content)

    offset = len(rebuilt(0)) - (len(meta.content) + 8)
    result = [rebuilt(offset) if b.kind == b"meta" else isobmff.box(b.kind, b.content) for b in top]
    if added:
        result.append(isobmff.box(b"mdat", b"".join(content for _, content in added)))
    return result


def _more_infos(content: bytes, first_id: int, items: list[isobmff.Item]) -> bytes:
    (count,) = struct.unpack_from(">H", content, 4)
    result = content[:4] + struct.pack(">H", count + len(items)) + content[6:]
    for number, item in enumerate(items, first_id):
        # Version 2; an item without protection and name (ISO/IEC 14496-12, 8.11.6).
        info = struct.pack(">IHH4sx", 2 << 24, number, 0, item.kind)
        if item.content_type:
            info += item.content_type + b"\0"
        result += isobmff.box(b"infe", info)
    return result


def _more_locations(
    content: bytes, offset: int, first_id: int, added_at: int, lengths: list[int]
) -> bytes:
    (count,) = struct.unpack_from(">H", content, 6)
    at, moved = 8, b""
    for _ in range(count):
        item, reference, extents = struct.unpack_from(">HHH", content, at)
        moved += struct.pack(">HHH", item, reference, extents)
        at += 6
        for _ in range(extents):
            start, length = struct.unpack_from(">II", content, at)
            moved += struct.pack(">II", start + offset, length)
            at += 8
    place = added_at + offset
    for i, length in enumerate(lengths):
        moved += struct.pack(">HHHII", first_id + i, 0, 1, place, length)
        place += length
    return content[:6] + struct.pack(">H", count + len(lengths)) + moved


def _references(first_id: int, count: int, primary: int) -> bytes:
    return b"".join(
        isobmff.box(b"cdsc", struct.pack(">HHH", first_id + i, 1, primary)) for i in range(count)
    )


def _more_properties(content: bytes, primary: int, icc_profile: bytes) -> bytes:
    result, count = b"", 0
    for part in isobmff.boxes(content):
        body = part.content
        if part.kind == b"ipco":
            count = len(list(isobmff.boxes(body))) + 1
            body += isobmff.box(b"colr", b"prof" + icc_profile)
        elif part.kind == b"ipma":
            body = _with_association(body, primary, count)
        result += isobmff.box(part.kind, body)
    return result


def _with_association(content: bytes, primary: int, index: int) -> bytes:
    """The association box (version 0) with one more property for the primary item."""
    (items,) = struct.unpack_from(">I", content, 4)
    result, at = content[:8], 8
    for _ in range(items):
        number, count = struct.unpack_from(">HB", content, at)
        indices = content[at + 3 : at + 3 + count]
        at += 3 + count
        if number == primary:
            indices += bytes([index])
        result += struct.pack(">HB", number, len(indices)) + indices
    return result
