"""What an enhancement would do, on one small picture: before and after, or several versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fivefold.photo.image import Photo
from fivefold.runtime.contact_sheet import CAPTION_PX, GAP_PX, INK, PAPER, tile

if TYPE_CHECKING:
    from PIL.Image import Image

    from fivefold.runtime.enhancer import Enhancer

BEFORE, AFTER = "before", "after"

_LONGEST_ROW = 4
_LINE_PX = 2
_TAG_PX = 6  # around a label that lies on the photo


def versions(
    photo: Photo, choices: Sequence[tuple[str, Enhancer, float]], *, side_px: int
) -> list[tuple[str, Image]]:
    """A photo as several models and strengths would make it, small.

    Each model sees the whole photo; its grid is rendered on the reduced one, which costs a preview
    and not a photo.

    Args:
        photo: Of any size and colour space.
        choices: Label, model, and strength from -1.5 to 1.5 (0 is the untouched photo).
        side_px: The longest side of each picture.

    Returns:
        Label and sRGB picture of each choice, in their order and of one size.

    Raises:
        ValueError: If a strength is out of range, or ``side_px`` below 1.
    """
    if side_px < 1:
        raise ValueError(f"side_px must be at least 1, received {side_px}")
    from PIL import Image

    small = Photo(np.asarray(tile(photo, side_px)), is_greyscale=photo.is_greyscale)
    grids = {id(enhancer): enhancer.predict(photo) for _, enhancer, _ in choices}
    results = []
    for label, enhancer, strength in choices:
        rendered = enhancer.render(small, grids[id(enhancer)], strength=strength)
        results.append((label, Image.fromarray(rendered.pixels)))
    return results


def strip(pictures: Sequence[tuple[str, Image]]) -> Image:
    """Lay pictures out with their labels above, at most four in a row.

    Args:
        pictures: Label and picture, all of one size.

    Raises:
        ValueError: Without pictures.
    """
    if not pictures:
        raise ValueError("pictures must be at least one, received 0")
    from PIL import Image, ImageDraw, ImageFont

    rows = -(-len(pictures) // _LONGEST_ROW)
    columns = -(-len(pictures) // rows)
    font = ImageFont.load_default(size=14)
    widest_label = max(font.getlength(label) for label, _ in pictures)
    width, height = pictures[0][1].size
    step_x = max(width, round(widest_label)) + GAP_PX
    step_y = CAPTION_PX + height + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (label, picture) in enumerate(pictures):
        x, y = GAP_PX + i % columns * step_x, GAP_PX + i // columns * step_y
        draw.text((x, y), label, fill=INK, font=font)
        sheet.paste(picture, (x, y + CAPTION_PX))
    return sheet


def split(before: Image, after: Image, *, at: float = 0.5) -> Image:
    """One picture, before on the left of a line and after on its right.

    Args:
        before: A picture.
        after: Another of its size.
        at: Where the line stands, as a part of the width, 0 to 1.

    Raises:
        ValueError: If ``at`` is out of range.
    """
    if not 0 <= at <= 1:
        raise ValueError(f"at must be 0 to 1, received {at}")
    from PIL import ImageDraw, ImageFont

    width, height = before.size
    line = round(at * width)
    result = after.copy()
    result.paste(before.crop((0, 0, line, height)))
    draw = ImageDraw.Draw(result)
    left = line - _LINE_PX // 2
    draw.rectangle((left, 0, left + _LINE_PX - 1, height), fill=PAPER)
    font = ImageFont.load_default(size=14)
    for label, x, anchor in ((BEFORE, 2 * _TAG_PX, "ls"), (AFTER, width - 2 * _TAG_PX, "rs")):
        place = (x, height - 2 * _TAG_PX)
        x0, y0, x1, y1 = draw.textbbox(place, label, font=font, anchor=anchor)
        tag = (x0 - _TAG_PX, y0 - _TAG_PX, x1 + _TAG_PX, y1 + _TAG_PX)
        if tag[2] < left if label == BEFORE else tag[0] > left + _LINE_PX:  # its side has room
            draw.rectangle(tag, fill=PAPER)
            draw.text(place, label, fill=INK, font=font, anchor=anchor)
    return result
