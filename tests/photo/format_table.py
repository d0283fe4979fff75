"""What becomes of every kind of photo, found out by reading and writing one of each.

``python tests/photo/format_table.py`` prints ``docs/formats.md``; a test compares the two.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
import simplejpeg
import tifffile
from photo_samples import (
    IPTC,
    PROFILES,
    XMP,
    cmyk_profile,
    exif_block,
    exif_of_adobe_rgb,
    made_dng,
    pillow_file,
    random_photo,
    smooth_photo,
    srgb_profile,
    table_profile,
)
from PIL import Image

from fivefold.errors import PhotoError
from fivefold.photo import profile
from fivefold.photo.files import encode_photo, read_photo
from fivefold.photo.formats import FORMATS
from fivefold.photo.image import FULL_SCALE, Coding, Metadata, Photo
from fivefold.photo.limits import DEFAULT_MAX_PIXELS
from fivefold.runtime.batch import Settings, enhance_photo
from fivefold.runtime.enhancer import Enhancer

WRITABLE = [name for name, known in FORMATS.items() if known.is_written]
# The formats that have a place for them: elsewhere nothing is lost, since nothing can come.
TEXTS = {"JPEG", "PNG"}
DENSITIES = {"JPEG", "PNG", "TIFF"}
TYPES = {8: np.uint8, 16: np.uint16, 32: np.float32}

INTRODUCTION = f"""\
<!-- Made by tests/photo/format_table.py; change that, not this. -->
# Formats: what is kept, converted and refused

Every cell below was found out by reading and writing a photo, and the tests do so again on every
run. A photo goes back to the format that its name says unless another is asked for; camera RAW goes
to 16-bit TIFF or to JPEG. HEIC needs `pip install 'fivefold[heif]'`, camera RAW
`pip install 'fivefold[raw]'`.

The rules:

- **Content decides the format that is read**, not the file's name. What is written is what the
  result's name says: that of a JPEG called `a.png` is a PNG. Where a name says nothing the content
  decides, and `--in-place` always keeps the file's own format.
