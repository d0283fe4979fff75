"""Which fields of a TIFF describe the photo, and which only the layout of its pixels.

Source: TIFF 6.0, TIFF/EP, Adobe's Photoshop TIFF technical notes, XMP specification part 3.
"""

from __future__ import annotations

from fivefold.photo import exif, ifd, photoshop
from fivefold.photo.image import Metadata

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

XMP, IPTC, PHOTOSHOP, ICC = 700, 33723, 34377, 34675
PHOTOSHOP_LAYERS = 37724
# Tags that say how this file lays out its pixels, or that have a place of their own in Metadata.
STRUCTURAL_TAGS = frozenset(
    {*range(254, 267), 273, *range(277, 282), 284, *range(288, 294), 297, 301, 317}
    | {*range(320, 326), 330, *range(332, 348), *range(512, 533)}
    | {XMP, IPTC, PHOTOSHOP, ICC, PHOTOSHOP_LAYERS}
)
_MAX_FIELD_BYTES = 1 << 20


def metadata_of(layout: ifd.Layout, directory: ifd.Directory) -> tuple[Metadata, bytes | None]:
    """Everything the first directory says that is not about the layout of its pixels.

    Returns:
        EXIF as a block of its own, XMP, IPTC and Photoshop's resources; and the colour profile.
    """
    fields = directory.fields
    described = ifd.Directory(
        fields={
            tag: field
            for tag, field in fields.items()
            if (tag not in STRUCTURAL_TAGS or tag == exif.ORIENTATION)
            and len(field.data) <= _MAX_FIELD_BYTES
            and field.kind in ifd.CLASSIC_KINDS
        },
        children=directory.children,
    )
    block = None
    if described.fields.keys() - {exif.ORIENTATION} or described.children:
        block = ifd.serialise(ifd.Layout(layout.byte_order), described)
    resources = fields.get(PHOTOSHOP)
    wrapped_iptc, others = photoshop.split(resources.data if resources else b"")
    iptc = fields[IPTC].data if IPTC in fields else wrapped_iptc
    xmp = fields[XMP].data if XMP in fields else None
    icc = fields[ICC].data if ICC in fields else None
    return Metadata(block, xmp, iptc, None, others), icc
