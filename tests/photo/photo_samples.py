"""Photos and metadata blocks for the tests, made by other libraries than the ones under test."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, ImageCms

from fivefold.photo import colour
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


def cmyk_profile() -> bytes:
    """A CMYK profile of ideal inks: sRGB is (1 - ink) · (1 - black), in a table of Lab."""
    steps = np.linspace(0, 1, 9)
    inks = np.stack(np.meshgrid(*[steps] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    linear = colour.srgb_to_linear((1 - inks[:, :3]) * (1 - inks[:, 3:]))
    xyz_d50 = colour.linear_to_xyz(linear) @ colour.D65_TO_D50.T
    lab = colour.xyz_to_lab(xyz_d50, colour.WHITE_D50)
    codes = np.rint((lab + np.array([0, 128, 128])) * [652.8, 256, 256])
    table = np.clip(codes, 0, 65535).astype(">u2").tobytes()
    ramp = struct.pack(">2H", 0, 65535)
    identity = struct.pack(">9i", *(np.eye(3).ravel() * 65536).astype(int))
    lut = b"mft2" + struct.pack(">4x4B", 4, 3, len(steps), 0) + identity
    lut += struct.pack(">2H", 2, 2) + ramp * 4 + table + ramp * 3
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x3i48x",
        128 + 16 + len(lut), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp",
        63190, 65536, 54061,
    )  # fmt: skip
    return header + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut
