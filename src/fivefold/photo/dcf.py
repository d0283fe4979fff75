"""Adobe RGB stated in EXIF alone, as many cameras do that are set to it.

A file by the "optional file" rules of DCF has the interoperability index ``R03``, and a ColorSpace
other than 1 (sRGB). It gets the profile that means the same: whoever reads the result then sees the
right colours, also without knowing that rule.

Source: CIPA DC-009 (DCF 2.0); EXIF 2.32, 4.6.5 (ColorSpace) and 4.6.8 (InteroperabilityIndex).
"""

from __future__ import annotations

from dataclasses import replace

from fivefold.photo import ifd
from fivefold.photo.image import Photo

_COLOUR_SPACE = 40961
_SRGB = 1
_INTEROPERABILITY_INDEX = 1
_OPTIONAL_FILE = b"R03"
_STATING = ("JPEG", "TIFF")


def with_stated_profile(photo: Photo) -> Photo:
    """The photo with a profile if only EXIF says that its colours are not sRGB.

    Camera RAW that says so was developed to sRGB all the same, and gets sRGB's profile, so that its
    result is not taken for Adobe RGB.
    """
    block = photo.metadata.exif
    if block is None or _OPTIONAL_FILE not in block or photo.icc_profile is not None:
        return photo
    if photo.is_greyscale or not _states_adobe_rgb(block):
        return photo
    from fivefold.photo import cicp, colour, profile

    if photo.format == "RAW":
        return replace(photo, icc_profile=profile.srgb())
    if photo.format not in _STATING:
        return photo
    primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
    curve = profile.parametric_curve(563 / 256)
    adobe_rgb = cicp.from_chromaticities(primaries, colour.WHITE_D65, curve, "Adobe RGB (1998)")
    return replace(photo, icc_profile=adobe_rgb)


def _states_adobe_rgb(block: bytes) -> bool:
    try:
        layout, root = ifd.parse(block)
    except ifd.IfdError:
        return False
    details = root.children.get(ifd.EXIF_POINTER, ifd.Directory())
    interoperability = details.children.get(
        ifd.INTEROPERABILITY_POINTER, root.children.get(ifd.INTEROPERABILITY_POINTER)
    )
    if interoperability is None:
        return False
    index = interoperability.fields.get(_INTEROPERABILITY_INDEX)
    stated = details.fields.get(_COLOUR_SPACE)
    is_srgb = stated is not None and stated.integers(layout.byte_order)[:1] == (_SRGB,)
    return index is not None and index.data.startswith(_OPTIONAL_FILE) and not is_srgb
