"""Photoshop's image resource blocks, in which JPEG and TIFF files keep IPTC records.

Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks"; IPTC-IIM 4.2.
"""

from __future__ import annotations

import struct

IPTC_RESOURCE = 0x0404
_IPTC_DIGEST = 0x0425
# What Photoshop also writes as segments of their own, or what shows the photo as it was.
_LEFT_OUT = {
    0x0409,  # thumbnail, Photoshop 4
    0x040C,  # thumbnail
    0x040F,  # ICC profile
    0x0422,  # EXIF
    0x0423,  # EXIF
    0x0424,  # XMP
    _IPTC_DIGEST,  # a hash of the IPTC record and the XMP packet, as they were
    IPTC_RESOURCE,
}


def split(block: bytes) -> tuple[bytes | None, bytes | None]:
    """Split an image resource block into its IPTC record and the resources worth keeping.

    Args:
        block: Resources ``8BIM…`` one after the other; what follows a damaged one is left out.

    Returns:
        The IPTC-IIM record, and the other resources with their headers; ``None`` for none.
    """
    iptc, at = None, 0
    others: list[bytes] = []
    while at + 12 <= len(block) and block[at : at + 4] == b"8BIM":
        (number,) = struct.unpack_from(">H", block, at + 4)
        name_bytes = 1 + block[at + 6]
        length_at = at + 6 + name_bytes + name_bytes % 2
        if length_at + 4 > len(block):
            break
        (length,) = struct.unpack_from(">I", block, length_at)
        end = length_at + 4 + length
        if end > len(block):
            break
        if number == IPTC_RESOURCE:
            iptc = block[length_at + 4 : end]
        elif number not in _LEFT_OUT:
            others.append(block[at:end] + bytes(length % 2))
        at = end + length % 2
    return iptc or None, b"".join(others) or None


def join(iptc: bytes | None, others: bytes | None) -> bytes:
    """The image resource block that :func:`split` splits into these; empty for neither."""
    block = b""
    if iptc is not None:
        block = struct.pack(">4sHHI", b"8BIM", IPTC_RESOURCE, 0, len(iptc)) + iptc
        block += bytes(len(iptc) % 2)
    return block + (others or b"")
