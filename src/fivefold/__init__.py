"""Automatic photo enhancement: five expert retouchers folded into one model.

The names below load what they need when they are first used, so that ``import fivefold`` costs
next to nothing. Nothing here imports torch; ``fivefold.model`` does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fivefold.errors import (
        BundleDamagedError,
        BundleError,
        BundleFormatError,
        ClusterError,
        DataError,
        DeviceError,
        FivefoldError,
        MissingExtraError,
        PhotoError,
        PhotoReadError,
        PhotoTooLargeError,
        PhotoWriteError,
        TrainingError,
        UnsupportedPhotoError,
        UnsupportedVideoError,
        VideoError,
        VideoReadError,
        VideoWriteError,
    )
    from fivefold.kernels.grid import BilateralGrid, Guide
    from fivefold.photo.files import read_photo, write_photo
    from fivefold.photo.image import Metadata, Photo
    from fivefold.runtime.bundle import Bundle
    from fivefold.runtime.enhancer import Enhancer
    from fivefold.runtime.shortcut import enhance

    __version__: str

__all__ = [
    "BilateralGrid",
    "Bundle",
    "BundleDamagedError",
    "BundleError",
    "BundleFormatError",
    "ClusterError",
    "DataError",
    "DeviceError",
    "Enhancer",
    "FivefoldError",
    "Guide",
    "Metadata",
    "MissingExtraError",
    "Photo",
    "PhotoError",
    "PhotoReadError",
    "PhotoTooLargeError",
    "PhotoWriteError",
    "TrainingError",
    "UnsupportedPhotoError",
    "UnsupportedVideoError",
    "VideoError",
    "VideoReadError",
    "VideoWriteError",
    "__version__",
    "enhance",
    "read_photo",
    "write_photo",
]

_HOMES = {
    "BilateralGrid": "fivefold.kernels.grid",
    "Bundle": "fivefold.runtime.bundle",
    "Enhancer": "fivefold.runtime.enhancer",
    "Guide": "fivefold.kernels.grid",
    "Metadata": "fivefold.photo.image",
    "Photo": "fivefold.photo.image",
    "enhance": "fivefold.runtime.shortcut",
    "read_photo": "fivefold.photo.files",
    "write_photo": "fivefold.photo.files",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from fivefold.version import VERSION

        value: Any = VERSION
    elif name in __all__:
        value = getattr(importlib.import_module(_HOMES.get(name, "fivefold.errors")), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
