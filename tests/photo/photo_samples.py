"""Photos and metadata blocks for the tests, made by other libraries than the ones under test."""

from __future__ import annotations

import io
import struct

import numpy as np
import tifffile
from PIL import Image, ImageCms

from fivefold.photo import colour, profile
from fivefold.photo.image import FULL_SCALE, Photo

XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="caf\xc3\xa9"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)
IPTC = b"\x1c\x02\x00\x00\x02\x00\x02" + b"\x1c\x02\x78\x00\x07caption"


def exif_block(orientation: int = 1, *, byte_order: str = "<") -> bytes:
    """An EXIF block as Pillow writes it, with GPS and an EXIF directory."""
    exif = Image.Exif()
    exif.endian = byte_order
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    exif[0x0132] = "2025:06:01 12:00:00"
    exif.get_ifd(0x8769).update(
        {0x9003: "2025:06:01 12:00:00", 0xA002: 999, 0xA003: 777, 0x927C: b"maker's own note"}
    )
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 30.0), 3: "E", 4: (8.0, 32.0, 0.0)})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def exif_of_adobe_rgb(colour_space: int = 65535, index: str = "R03") -> bytes:
    """What a camera writes that is set to Adobe RGB, and embeds no profile."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769).update({0xA001: colour_space, 0xA005: {1: index}})
    return exif.tobytes().removeprefix(b"Exif\0\0")


def exif_with_thumbnail(jpeg: bytes) -> bytes:
    """A block with one field, a second directory and a thumbnail, laid out by hand."""
    ifd0 = struct.pack("<H", 1) + struct.pack("<HHIHxx", 274, 3, 1, 6)
    ifd1_at = 8 + len(ifd0) + 4
    jpeg_at = ifd1_at + 2 + 3 * 12 + 4
    ifd1 = struct.pack("<H", 3)
    ifd1 += struct.pack("<HHIHxx", 259, 3, 1, 6)
    ifd1 += struct.pack("<HHII", 513, 4, 1, jpeg_at) + struct.pack("<HHII", 514, 4, 1, len(jpeg))
    ifd0 += struct.pack("<I", ifd1_at)
    return b"II*\0" + struct.pack("<I", 8) + ifd0 + ifd1 + bytes(4) + jpeg


def random_photo(
    shape: tuple[int, int] = (37, 53),
    dtype: type = np.uint8,
    *,
    alpha: bool = False,
    grey: bool = False,
    seed: int = 0,
    **more: object,
) -> Photo:
    """Noise of any type."""
    rng = np.random.default_rng(seed)
    scale = FULL_SCALE[np.dtype(dtype)]
    pixels = (rng.random((*shape, 1 if grey else 3)) * scale).astype(dtype)
    if grey:
        pixels = np.repeat(pixels, 3, axis=2)
    opacity = (rng.random(shape) * scale).astype(dtype) if alpha else None
    return Photo(pixels, opacity, is_greyscale=grey, **more)


def smooth_photo(shape: tuple[int, int] = (64, 96)) -> Photo:
    """A colourful gradient, which lossy formats keep nearly as it is."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]] / max(shape)
    pixels = np.stack([x, y, (1 - x) * (1 - y)], axis=-1)
    return Photo(np.rint(pixels * 255).astype(np.uint8))


