"""The segments of JPEG files: what stands in them, and how metadata is written into them.

Source: ITU-T T.81 annex B (segments), ICC.1:2022 annex B.4, EXIF 2.32 section 4.7, Adobe XMP
specification part 3 section 1.1.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from fivefold.errors import PhotoReadError
from fivefold.photo import photoshop, profile
from fivefold.photo.image import Metadata
from fivefold.photo.limits import check_parts
from fivefold.photo.metadata import fitting_exif

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_ICC = b"ICC_PROFILE\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_ADOBE = b"Adobe"
_MORE_PICTURES = b"MPF\0"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_COMMENT = "Comment"
_SEGMENT_BYTES = 65533  # the most that a segment's payload can hold

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_DECODING = {*_FRAMES, 0xC4, 0xCC, 0xDB, 0xDD, 0xEE}
_JFIF = b"JFIF\0"
_INCH_CM = 2.54
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}


@dataclass(slots=True)
class Header:
    """What the segments before the first scan say.

    Attributes:
        width_px: Width as stored.
        height_px: Height as stored.
        components: 1 for grey, 3 for colour, 4 for CMYK.
        precision: Bits of one sample.
        has_adobe_marker: Written by Adobe's convention, in which CMYK is inverted.
        has_more_pictures: It is a multi-picture file (MPO).
        has_gain_map: It has a gain map in the form of ISO 21496-1.
        icc_profile: The colour profile.
        metadata: EXIF, XMP and IPTC.
    """

    width_px: int = 0
    height_px: int = 0
    components: int = 0
    precision: int = 8
    has_adobe_marker: bool = False
    has_more_pictures: bool = False
    has_gain_map: bool = False
    icc_profile: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)


def picture_alone(data: bytes) -> bytes:
    """The file with nothing before its first scan but the segments that decode it."""
    parts, scan_at = [data[:2]], 0
    for marker, start, end in segments(data):
        if marker == 0xE0 and data[start : start + 5] == _JFIF:
            parts.append(jfif_segment(None))
        elif marker in _DECODING:
            parts.append(_segment(marker, data[start:end]))
        elif marker == _START_OF_SCAN:
            scan_at = start - 4
    return b"".join([*parts, data[scan_at:]])


def is_complete(data: bytes) -> bool:
    """Whether an end-of-image marker follows the first scan."""
    scan_at = next((at for marker, at, _ in segments(data) if marker == _START_OF_SCAN), None)
    return scan_at is not None and data.find(b"\xff\xd9", scan_at) >= 0


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the payload of each segment up to the first scan's."""
    at, count = 2, 0
    while True:
        count += 1
        check_parts(count, "JPEG")
        if at + 4 > len(data):
            raise PhotoReadError("damaged JPEG: truncated before the picture")
        if data[at] != 0xFF:  # libjpeg skips stray bytes between segments, and so do we
            at = data.find(b"\xff", at)
            if at < 0:
                raise PhotoReadError("damaged JPEG: truncated before the picture")
            continue
        marker = data[at + 1]
        if marker in (0xFF, 0x00) or marker in _BARE_MARKERS:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _END_OF_IMAGE:
            raise PhotoReadError("damaged JPEG: it holds no picture")
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            raise PhotoReadError("damaged JPEG: truncated before the picture")
        yield marker, at + 4, end
        if marker == _START_OF_SCAN:
            return
        at = end


def parse_header(data: bytes) -> Header:
    """Read the segments before the picture.

    Raises:
        PhotoReadError: If the file ends before them, or has no frame.
    """
    header = Header()
    icc_parts: dict[int, bytes] = {}
    exif_block = xmp = None
    xmp_parts: dict[bytes, dict[int, bytes]] = {}
    resources: list[bytes] = []
    density: tuple[float, float] | None = None
    texts: list[tuple[str, str]] = []
    for marker, start, end in segments(data):
        payload = data[start:end]
        if marker in _FRAMES and len(payload) >= 6:
            header.precision, header.height_px, header.width_px, header.components = (
                struct.unpack_from(">BHHB", payload)
            )
        elif marker == 0xE1 and payload.startswith(_EXIF):
            part = payload[len(_EXIF) :]
            if exif_block is None:
                exif_block = part
            elif part[:2] not in (b"II", b"MM"):  # a block beyond 64 KiB, continued
                exif_block += part
        elif marker == 0xE1 and payload.startswith(_XMP) and xmp is None:
            xmp = payload[len(_XMP) :]
        elif marker == 0xE1 and payload.startswith(_XMP_EXTENSION):
            body = payload[len(_XMP_EXTENSION) :]
            if len(body) > 40:
                (at,) = struct.unpack_from(">I", body, 36)
                xmp_parts.setdefault(body[:32], {})[at] = body[40:]
        elif marker == 0xE2 and payload.startswith(_ICC) and len(payload) > 14:
            icc_parts[payload[12]] = payload[14:]
        elif marker == 0xE2 and payload.startswith(_MORE_PICTURES):
            header.has_more_pictures = True
        elif marker == 0xE2 and payload.startswith(_GAIN_MAP):
            header.has_gain_map = True
        elif marker == 0xED and payload.startswith(_PHOTOSHOP):
            resources.append(payload[len(_PHOTOSHOP) :])
        elif marker == 0xEE and payload.startswith(_ADOBE):
            header.has_adobe_marker = True
        elif marker == 0xE0 and payload.startswith(_JFIF) and len(payload) >= 12:
            density = _density_dpi(*struct.unpack_from(">BHH", payload, 7))
        elif marker == 0xFE and payload.strip(b"\0"):
            texts.append((_COMMENT, _decoded(payload.rstrip(b"\0"))))
    if header.width_px == 0 or header.height_px == 0:
        raise PhotoReadError("damaged JPEG: it states no size")
    if icc_parts:
        joined = b"".join(icc_parts[i] for i in sorted(icc_parts))
        header.icc_profile = joined if len(joined) <= profile.MAX_PROFILE_BYTES else None
    iptc, others = photoshop.split(b"".join(resources))
    header.metadata = Metadata(
        exif_block, xmp, iptc, _extension(xmp, xmp_parts), others, density, tuple(texts)
    )
    return header


