"""A machine-readable note of what was done to a photo, in its XMP packet.

The note is one ``rdf:Description`` of its own, so that nothing in the packet has to be parsed or
moved::

    <rdf:Description rdf:about="" xmlns:fivefold="urn:x-fivefold:edit/1.0/"
        fivefold:Software="fivefold 0.1.0" fivefold:Model="consensus" fivefold:Strength="1"/>

EXIF's Software field gets the program's name where it is empty; a camera's own is left alone.

Source: XMP specification part 1 (ISO 16684-1), section 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from fivefold.photo import ifd
from fivefold.photo.image import Metadata, Photo

NAMESPACE = "urn:x-fivefold:edit/1.0/"

_SOFTWARE_TAG = 305
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_NOTE = (
    rb'<rdf:Description rdf:about="" xmlns:fivefold="'
    + NAMESPACE.encode().replace(b".", rb"\.")
    + rb'"([^<>]*)/>\n?'
)
_PROPERTY = r'fivefold:(\w+)="([^"]*)"'
_EMPTY_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    "</rdf:RDF>\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()
_END = b"</rdf:RDF>"


def with_note(photo: Photo, properties: Mapping[str, str]) -> Photo:
    """The photo with a note; an earlier one is replaced, all other metadata kept.

    A packet that is not UTF-8 RDF stays as it is, without a note.

    Args:
        photo: Any photo.
        properties: Names (letters and digits) and values; ``Software`` also goes into an EXIF
            block that has none.

    Raises:
        ValueError: For a name that is none.
    """
    for name in properties:
        if not (name.isidentifier() and name[0].isascii() and name[0] != "_"):
            raise ValueError(f"a property's name must be letters and digits, received {name!r}")
    metadata = photo.metadata
    packet = metadata.xmp if metadata.xmp is not None else _EMPTY_PACKET
    xmp = _noted(packet, properties) if _END in packet else metadata.xmp
    block = metadata.exif
    if block is not None and "Software" in properties:
        block = _with_software(block, properties["Software"])
    return replace(photo, metadata=replace(metadata, xmp=xmp, exif=block))


def note_of(photo: Photo) -> dict[str, str]:
    """The properties of a photo's note; empty without one."""
    from xml.sax.saxutils import unescape  # loads half of the standard library

    found = re.search(_NOTE, photo.metadata.xmp or b"")
    if found is None:
        return {}
    pairs = re.findall(_PROPERTY, found[1].decode("utf-8", "replace"))
    return {name: unescape(value, {"&quot;": '"'}) for name, value in pairs}


def without_metadata(photo: Photo) -> Photo:
    """The photo without EXIF, XMP, IPTC, texts and density; its colour profile is kept."""
    return replace(photo, metadata=Metadata())


def _noted(packet: bytes, properties: Mapping[str, str]) -> bytes:
    values = "".join(
        f' fivefold:{name}="{value.translate(_ENTITIES)}"' for name, value in properties.items()
    )
    note = f'<rdf:Description rdf:about="" xmlns:fivefold="{NAMESPACE}"{values}/>\n'
    if NAMESPACE.encode() in packet:
        packet = re.sub(_NOTE, b"", packet)
    before, _, after = packet.rpartition(_END)
    return before + note.encode() + _END + after


def _with_software(block: bytes, name: str) -> bytes:
    try:
        _, directory = ifd.parse(block)
    except ifd.IfdError:
        return block
    if _SOFTWARE_TAG in directory.fields:
        return block
    text = name.encode("ascii", "replace") + b"\0"
    return ifd.with_field(block, _SOFTWARE_TAG, ifd.Field(ifd.ASCII, text))