def srgb_profile() -> bytes:
    """LittleCMS's own sRGB profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pillow_file(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The bytes of a file that Pillow writes."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


SRGB_CURVE = profile.parametric_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def _rgb_profile(
    name: str, primaries_xy: list[list[float]], curve: bytes, white: np.ndarray
) -> bytes:
    to_d50 = colour.adaptation_matrix(white, colour.WHITE_D50)
    matrix = to_d50 @ colour.matrix_from_primaries(primaries_xy, white)
    return profile.build_rgb(matrix, curve, name)


PROFILES = {
    "Display P3": _rgb_profile(
        "Display P3",
        [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060]],
        SRGB_CURVE,
        colour.WHITE_D65,
    ),
    "Adobe RGB": _rgb_profile(
        "Adobe RGB",
        [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]],
        b"curv" + struct.pack(">IIH", 0, 1, 563),
        colour.WHITE_D65,
    ),
    "ProPhoto RGB": _rgb_profile(
        "ProPhoto RGB",
        [[0.7347, 0.2653], [0.1596, 0.8404], [0.0366, 0.0001]],
        profile.parametric_curve(1.8, 1.0, 0.0, 1 / 16, 1 / 32),
        colour.WHITE_D50,
    ),
}


def cmyk_profile() -> bytes:
    """A CMYK profile of ideal inks: sRGB is (1 - ink) · (1 - black), in a table of Lab."""
    inks = _lattice(4, 9)
    table = _lab_codes((1 - inks[:, :3]) * (1 - inks[:, 3:]))
    return _table_profile(b"prtr", b"CMYK", {b"A2B0": _lut(4, 3, 9, table)})


def table_profile(*, way_back: bool) -> bytes:
    """An RGB profile that describes sRGB by tables of Lab, forward only or both ways."""
    elements = {b"A2B0": _lut(3, 3, 33, _lab_codes(_lattice(3, 33)))}
    if way_back:
        lab = _lattice(3, 33) * [65535 / 652.8, 65535 / 256, 65535 / 256] - [0, 128, 128]
        xyz = colour.lab_to_xyz(lab, colour.WHITE_D50) @ colour.D50_XYZ_TO_SRGB.T
        srgb = np.clip(colour.linear_to_srgb(xyz), 0, 1)
        elements[b"B2A0"] = _lut(3, 3, 33, np.rint(srgb * 65535))
    return _table_profile(b"mntr", b"RGB ", elements)


def _lattice(dimensions: int, points: int) -> np.ndarray:
    steps = [np.linspace(0, 1, points)] * dimensions
    return np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, dimensions)


def _lab_codes(srgb: np.ndarray) -> np.ndarray:
    """Lab relative to D50 in the 16-bit coding of ICC version 2."""
    xyz_d50 = colour.linear_to_xyz(colour.srgb_to_linear(srgb)) @ colour.D65_TO_D50.T
    lab = colour.xyz_to_lab(xyz_d50, colour.WHITE_D50)
    return np.rint((lab + np.array([0, 128, 128])) * [652.8, 256, 256])


def _lut(inputs: int, outputs: int, points: int, table: np.ndarray) -> bytes:
    """A ``mft2`` element with straight curves (ICC.1:2022, 10.10)."""
    identity = struct.pack(">9i", *(np.eye(3).ravel() * 65536).astype(int))
    ramp = struct.pack(">2H", 0, 65535)
    codes = np.clip(table, 0, 65535).astype(">u2").tobytes()
    head = b"mft2" + struct.pack(">4x4B", inputs, outputs, points, 0) + identity
    return head + struct.pack(">2H", 2, 2) + ramp * inputs + codes + ramp * outputs


def _table_profile(kind: bytes, space: bytes, elements: dict[bytes, bytes]) -> bytes:
    at = 132 + 12 * len(elements)
    directory, body = struct.pack(">I", len(elements)), b""
    for signature, element in elements.items():
        padded = element + bytes(-len(element) % 4)
        directory += struct.pack(">4sII", signature, at + len(body), len(element))
        body += padded
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x3i48x",
        at + len(body), bytes(4), 0x02400000, kind, space, b"Lab ", b"acsp",
        63190, 65536, 54061,
    )  # fmt: skip
    return header + directory + body


def made_dng(orientation: int = 1, baseline_exposure_ev: float = 0.0) -> bytes:
    """A small DNG of a quarter-bright grey scene, with a camera whose colours are sRGB's XYZ."""
    mosaic = np.full((64, 96), 16384, np.uint16)
    matrix = np.linalg.inv(
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    )
    rationals = [v for m in matrix.ravel() for v in (round(m * 10000), 10000)]
    tags = [
        (271, "s", 0, "Fivefold", True),
        (272, "s", 0, "Test", True),
        (274, "H", 1, orientation, True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50708, "s", 0, "Fivefold Test", True),
        (50717, "I", 1, 65535, True),
        (50721, "2i", 9, rationals, True),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),
        (50730, "2i", 1, (round(baseline_exposure_ev * 100), 100), True),
        (50778, "H", 1, 21, True),
    ]
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(mosaic, photometric=32803, extratags=tags, metadata=None)
    return buffer.getvalue()
