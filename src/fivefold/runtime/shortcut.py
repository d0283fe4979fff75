"""One call for whatever kind of picture a program holds."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from fivefold.photo.image import Photo
from fivefold.runtime.blend import Blend
from fivefold.runtime.enhancer import Enhancer, check_strength

if TYPE_CHECKING:
    from PIL.Image import Image


@overload
def enhance(
    picture: str | os.PathLike[str] | Photo,
    *,
    strength: float = 1.0,
    expert: str | Blend | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite_original: bool = False,
) -> Photo: ...
@overload
def enhance(
    picture: Image,
    *,
    strength: float = 1.0,
    expert: str | Blend | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite_original: bool = False,
) -> Image: ...
@overload
def enhance(
    picture: NDArray[Any],
    *,
    strength: float = 1.0,
    expert: str | Blend | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite_original: bool = False,
) -> NDArray[Any]: ...
def enhance(
    picture: str | os.PathLike[str] | Photo | Image | NDArray[Any],
    *,
    strength: float = 1.0,
    expert: str | Blend | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite_original: bool = False,
) -> Photo | Image | NDArray[Any]:
    """Enhance a picture with the bundle that came with the package, loaded at the first call.

    Args:
        picture: A path; a :class:`~fivefold.Photo`; a PIL image of mode ``RGB``, ``RGBA``, ``L``,
            ``LA``, ``I;16``, ``P`` or ``1``; or an sRGB array ``(H, W, 3)``, ``(H, W)`` or
            ``(H, W, 4)``, ``uint8``, ``uint16`` or ``float32`` (0…1). A float may overshoot 1, and
            is cut off there; above 8 the array is taken for one of another scale and refused.
        strength: 0 is the untouched picture, 1 the model; from -1.5 to 1.5.
        expert: Whose style, or a blend such as ``"a=0.5,d=0.5"`` or ``{"a": 0.5, "d": 0.5}``;
            the consensus without it.
        output: Where to write the result as well, in the format that the suffix names. What
            stands there is replaced, unless it is ``picture`` itself.
        overwrite_original: Let ``output`` be the file that ``picture`` names.

    Returns:
        The same kind of thing: an array for an array (same shape and type), a PIL image for a PIL
        image, a photo for a path or a photo. What was given is left as it is.

    Raises:
        PhotoError: If the photo cannot be read, or the result not written.
        TypeError: For another kind of picture, or type of array.
        ValueError: For a shape, mode, strength or scale that is out of range, a style that the
            bundle does not have, or an ``output`` that would replace the original unasked.
    """
    from PIL.Image import Image

    from fivefold.photo.files import read_photo, write_photo
    from fivefold.runtime import in_memory

    check_strength(strength)
    if isinstance(picture, str | os.PathLike):
        if output is not None and not overwrite_original and _is_same_file(picture, output):
            raise ValueError(
                f"output must be another file than the photo, received {os.fspath(output)!r}; "
                "overwrite_original=True replaces it"
            )
        photo = read_photo(Path(picture))
    elif isinstance(picture, Photo):
        photo = picture
    elif isinstance(picture, Image):
        photo = in_memory.photo_of_pil(picture)
    elif isinstance(picture, np.ndarray):
        photo = in_memory.photo_of_array(picture)
    else:
        raise TypeError(
            f"expected a path, a Photo, a PIL image or an array, received {type(picture).__name__}"
        )
    enhancer = _default_enhancer()
    if expert is not None:
        enhancer = enhancer.in_style(expert)
    enhanced = enhancer(photo, strength)
    if output is not None:
        write_photo(enhanced, Path(output))
    if isinstance(picture, Image):
        return in_memory.pil_of_photo(enhanced, picture.info)
    if isinstance(picture, np.ndarray):
        return in_memory.array_of_photo(enhanced)
    return enhanced


def _is_same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two names are one file's: also links, and letters in another case."""
    try:
        return Path(one).samefile(other)
    except OSError:  # one of them is not there
        return False


@cache
def _default_enhancer() -> Enhancer:
    return Enhancer.load()
