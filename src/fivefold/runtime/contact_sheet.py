"""Before and after side by side, for eyes: many photos on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fivefold.photo.depth import over_white, with_bit_depth
from fivefold.photo.image import Photo
from fivefold.photo.model_space import to_srgb

if TYPE_CHECKING:
    from PIL.Image import Image

GAP_PX = 16
CAPTION_PX = 22
PAPER = (250, 250, 250)
INK = (40, 40, 40)


def contact_sheet(
    pairs: Sequence[tuple[str, Photo, Photo]], *, columns: int = 2, tile_px: int = 400
) -> Image:
    """Lay photos out as before | after with their names above.

    Args:
        pairs: Name, photo before, photo after.
        columns: How many pairs stand in a row.
        tile_px: The longest side of a photo on the sheet.

    Returns:
        An sRGB picture; each photo is shown in it as its own profile means it.

    Raises:
        ValueError: Without pairs, or for sizes below one.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not pairs or columns < 1 or tile_px < 1:
        raise ValueError(
            "pairs, columns and tile_px must be at least one, "
            f"received {len(pairs)}, {columns} and {tile_px}"
        )
    tiles = [(name, tile(before, tile_px), tile(after, tile_px)) for name, before, after in pairs]
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    heights = [max(max(b.height, a.height) for _, b, a in row) for row in rows]
    pair_width = 2 * tile_px + GAP_PX // 4
    columns = min(columns, len(tiles))
    sheet = Image.new(
        "RGB",
        (
            columns * (pair_width + GAP_PX) + GAP_PX,
            sum(heights) + len(rows) * (CAPTION_PX + GAP_PX) + GAP_PX,
        ),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=14)
    y = GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for column, (name, before, after) in enumerate(row):
            x = GAP_PX + column * (pair_width + GAP_PX)
            draw.text((x, y), f"{name}: before, after", fill=INK, font=font)
            sheet.paste(before, (x, y + CAPTION_PX))
            sheet.paste(after, (x + before.width + GAP_PX // 4, y + CAPTION_PX))
        y += CAPTION_PX + height + GAP_PX
    return sheet


def tile(photo: Photo, side_px: int) -> Image:
    """A photo as an sRGB picture with 8 bits, no longer than ``side_px``, over white.

    It is reduced before its colours are converted: that costs a tile, not a photo.
    """
    from PIL import Image

    photo = over_white(photo)
    image = Image.fromarray(with_bit_depth(photo, 8).pixels)
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    srgb = to_srgb(np.asarray(image, np.float32) / np.float32(255), photo.icc_profile)
    return Image.fromarray(np.rint(np.clip(srgb, 0, 1) * 255).astype(np.uint8))
