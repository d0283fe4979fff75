"""Small originals made here: DNGs that LibRaw opens, and experts' TIFFs in ProPhoto RGB."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fivefold.data.rendition import prophoto_profile
from fivefold.photo.colour import D65_TO_D50, SRGB_TO_XYZ, XYZ_TO_SRGB
from fivefold.photo.profile import matrix_profile

BLACK, WHITE = 512, 16383


def scene(seed: int, height: int, width: int) -> NDArray[np.float64]:
    """Linear sRGB light with detail at all scales, 0.02…0.7."""
    random = np.random.default_rng(seed)
    light = np.zeros((height, width, 3))
    for sigma in (1.5, 4, 12):
        noise = gaussian_filter(random.normal(size=(height, width, 3)), (sigma, sigma, 0))
        light += noise / noise.std()
    light = (light - light.min()) / (light.max() - light.min())
    return 0.02 + 0.68 * light


def write_dng(
    path: Path,
    linear: NDArray[np.float64],
    *,
    baseline_exposure_ev: float | None = None,
    crop: tuple[int, int, int, int] | None = None,
    orientation: int = 1,
    neutral: Sequence[float] = (1.0, 1.0, 1.0),
    sub_ifd: bool = False,
) -> Path:
    """Write a scene as a camera whose primaries are sRGB's would have recorded it (RGGB).

    Args:
        path: The file.
        linear: ``(H, W, 3)`` linear sRGB light, before the white balance is taken out.
        baseline_exposure_ev: The tag, or none.
        crop: Default crop as left, top, width, height; or none.
        orientation: The tag.
        neutral: What the camera records for white; the scene is multiplied by it.
        sub_ifd: Put the mosaic into a sub-directory beside a preview, as Adobe's converter does.
    """
    camera = linear * np.asarray(neutral)
    mosaic = camera[..., 1].copy()
    mosaic[0::2, 0::2] = camera[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = camera[1::2, 1::2, 2]
    codes = np.clip(BLACK + mosaic * (WHITE - BLACK), 0, WHITE).round().astype(np.uint16)
    height, width = codes.shape
    of_camera = [
        (271, "s", 0, "Fivefold", True),
        (272, "s", 0, "Test camera", True),
        (274, "H", 1, orientation, True),
        (50706, "B", 4, bytes([1, 4, 0, 0]), True),
        (50708, "s", 0, "Fivefold Test camera", True),
        (50721, "2i", 9, _rationals(XYZ_TO_SRGB.ravel()), True),
        (50778, "H", 1, 21, True),
        (50728, "2I", 3, _rationals(neutral), True),
    ]
    if baseline_exposure_ev is not None:
        of_camera.append((50730, "2i", 1, _rationals([baseline_exposure_ev]), True))
    of_mosaic = [
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes([0, 1, 1, 2]), True),
        (50714, "H", 1, BLACK, True),
        (50717, "I", 1, WHITE, True),
        (50829, "I", 4, (0, 0, height, width), True),
    ]
    if crop is not None:
        of_mosaic.append((50719, "2I", 2, _rationals(crop[:2]), True))
        of_mosaic.append((50720, "2I", 2, _rationals(crop[2:]), True))
    mosaic_options = {"photometric": 32803, "planarconfig": 1, "metadata": None}
    with tifffile.TiffWriter(path, byteorder="<") as file:
        if sub_ifd:
            preview = np.zeros((16, 24, 3), np.uint8)
            file.write(
                preview,
                photometric="rgb",
                subfiletype=1,
                subifds=1,
                extratags=of_camera,
                metadata=None,
                software=False,
            )
            file.write(codes, subfiletype=0, extratags=of_mosaic, **mosaic_options)
        else:
            file.write(
                codes,
                subfiletype=0,
                extratags=[*of_camera, *of_mosaic],
                software=False,
                **mosaic_options,
            )
    return path


def write_prophoto(path: Path, linear: NDArray[np.float64], *, profile: bool = True) -> Path:
    """Write linear sRGB light as a 16-bit ProPhoto TIFF, as FiveK's experts are published."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parsed = matrix_profile(prophoto_profile())
    assert parsed is not None
    to_prophoto = np.linalg.inv(parsed.matrix) @ D65_TO_D50 @ SRGB_TO_XYZ
    coded = np.clip(linear @ to_prophoto.T, 0, 1) ** (1 / 1.8)
    tifffile.imwrite(
        path,
        (coded * 65535).round().astype(np.uint16),
        photometric="rgb",
        metadata=None,
        iccprofile=prophoto_profile() if profile else None,
    )
    return path


def _rationals(values: Sequence[float] | NDArray[np.float64]) -> list[int]:
    fractions = [Fraction(float(v)).limit_denominator(100_000) for v in values]
    return [part for f in fractions for part in (f.numerator, f.denominator)]
