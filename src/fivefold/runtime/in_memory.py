"""Pictures that programs hold, as photos and back: NumPy arrays and PIL images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.image import FULL_SCALE, Photo, Pixels
from fivefold.photo.profile import rgb_from_grey

if TYPE_CHECKING:
    from PIL.Image import Image

Array: TypeAlias = NDArray[Any]

LARGEST_VALUE = 8.0
"""What a float array of colours may hold. Sharpened edges overshoot 1, and HDR goes to 5.3: 10 000
cd/m² where white is 203, coded as sRGB goes on above white. An array of 0…255 reaches further."""

# PIL mode -> the mode that its colours fit in, without and with transparency.
_FULL_MODES = {"1": ("L", "LA"), "L": ("L", "LA"), "P": ("RGB", "RGBA"), "RGB": ("RGB", "RGBA")}


def photo_of_array(array: Array) -> Photo:
    """See an array as a photo.

    Args:
        array: ``(H, W, 3)`` RGB, ``(H, W)`` grey or ``(H, W, 4)`` RGB and alpha, sRGB; ``uint8``,
            ``uint16`` or ``float32`` (0…1; what lies above is cut off).

    Returns:
        A photo; its pixels may share the array's memory.

    Raises:
        TypeError: For another type.
        ValueError: For another shape, or a float above :data:`LARGEST_VALUE`: a scale of 0…255.
    """
    if array.dtype not in FULL_SCALE:
        raise TypeError(f"the array must be uint8, uint16 or float32, received {array.dtype}")
    if array.ndim not in (2, 3) or 0 in array.shape or array.shape[2:] not in ((), (3,), (4,)):
        raise ValueError(
            f"the array must be (H, W), (H, W, 3) or (H, W, 4), received shape {array.shape}"
        )
    if array.dtype == np.float32 and LARGEST_VALUE < (largest := float(array.max())) < np.inf:
        raise ValueError(f"a float32 array must hold 0…1, received values up to {largest:g}")
    if array.ndim == 2:
        return Photo(np.repeat(array[:, :, None], 3, axis=2), is_greyscale=True)
    alpha = array[:, :, 3] if array.shape[2] == 4 else None
    return Photo(array[:, :, :3], alpha=alpha)


def array_of_photo(photo: Photo) -> Array:
    """The inverse of :func:`photo_of_array`: as many channels as the photo came with."""
    colours: Pixels = photo.pixels[:, :, 0] if photo.is_greyscale else photo.pixels
    if photo.alpha is None:
        return np.ascontiguousarray(colours)
    return np.dstack([colours, photo.alpha])


def photo_of_pil(image: Image) -> Photo:
    """See a PIL image as a photo.

    The pixels stay turned as they are, whatever orientation the image's EXIF gives: whoever holds
    the image has decided about that.

    Args:
        image: Of mode ``RGB``, ``RGBA``, ``L``, ``LA`` or ``I;16``; ``P`` and ``1`` have too few
            colours to be enhanced and are taken as the first of the former that holds them.

    Returns:
        A photo, with the image's colour profile.

    Raises:
        ValueError: For another mode.
    """
    mode = image.mode
    if mode in _FULL_MODES:
        # A single transparent colour would not survive the change of the colours.
        image = image.convert(_FULL_MODES[mode][image.has_transparency_data])
    if image.mode not in ("RGB", "RGBA", "L", "LA", "I;16"):
        raise ValueError(f"the image must be RGB, RGBA, L, LA or I;16, received mode {mode}")
    array = np.asarray(image)
    if image.mode == "LA":
        photo = Photo(
            np.repeat(array[:, :, :1], 3, axis=2), alpha=array[:, :, 1], is_greyscale=True
        )
    else:
        photo = photo_of_array(array)
    profile = image.info.get("icc_profile") or None
    if profile is not None and photo.is_greyscale:
        profile = rgb_from_grey(profile)
    return replace(photo, icc_profile=profile)


def pil_of_photo(photo: Photo, info: dict[Any, Any]) -> Image:
    """The inverse of :func:`photo_of_pil`.

    Args:
        photo: 8 bits a channel, or 16 with one channel: PIL has no other.
        info: The ``info`` of the original image: its profile, EXIF, resolution, …

    Returns:
        An image of mode ``RGB``, ``RGBA``, ``L``, ``LA`` or ``I;16``.
    """
    from PIL import Image

    image = Image.fromarray(array_of_photo(photo))
    image.info = {key: value for key, value in info.items() if key != "transparency"}
    if photo.icc_profile is None and not photo.is_greyscale:
        image.info.pop("icc_profile", None)  # one that could not code the result
    return image