- **Pixels stand upright**: EXIF orientation (in AVIF and HEIC the container's own turning) is
  applied, and everything that states it is reset.
- **One file, one photo.** Animations and documents of several pages are refused. Previews, masks,
  depth maps and the further views of a multi-picture file are left out; of a HEIC with several
  pictures the main one is read. What is left out is said in the photo's notes.
- **Truncated or damaged files are refused**, also where a decoder would fill the gap with grey.
- **Size**: at most {DEFAULT_MAX_PIXELS // 1_000_000} million pixels, checked before memory is
  taken; the limit can be changed.
- **Embedded thumbnails** in EXIF are replaced by one of the result. An EXIF block beyond 64 KiB
  goes into JPEG without its longest field.
- Where a format has no place for IPTC, the record goes into EXIF's field for it.

Colour: untagged means sRGB, unless EXIF states Adobe RGB as cameras do (DCF's index R03): then the
result gets that profile. A photo with another profile is taken to *extended* sRGB, in floating
point, where a colour outside sRGB has channels below 0 or above 1. There the model's transforms
apply as to any colour, and the result goes back into the photo's own space through the inverse
map. Nothing is clipped on the way: an untouched 8-bit photo in Display P3, Adobe RGB or ProPhoto
comes back code for code. Profiles with tables go through LittleCMS, whose tables bound the colours.
HDR curves (PQ, HLG) are refused: such light has no white to work with. Floating-point TIFFs without
a profile are taken as coded in sRGB; a linear one needs its linear profile.
"""


def kept(test: Callable[[], bool], otherwise: str = "LOST") -> str:
    """``kept``, or what else; ``refused`` with the reason where writing is."""
    try:
        return "kept" if test() else otherwise
    except PhotoError as error:
        return f"refused: {str(error).split(': ', 1)[-1]}"


def through(photo: Photo, file_format: str, **options: object) -> Photo:
    """Written and read again."""
    return read_photo(encode_photo(photo, format=file_format, **options))


def pixel_rows() -> Iterable[list[str]]:
    """Bit depths, alpha and greyscale by format."""
    for name in WRITABLE:
        depths = []
        for depth, dtype in TYPES.items():
            back = through(random_photo((16, 16), dtype), name)
            found = back.coding.bits or back.bit_depth
            most = FORMATS[name].bit_depths[-1]
            less = "LOST" if found < min(depth, most, 10) else f"as {found} bits"
            depths.append("kept" if found == depth else less)
        coding = Coding(is_lossless=True)
        cut_out = random_photo((16, 16), alpha=True, coding=coding)
        alpha = through(cut_out, name).alpha
        near = alpha is not None and np.abs(alpha - cut_out.alpha.astype(float)).max() <= 3
        opaque = "LOST" if FORMATS[name].has_alpha else "laid over white"
        grey = through(random_photo((16, 16), grey=True), name).is_greyscale
        exact = random_photo((16, 16), coding=coding)
        best = through(exact, name, quality=100).pixels
        yield [
            name,
            *depths,
            "kept" if near else opaque,
            "kept" if grey else "as three equal channels",
            "yes" if (best == exact.pixels).all() else "no",
        ]


def metadata_rows() -> Iterable[list[str]]:
    """Profiles and metadata by format."""
    block = exif_block()
    everything = Metadata(
        block, XMP, IPTC, density_dpi=(300.0, 300.0), texts=(("Comment", "c"), ("Author", "a"))
    )

    def facts(found: bytes | None) -> dict[str, object]:
        parsed = Image.Exif()
        parsed.load(found or b"")
        details = parsed.get_ifd(0x8769)
        gps = parsed.get_ifd(0x8825)
        return {"maker": parsed.get(271), "note": details.get(0x927C), "gps": gps.get(2)}

    for name in WRITABLE:
        no_place = "no place in the format" if name == "PPM" else "LOST"
        described = replace(random_photo((16, 16)), metadata=everything)
        back = through(described, name).metadata
        row = [name]
        for icc in (srgb_profile(), PROFILES["Display P3"]):
            tagged = replace(random_photo((16, 16)), icc_profile=icc)

            def has_profile(tagged: Photo = tagged, name: str = name) -> bool:
                return through(tagged, name).icc_profile == tagged.icc_profile

            states = "stated as sRGB" if profile.is_srgb(icc) and name == "JXL" else no_place
            row.append(kept(has_profile, states))
        same = facts(back.exif) == facts(block)
        row.append("kept" if same else no_place)
        row.append("kept" if back.xmp == XMP else no_place)
        row.append("kept" if back.iptc == IPTC else no_place)
        keywords = {keyword for keyword, _ in back.texts}
        missing = "no place in the format"
        texts = {0: "LOST" if name in TEXTS else missing, 1: "the comment", 2: "kept"}
        row.append(texts[len(keywords)])
        in_exif = Image.Exif()
        in_exif.load(back.exif or b"")
        density_dpi = back.density_dpi[0] if back.density_dpi else in_exif.get(282, 0)
        dense = round(density_dpi) == 300
        row.append("kept" if dense else "LOST" if name in DENSITIES else missing)
        yield row


def enhanced_rows() -> Iterable[list[str]]:
    """Each format at each depth that it holds, read, enhanced and written as it came."""
    enhancer = Enhancer.load()
    metadata = Metadata(exif_block(), XMP, IPTC)
    about = {"EXIF, GPS": b"maker's own note", "XMP": b"caf\xc3\xa9", "IPTC": b"caption"}

    def came(name: str, depth: int, photo: Photo) -> Photo:
        return read_photo(encode_photo(photo, format=name, bit_depth=depth))

    def enhanced(name: str, depth: int, photo: Photo) -> Photo:
        before = came(name, depth, photo)
        bits = before.coding.bits or before.bit_depth
        back = through(enhance_photo(before, enhancer, Settings()), name)
        assert (back.coding.bits or back.bit_depth) == bits, f"{name} of {bits} bits"
        return back

    for name in WRITABLE:
        for depth in FORMATS[name].bit_depths:
            dtype = TYPES[max(d for d in TYPES if d <= max(depth, 8))]
            make = partial(random_photo, (24, 24), np.uint16 if 8 < depth < 32 else dtype)
            plain = came(name, depth, make())
            row = [f"{name}, {plain.coding.bits or plain.bit_depth} bits"]
            for icc in (None, *PROFILES.values()):
                tagged = make(icc_profile=icc)

                def is_tagged(tagged: Photo = tagged, name: str = name, depth: int = depth) -> bool:
                    return enhanced(name, depth, tagged).icc_profile == tagged.icc_profile

                row.append(kept(is_tagged).partition(":")[0])  # the reason stands above
            grey = enhanced(name, depth, make(grey=True))
            spread = np.ptp(grey.pixels.astype(float), axis=2).max() / FULL_SCALE[grey.pixels.dtype]
            row.append("kept" if grey.is_greyscale or spread < 0.02 else "LOST")
            alpha = enhanced(name, depth, make(alpha=True)).alpha
            opaque = "LOST" if FORMATS[name].has_alpha else "no place in the format"
            row.append("kept" if alpha is not None else opaque)
            back = enhanced(name, depth, make(metadata=metadata)).metadata
            for block, proof in zip((back.exif, back.xmp, back.iptc), about.values(), strict=True):
                missing = "no place in the format" if name == "PPM" else "LOST"
                row.append("kept" if proof in (block or b"") else missing)
            yield row


def file_rows() -> Iterable[list[str]]:
    """Kinds of file, and what reading one gives."""
    smooth = smooth_photo()
    image = Image.fromarray(smooth.pixels)
    plain = simplejpeg.encode_jpeg(smooth.pixels, 95)

    def segment(payload: bytes) -> bytes:
        return plain[:2] + struct.pack(">BBH", 255, 0xE2, len(payload) + 2) + payload + plain[2:]

    def png(*chunks: tuple[bytes, bytes]) -> bytes:
        coded = encode_photo(smooth, format="PNG")
        added = b"".join(
            struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c))
            for k, c in chunks
        )
        return coded[:33] + added + coded[33:]

    def tiff(pixels: np.ndarray, **options: object) -> bytes:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, **options)
        return buffer.getvalue()

    frames = {"save_all": True, "append_images": [Image.new("RGB", image.size)]}
    cmyk = image.convert("CMYK")
    nan = random_photo((9, 9), np.float32)
    nan.pixels[0, 0] = np.nan
    as_lab = {"photometric": "cielab"}
    cases = {
        "JPEG, progressive": pillow_file(image, "JPEG", progressive=True),
        "JPEG, greyscale": pillow_file(image.convert("L"), "JPEG"),
        "JPEG, Adobe RGB stated in EXIF alone": pillow_file(
            image, "JPEG", exif=b"Exif\0\0" + exif_of_adobe_rgb()
        ),
        "JPEG, CMYK or YCCK with a profile": pillow_file(cmyk, "JPEG", icc_profile=cmyk_profile()),
        "JPEG, CMYK without a profile": pillow_file(cmyk, "JPEG"),
        "JPEG, multi-picture (MPO)": segment(b"MPF\0...") + plain,
        "JPEG with an HDR gain map (Ultra HDR)": segment(b"urn:iso:std:iso:ts:21496:-1\0") + plain,
        "JPEG, truncated": plain[: len(plain) // 2],
        "PNG, palette": pillow_file(image.convert("P"), "PNG"),
        "PNG, gAMA of linear light": png((b"gAMA", struct.pack(">I", 100_000))),
        "PNG, cICP of Display P3": png((b"cICP", bytes([12, 13, 0, 1]))),
        "PNG, cICP of HDR": png((b"cICP", bytes([9, 16, 0, 1]))),
        "PNG, animated": png((b"acTL", bytes(8))),
        "TIFF, tiled, planar, LZW, BigTIFF": tiff(
            smooth.pixels.transpose(2, 0, 1),
            photometric="rgb", planarconfig="separate", tile=(32, 32), compression="lzw",
            bigtiff=True,
        ),
        "TIFF, 32-bit float": tiff(random_photo((9, 9), np.float32).pixels, photometric="rgb"),
        "TIFF, 32-bit float, not a number": encode_photo(nan, format="TIFF"),
        "TIFF, CMYK with a profile": pillow_file(cmyk, "TIFF", icc_profile=cmyk_profile()),
        "TIFF, CMYK without a profile": pillow_file(cmyk, "TIFF"),
        "TIFF, Lab": tiff(smooth.pixels, **as_lab),
        "TIFF, signed integers": tiff(smooth.pixels.astype(np.int16), photometric="rgb"),
        "TIFF, several pages": tiff(np.stack([smooth.pixels] * 3), photometric="rgb"),
        "WebP, animated": pillow_file(image, "WEBP", **frames),
        "AVIF, animated": pillow_file(image, "AVIF", **frames),
        "any, profile with tables": encode_photo(
            replace(smooth, icc_profile=table_profile(way_back=True)), format="PNG"
        ),
        "camera RAW (here a DNG)": made_dng(),
    }  # fmt: skip
    for name, data in cases.items():
        try:
            photo = read_photo(data)
        except PhotoError as error:
            yield [name, f"refused: {str(error).split(': ', 1)[-1]}"]
            continue
        facts = [f"{photo.bit_depth} bits"]
        facts += ["greyscale"] if photo.is_greyscale else []
        if photo.icc_profile is not None:
            facts.append("its colour space kept as a profile")
        yield [name, "; ".join(["read", *facts, *photo.notes])]


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def page() -> str:
    """The whole of ``docs/formats.md``."""
    suffixes = [
        [name, " ".join(known.suffixes), "yes" if known.is_written else "no"]
        for name, known in FORMATS.items()
    ]
    pixels = ["", "8 bits", "16 bits", "32-bit float", "alpha", "greyscale", "lossless possible"]
    about = ["", "sRGB profile", "wide-gamut profile", "EXIF, GPS, maker's note", "XMP", "IPTC",
             "texts", "print density"]  # fmt: skip
    return "\n".join(
        [
            INTRODUCTION,
            "## Suffixes\n",
            table(["", "suffixes", "written"], suffixes),
            "## Pixels, written and read again\n",
            table(pixels, pixel_rows()),
            "## Profiles and metadata, written and read again\n",
            table(about, metadata_rows()),
            "## Read, enhanced and written as it came\n",
            table(
                ["", "untagged", *PROFILES, "greyscale", "alpha", "EXIF, GPS", "XMP", "IPTC"],
                enhanced_rows(),
            ),
            "## Kinds of file\n",
            table(["", "what becomes of it"], file_rows()),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(page())
