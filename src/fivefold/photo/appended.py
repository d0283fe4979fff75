"""What phones append to a photo's file, and what its XMP packet says about that.

A result holds one picture. A gain map for HDR displays, the video of a motion photo or a second
view would show the photo as it was, so they are left out with a word, and the packet no longer
promises them: readers look for what it lists at the end of the file.

Sources: Google's Ultra HDR image format 1.1 and Motion Photo format 1.0, ISO 21496-1,
CIPA DC-007 (multi-picture format).
"""

from __future__ import annotations

import re

_GAIN_MAP = b"hdrgm:Version"
_MOTION = rb"\b\w*Camera:(?:MotionPhoto|MicroVideo)(?:=[\"']1[\"']|>1<)"
_CONTAINER = b"http://ns.google.com/photos/1.0/container/"
_STATEMENTS = (
    rb"(?s)<(\w+):Directory\b[^>]*>.*?</\1:Directory>\s*",
    rb"\s+\w*Camera:(?:MotionPhoto|MicroVideo)\w*=(?:\"[^\"]*\"|'[^']*')",
    rb"<(\w*Camera:(?:MotionPhoto|MicroVideo)\w*)>[^<]*</\1>\s*",
    rb"\s+hdrgm:\w+=(?:\"[^\"]*\"|'[^']*')",
    rb"(?s)<(hdrgm:\w+)\b[^>]*>.*?</\1>\s*",
)


def notes(xmp: bytes | None, *, has_gain_map: bool, has_more_pictures: bool) -> tuple[str, ...]:
    """What is left out, in words for a person.

    Args:
        xmp: The photo's packet.
        has_gain_map: The file has a gain map in the form of ISO 21496-1.
        has_more_pictures: The file is a multi-picture file.
    """
    packet = xmp or b""
    has_gain_map |= _GAIN_MAP in packet
    found = []
    if has_gain_map:
        found.append("HDR gain map left out")
    if packet and re.search(_MOTION, packet):
        found.append("video of the motion photo left out")
    if has_more_pictures and not has_gain_map:
        found.append("further pictures of the file left out")
    return tuple(found)


def without_promises(xmp: bytes | None) -> bytes | None:
    """The packet without the list of appended parts; any other packet comes back unchanged."""
    if xmp is None:
        return None
    if not (_CONTAINER in xmp or re.search(_MOTION, xmp) or _GAIN_MAP in xmp):
        return xmp
    for statement in _STATEMENTS:
        xmp = re.sub(statement, b"", xmp)
    return xmp