def _density_dpi(unit: int, across: int, down: int) -> tuple[float, float] | None:
    """Pixels per inch of JFIF's density; unit 0 only states the shape of a pixel."""
    per_inch = {1: 1.0, 2: _INCH_CM}.get(unit)
    return (across * per_inch, down * per_inch) if per_inch and across and down else None


def jfif_segment(density_dpi: tuple[float, float] | None) -> bytes:
    """The APP0 segment that opens a JFIF file."""
    unit, across, down = 0, 1, 1
    if density_dpi is not None:
        rounded = [min(max(round(d), 1), 65535) for d in density_dpi]
        unit, (across, down) = 1, rounded
    return _segment(0xE0, _JFIF + struct.pack(">HBHHBB", 0x0101, unit, across, down, 0, 0))


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _extension(xmp: bytes | None, parts: dict[bytes, dict[int, bytes]]) -> bytes | None:
    """The XMP extension that the packet names by its MD5 hash, if all of it is there."""
    for digest, pieces in parts.items():
        joined = b"".join(pieces[at] for at in sorted(pieces))
        is_named = xmp is not None and digest in xmp
        if is_named and _digest(joined) == digest:
            return joined
    return None


def _digest(extension: bytes) -> bytes:
    import hashlib  # loads OpenSSL, and few photos need it

    return hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()


def metadata_segments(metadata: Metadata, icc_profile: bytes | None) -> list[bytes]:
    """The segments of a file's metadata, in the order in which cameras and Photoshop write them.

    EXIF beyond 64 KiB is written without its longest fields.
    """
    written = []
    if metadata.exif is not None:
        fitting = fitting_exif(metadata.exif, _SEGMENT_BYTES - len(_EXIF))
        if fitting is not None:
            written.append(_segment(0xE1, _EXIF + fitting))
    if metadata.xmp is not None:
        written += _xmp_segments(metadata.xmp, metadata.xmp_extension)
    resources = photoshop.join(metadata.iptc, metadata.photoshop)
    room = _SEGMENT_BYTES - len(_PHOTOSHOP)
    written += [_segment(0xED, _PHOTOSHOP + part) for part in _pieces(resources, room)]
    if icc_profile is not None:
        parts = _pieces(icc_profile, _SEGMENT_BYTES - len(_ICC) - 2)
        written += [
            _segment(0xE2, _ICC + bytes([i + 1, len(parts)]) + part) for i, part in enumerate(parts)
        ]
    for keyword, text in metadata.texts:
        if keyword == _COMMENT:
            written += [_segment(0xFE, piece) for piece in _pieces(text.encode(), _SEGMENT_BYTES)]
    return written


def _xmp_segments(packet: bytes, extension: bytes | None) -> list[bytes]:
    """The packet; if it is too long for a segment, a short one that names it as its extension."""
    if len(packet) > _SEGMENT_BYTES - len(_XMP):
        start, stop = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
        extension = packet[start : stop + 12] if 0 <= start < stop else packet
        packet = (
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            b'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
            b'xmpNote:HasExtendedXMP="' + _digest(extension) + b'"/></rdf:RDF></x:xmpmeta>'
        )
    segments = [_segment(0xE1, _XMP + packet)]
    if extension is not None:
        room = _SEGMENT_BYTES - len(_XMP_EXTENSION) - 40
        head = _XMP_EXTENSION + _digest(extension)
        segments += [
            _segment(0xE1, head + struct.pack(">II", len(extension), i * room) + part)
            for i, part in enumerate(_pieces(extension, room))
        ]
    return segments


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _pieces(data: bytes, length: int) -> list[bytes]:
    return [data[at : at + length] for at in range(0, len(data), length)]
